"""The bound of label values: what is kept apart, and what counts as `other`."""

from __future__ import annotations

import logging
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insa_instruments.bounded import MAX_CHARACTERS, MAX_VALUES, OTHER, Bounded
from logged import lines
from waiting import patience


def test_each_value_up_to_the_limit_has_what_was_made_for_it_once() -> None:
    made: list[str] = []

    def make(value: str) -> str:
        made.append(value)
        return value.upper()

    bounded = Bounded("agent", make, limit=2)

    assert [bounded.of(value) for value in ("a", "b", "a", "b")] == ["A", "B", "A", "B"]
    assert made == ["a", "b"]


def test_values_beyond_the_limit_share_what_belongs_to_other() -> None:
    bounded = Bounded("agent", str, limit=2)

    assert [bounded.of(value) for value in ("a", "b", "c", "d", "b")] == ["a", "b", OTHER, OTHER, "b"]


def test_other_takes_none_of_the_room_of_the_values() -> None:
    bounded = Bounded("agent", str, limit=2)

    # The empty value brings `other` in before the limit is reached.
    assert [bounded.of(value) for value in ("", "a", OTHER, "b", "c")] == [OTHER, "a", OTHER, "b", OTHER]


def test_the_first_value_beyond_the_limit_is_logged_and_no_further_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bounded = Bounded("worker_name", str, limit=1)

    with caplog.at_level(logging.WARNING):
        for value in ("a", "b", "c", "b"):
            bounded.of(value)

    assert lines(caplog, "insa_instruments") == [
        "label worker_name has 1 values: 'b' and all further ones count as 'other'"
    ]


class Recording(logging.Handler):
    """A log handler that asks for a value of the label at each record, as one that counts records does."""

    def __init__(self, bounded: Bounded[str]) -> None:
        super().__init__()
        self.bounded = bounded
        self.found: list[str] = []

    def createLock(self) -> None:  # noqa: N802  # logging's name
        """Have none: a handler that hangs would keep the end of the test run waiting."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.bounded.of(record.levelname))


def test_a_log_handler_may_ask_for_a_value_at_the_first_one_beyond_the_limit() -> None:
    bounded = Bounded("level", str, limit=1)
    handler = Recording(bounded)
    logger = logging.getLogger("insa_instruments.bounded")
    logger.addHandler(handler)
    try:
        # A thread of its own: one that waits for itself would never end, and the test with it.
        asking = threading.Thread(target=lambda: [bounded.of(value) for value in "ab"], daemon=True)
        asking.start()
        asking.join(patience(20))
        assert not asking.is_alive(), "the handler waits for the lock that its own caller holds"
    finally:
        logger.removeHandler(handler)

    # The first value is kept, the second one logs, and there is no room for the handler's own either.
    assert handler.found == [OTHER]


def test_what_makes_the_series_of_a_value_may_ask_for_another_one() -> None:
    def make(value: str) -> str:
        return value if value == "b" else f"{value} after {bounded.of('b')}"

    bounded = Bounded("agent", make, limit=2)
    found: list[str] = []
    asking = threading.Thread(target=lambda: found.append(bounded.of("a")), daemon=True)
    asking.start()
    asking.join(patience(20))

    assert found == ["a after b"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("", OTHER),
        ("x" * MAX_CHARACTERS, "x" * MAX_CHARACTERS),
        ("x" * (MAX_CHARACTERS + 1), OTHER),
        ("two\nlines", OTHER),
        ("half a pair: \ud83d", OTHER),  # no UTF-8 of it: a single one would end every scrape
        ("größe 7", "größe 7"),
    ],
)
def test_only_a_printable_value_of_fair_length_is_kept(value: str, kept: str) -> None:
    assert Bounded("agent", str, limit=10).of(value) == kept


def test_what_is_kept_is_within_the_length_that_prometheus_takes() -> None:
    longest = chr(0x1F600) * MAX_CHARACTERS

    # Prometheus counts bytes; prometheus.yml lets a target's value have 500, and this one has 4 times 100.
    assert Bounded("agent", str, limit=1).of(longest) == longest
    assert len(longest.encode()) == 400


def test_a_limit_of_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="max_label_values is 0: give at least 1"):
        Bounded("agent", str, limit=0)


@given(st.lists(st.text(), max_size=300), st.integers(1, MAX_VALUES))
def test_there_are_never_more_than_the_limit_and_other(values: list[str], limit: int) -> None:
    bounded = Bounded("agent", str, limit)

    kept = {bounded.of(value) for value in values}

    assert len(kept - {OTHER}) <= limit
    assert kept - {OTHER} <= set(values)


def test_threads_that_bring_the_same_value_get_the_same_thing() -> None:
    bounded = Bounded("agent", lambda _: object(), limit=50)
    together = threading.Barrier(8)
    found: list[list[object]] = []

    def ask() -> None:
        together.wait()
        found.append([bounded.of(f"agent-{number}") for number in range(100)])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # All threads bring the 100 values in the same order: the first 50 are kept apart, whoever brought them.
    assert len(found) == 8
    assert all(each == found[0] for each in found)
    assert len(set(found[0])) == 51
