"""What an SLA is judged by begins a version when it changes, and a version that has judged stays for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.model import Definition, Policy
from sla_worker.sli.content import fingerprint, read, write
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
UPTIME, LATENCY, ERRORS = DEFINITIONS
SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
NOW = 1_700_000_100  # a border of slots of 300 s


class Ledger:
    """A ledger whose clock a test sets."""

    def __init__(self, place: Place) -> None:
        self.now = float(NOW)
        self.database = SLADatabase(place.location, clock=lambda: self.now)

    def sync(self, *definitions: Definition, after: float) -> None:
        """The file has these now, `after` seconds later than NOW."""
        self.now = NOW + after
        self.database.sync_definitions(definitions)

    def versions(self, key: str = UPTIME.key) -> list[tuple[int, int, float, bool]]:
        """Number, beginning after NOW, target, whether in force."""
        return [
            (each.number, each.valid_from - NOW, each.target_value, each.enabled)
            for each in self.database.versions()[key]
        ]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place)
    yield made
    made.database.close()


def target(value: float) -> Definition:
    return replace(UPTIME, target=value)


# The first slot that an empty ledger measures ends at NOW, so its first versions begin a slot before that.


def test_a_change_begins_with_the_next_slot(ledger: Ledger) -> None:
    ledger.sync(target(0.99), after=0)
    ledger.sync(target(0.95), after=10)  # the slot that ends at 300 runs: it keeps its version
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 300, 0.95, True)]
    at = {
        slot - NOW: ledger.database.version_at(UPTIME.key, slot).number
        for slot in (NOW, NOW + 300, NOW + 600)
    }
    assert at == {0: 1, 300: 1, 600: 2}
    ledger.sync(target(0.95), after=900)
    assert len(ledger.versions()) == 2


def test_a_change_that_was_undone_before_it_began_leaves_nothing(ledger: Ledger) -> None:
    ledger.sync(target(0.99), after=0)
    ledger.sync(target(0.95), after=10)
    ledger.sync(target(0.90), after=20)
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 300, 0.90, True)]
    ledger.sync(target(0.99), after=30)
    assert ledger.versions() == [(1, -300, 0.99, True)]
    ledger.sync(target(0.90), after=40)
    ledger.sync(target(0.99), after=310)  # that one has begun
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 300, 0.90, True), (3, 600, 0.99, True)]


def test_a_change_may_state_when_it_begins(ledger: Ledger) -> None:
    ledger.sync(target(0.99), after=0)
    later = replace(target(0.95), valid_from=NOW + 4000)  # the slot that runs then ends at 4200
    ledger.sync(later, after=10)
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 4200, 0.95, True)]
    ledger.sync(replace(later, valid_from=NOW + 6000), after=400)
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 6000, 0.95, True)]
    ledger.sync(later, after=9000)  # it has begun at 6000, whatever the file says of it now
    assert ledger.versions() == [(1, -300, 0.99, True), (2, 6000, 0.95, True)]
    ledger.sync(replace(target(0.9), valid_from=NOW + 4000), after=9010)  # a time that is over
    assert ledger.versions()[2:] == [(3, 9300, 0.9, True)]


def test_a_new_sla_may_state_when_it_begins(ledger: Ledger) -> None:
    ledger.sync(ERRORS, after=0)
    ledger.sync(ERRORS, replace(UPTIME, valid_from=NOW + 3000), after=10)
    assert ledger.versions() == [(1, 300, UPTIME.target, False), (2, 3000, UPTIME.target, True)]
    assert ledger.database.missing_slots(NOW + 3000, 0)[UPTIME.key] == []
    assert ledger.database.missing_slots(NOW + 3600, 0)[UPTIME.key] == [NOW + 3300, NOW + 3600]


def test_a_new_sla_is_judged_by_its_first_version_before_it_began_too(ledger: Ledger) -> None:
    ledger.sync(ERRORS, after=0)
    ledger.sync(ERRORS, UPTIME, after=610)
    assert ledger.versions() == [(1, 900, UPTIME.target, True)]
    assert ledger.database.version_at(UPTIME.key, NOW - 9000).number == 1
    # It was there for none of the slot that ended at 600, and for a part of the one that ends at 900.
    assert ledger.database.missing_slots(NOW + 900, 0)[UPTIME.key] == []
    assert ledger.database.missing_slots(NOW + 1500, 0)[UPTIME.key] == [NOW + 1200, NOW + 1500]


def test_an_sla_that_a_clock_far_ahead_defined_is_measured_at_once(ledger: Ledger) -> None:
    ledger.sync(ERRORS, after=0)
    ledger.sync(ERRORS, UPTIME, after=86_400)
    assert ledger.database.missing_slots(NOW + 900, 0)[UPTIME.key] == [NOW + 900]


def test_a_removed_sla_is_not_in_force_until_it_is_brought_back(ledger: Ledger) -> None:
    ledger.sync(ERRORS, UPTIME, after=0)
    ledger.sync(ERRORS, after=1000)
    ledger.sync(ERRORS, after=2000)
    ledger.sync(ERRORS, UPTIME, after=3000)
    assert ledger.versions() == [
        (1, -300, UPTIME.target, True), (2, 1200, UPTIME.target, False), (3, 3000, UPTIME.target, True),
    ]  # fmt: skip
    # Up to its removal it is measured although that is noticed only afterwards, and then not before 3000.
    missing = ledger.database.missing_slots(NOW + 3600, NOW + 600)[UPTIME.key]
    assert [slot - NOW for slot in missing] == [600, 900, 1200, 3300, 3600]


def test_the_slots_before_a_removal_are_still_missing_after_it(ledger: Ledger) -> None:
    ledger.sync(ERRORS, UPTIME, after=0)
    ledger.sync(ERRORS, after=1000)
    missing = ledger.database.missing_slots(NOW + 3600, NOW + 600)
    assert [slot - NOW for slot in missing[UPTIME.key]] == [600, 900, 1200]
    assert UPTIME.key not in ledger.database.missing_slots(NOW + 9000, NOW + 1500)


def test_what_changes_no_judgement_makes_no_version(ledger: Ledger) -> None:
    ledger.sync(*DEFINITIONS, after=0)
    said = replace(UPTIME, name="Reachable", description="Other words.", severity="low", graph=True)
    swapped = (replace(LATENCY, name=ERRORS.name), replace(ERRORS, name=LATENCY.name))
    ledger.sync(said, *swapped, after=1000)
    assert [len(each) for each in ledger.database.versions().values()] == [1, 1, 1]


def test_an_sla_that_a_program_defines_has_versions_too(ledger: Ledger) -> None:
    def define(limit: float, after: int) -> None:
        ledger.now = NOW + after
        ledger.database.add_sla_definition(
            "Queue", "efficiency", "depth", limit, "tasks", "low", comparison="<="
        )

    define(50, 0)
    define(50, 400)
    define(40, 1000)  # the slot that runs, which ends at 1200, is stored with the new target
    assert ledger.versions("queue") == [(1, 0 - NOW, 50, True), (2, 900, 40, True)]


def test_a_ledger_of_a_former_version_takes_what_the_file_says_as_its_first_version(ledger: Ledger) -> None:
    ledger.sync(*DEFINITIONS, after=0)
    engine = ledger.database._engine
    with engine.transaction():
        engine.execute(
            "UPDATE sla_versions SET content = NULL, content_hash = NULL, reason = 'migrated', valid_from = 0"
        )
    engine.reset()
    ledger.sync(UPTIME, replace(LATENCY, target=4.0), ERRORS, after=1000)
    assert [len(each) for each in ledger.database.versions().values()] == [1, 2, 1]
    assert ledger.database.version_content(UPTIME.key, 1) == write(UPTIME)
    assert ledger.database.version_content(LATENCY.key, 1) is None  # nobody knows what it was
    assert ledger.database.version_content(LATENCY.key, 2) == write(replace(LATENCY, target=4.0))


@pytest.mark.parametrize("each", read_definitions(SHIPPED), ids=lambda each: each.key)
def test_what_is_written_of_an_sla_is_read_as_the_same(each: Definition) -> None:
    back = read(write(each), key=each.key, name=each.name)
    said = {"description": each.description, "severity": each.severity, "graph": each.graph}
    assert replace(back, **said) == each  # type: ignore[arg-type]


def test_the_fingerprint_is_of_what_is_judged_by() -> None:
    assert fingerprint(UPTIME) == fingerprint(replace(UPTIME, name="x", description="y", severity="low"))
    others = [
        replace(UPTIME, target=0.5),
        replace(UPTIME, category="business"),
        replace(UPTIME, by=("job",)),
        replace(UPTIME, policy=Policy(breach_after=2)),
        replace(UPTIME, sli=ERRORS.sli),
    ]
    assert len({fingerprint(each) for each in (UPTIME, *others)}) == 6


def test_a_worker_killed_at_the_sync_leaves_all_of_it_or_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.sync(target(0.99), after=0)
    store = ledger.database._definitions.versions

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "follow", killed)  # after the definitions were written
        with pytest.raises(KeyboardInterrupt):
            ledger.sync(replace(UPTIME, target=0.9, name="Other"), after=10)
    assert ledger.versions() == [(1, -300, 0.99, True)]
    assert ledger.database._definitions.get(UPTIME.key).target_value == 0.99
    ledger.sync(target(0.9), after=400)
    assert ledger.versions()[1:] == [(2, 600, 0.9, True)]
