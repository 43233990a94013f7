"""Answers that are kept: made once for many, and never shown once something has changed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from sla_worker.web.http import Answer
from sla_worker.web.kept import Kept, tagged
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_ledger import UPTIME
from waiting import patience


class Made:
    """Makes answers and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Answer:
        self.count += 1
        return Answer(str(self.count).encode())


def test_an_answer_is_made_once_for_each_stamp_and_question() -> None:
    stamp, made = ["a"], Made()
    kept = Kept(lambda: (0, stamp[0]))
    assert kept.known("/") is None
    assert [kept.answer("/", made).body for _ in range(3)] == [b"1", b"1", b"1"]
    assert kept.answer("/other", made).body == b"2"
    stamp[0] = "b"
    assert kept.known("/") is None
    assert kept.answer("/", made).body == b"3"


def test_who_asks_meanwhile_gets_the_same_and_a_failure_is_not_kept() -> None:
    kept, begun, going_on, found = Kept(lambda: (0, 1)), threading.Event(), threading.Event(), []

    def slow() -> Answer:
        begun.set()
        assert going_on.wait(patience(10))
        return Answer(b"slow")

    first = threading.Thread(target=lambda: found.append(kept.answer("/", slow).body))
    first.start()
    assert begun.wait(patience(10))
    second = threading.Thread(target=lambda: found.append(kept.answer("/", lambda: Answer(b"again")).body))
    second.start()
    going_on.set()
    for each in (first, second):
        each.join(patience(10))
    assert found == [b"slow", b"slow"]

    def fails() -> Answer:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.answer("/x", fails)
    assert kept.answer("/x", lambda: Answer(b"good")).body == b"good"


def test_while_it_is_made_again_others_get_that_of_the_period_before_unless_something_changed() -> None:
    now: list[tuple[int, str]] = [(0, "same")]
    kept = Kept(lambda: now[0])
    kept.answer("/", lambda: Answer(b"old"))
    for period, what, others in ((1, "same", b"old"), (2, "changed", None), (4, "changed", None)):
        now[0] = (period, what)
        seen: list[Answer | None] = []

        def make(seen: list[Answer | None] = seen) -> Answer:
            seen.append(kept.known("/"))  # as another thread would ask
            return Answer(b"new")

        assert kept.answer("/", make).body == b"new"
        assert [each and each.body for each in seen] == [others]
        assert kept.answer("/", lambda: Answer(b"never")).body == b"new"


def test_no_more_are_kept_than_are_asked_for_in_one_second() -> None:
    stamp, made = [0], Made()
    kept = Kept(lambda: (stamp[0], None))
    for number in range(200):
        kept.answer(number, made)
    assert kept.known(0) is not None
    assert kept.known(199) is None  # there was no room
    stamp[0] = 1
    kept.answer(199, made)
    assert kept.known(199) is not None


def test_a_figure_that_is_stored_within_the_same_second_is_shown_at_once(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    try:
        setting.step()

        def good() -> Any:
            found = json.loads(setting.ask("/api/status")[1])["slas"]
            return next(each["good"] for each in found if each["key"] == UPTIME)

        assert good() == 20  # scrapes of a slot
        database = setting.service.database
        database.record_measurement(database.definitions()[UPTIME].id, 1.0, 0.999, at=setting.now - 300)
        assert good() == 1  # the row of that slot took its place
    finally:
        setting.close()


def test_what_another_thread_writes_has_changed_something_once_it_is_committed(tmp_path: Path) -> None:
    """So while a pass stores its rows, answers are those of before, and nobody waits for the database."""
    setting = Setting(tmp_path)
    try:
        database = setting.service.database

        def seen_elsewhere() -> tuple[int, ...]:
            found: list[tuple[int, ...]] = []
            reader = threading.Thread(target=lambda: found.append(database.changes()))
            reader.start()
            reader.join()
            return found[0]

        before = database.changes()
        with database._engine.transaction():
            database._engine.execute("DELETE FROM sla_gaps")
            assert database.changes() != before
            assert seen_elsewhere() == before
        assert seen_elsewhere() == database.changes() != before
    finally:
        setting.close()


def test_what_has_not_changed_is_not_sent_again() -> None:
    answer = tagged(Answer(b"body"), "")
    tag = answer.headers["ETag"]
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    for asked in (tag, f'"other", W/{tag}'):
        again = tagged(Answer(b"body"), asked)
        assert (again.status, again.body) == (304, b"")
    assert tagged(Answer(b"changed"), tag).status == 200
