"""The ledger: upserts, breaches, outbox, migrations, the one writer."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Figures, Measurement
from sla_worker.needs import component as component_of
from unit.sla_worker.databases import Place
from waiting import poll

THREE = Path(__file__).parent / "definitions" / "three.yml"
DEFINITIONS = read_definitions(THREE)
UPTIME, LATENCY, ERRORS = DEFINITIONS
NOW = 1_700_000_100  # a multiple of 300


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = SLADatabase(place.location, clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    yield made
    made.close()


def errors(slot: int, good: float, total: float, coverage: float | None = 1) -> Measurement:
    return evaluate(ERRORS, NOW + slot * 300, Figures(good, total, coverage))


def test_a_slot_computed_twice_is_one_row(database: SLADatabase) -> None:
    database.store([errors(0, 1000, 1000)])
    database.store([errors(0, 1000, 1000)])
    assert database.counts() == {"definitions": 3, "measurements": 1, "active breaches": 0}


def test_no_search_for_cycles_runs_while_rows_are_stored(database: SLADatabase) -> None:
    seen = []

    def rows() -> Iterator[Measurement]:
        seen.append(gc.isenabled())
        yield errors(0, 1000, 1000)

    database.store(rows())
    assert (seen, gc.isenabled()) == ([False], True)


def test_a_breach_opens_worsens_and_is_resolved(database: SLADatabase) -> None:
    database.store([errors(0, 99, 100)])
    database.store([errors(1, 90, 100), errors(2, 95, 100)])
    [breach] = database.get_active_breaches()
    assert (breach.name, breach.severity, breach.started_at) == ("API Error Rate", "critical", NOW - 300)
    assert breach.worst == 0.1  # 10 of 100 in the second slot; the third was better
    database.store([errors(3, 100, 100)])
    assert database.get_active_breaches() == []
    ended = database.get_breach(breach.id)
    assert ended is not None
    assert ended.ended_at == NOW + 600  # where the slot begins that met the target
    assert ended.duration_seconds(NOW + 9999) == 900


@pytest.mark.parametrize("figures", [(0, 0, 1), (0, 0, None), (5, 10, 0.5)])
def test_what_cannot_be_judged_leaves_a_breach_as_it_is(
    database: SLADatabase, figures: tuple[float, float, float | None]
) -> None:
    database.store([errors(0, *figures)])
    assert database.get_active_breaches() == []
    database.store([errors(1, 90, 100)])
    database.store([errors(2, *figures)])
    assert len(database.get_active_breaches()) == 1


def test_a_breach_of_high_severity_owes_one_mail(database: SLADatabase) -> None:
    database.store([errors(0, 90, 100), errors(1, 90, 100)])
    database.store([errors(0, 90, 100)])
    assert [each.key for each in database.outbox.due(NOW)] == ["breach:1"]


def test_all_rows_of_a_pass_or_none(database: SLADatabase) -> None:
    unknown = Measurement(**{**_fields(errors(1, 1, 1)), "key": "unknown"})
    with pytest.raises(DatabaseError, match="the SLA unknown is not defined"):
        database.store([errors(0, 90, 100), unknown])
    assert database.counts()["measurements"] == 0
    assert database.get_active_breaches() == []
    assert database.outbox.due(NOW) == []


def _fields(row: Measurement) -> dict[str, object]:
    return {name: getattr(row, name) for name in Measurement.__slots__}


def test_compliance_is_a_ratio_of_sums_and_coverage_stands_beside_it(database: SLADatabase) -> None:
    # 4 slots: 1 of 10 bad, 0 of 990 bad, one unmeasured, one without traffic
    rows = [errors(0, 9, 10), errors(1, 990, 990), errors(2, 0, 0, None), errors(3, 0, 0)]
    database.store(rows)
    [status] = [
        each for each in database.get_current_sla_status(24, end=NOW + 900) if each.key == "api-error-rate"
    ]
    assert status.compliance_ratio == 999 / 1000  # the mean of the slots' ratios would be 0.95
    assert status.meets_target is True
    assert status.period_actual == 1 / 1000
    assert status.coverage_ratio == 3 / 4
    other = database.get_current_sla_status(24, end=NOW + 900)[0]
    assert (other.compliance_ratio, other.meets_target, other.coverage_ratio) == (None, None, 0)


def test_missing_slots_follow_the_last_row(database: SLADatabase) -> None:
    def missing(newest: int, oldest: int = 0) -> list[int]:
        return database.missing_slots(newest, oldest)["api-error-rate"]

    # A new ledger starts with the slot that was newest when the SLA was defined.
    assert missing(NOW - 300) == [NOW - 300]
    assert missing(NOW + 600) == [NOW, NOW + 300, NOW + 600]
    database.store([errors(0, 1, 1)])
    assert missing(NOW + 600) == [NOW + 300, NOW + 600]
    assert missing(NOW + 600, NOW + 600) == [NOW + 600]  # what is too old
    assert missing(NOW) == []


def test_the_names_that_users_know(database: SLADatabase) -> None:
    queue = database.add_sla_definition(
        "Queue Depth", "efficiency", "queue", 50, "tasks", "low", comparison="<="
    )
    latency = database.add_sla_definition("P95", "performance", "latency", 5, "seconds", "high")
    assert database.record_measurement(queue, 20, 50).compliant is True
    assert database.record_measurement(latency, 7.5, 5).compliant is False
    [breach] = database.get_active_breaches()
    assert (breach.name, breach.worst, breach.comparison) == ("P95", 7.5, Comparison.AT_MOST)
    [status] = [each for each in database.get_current_sla_status(hours=24) if each.name == "P95"]
    assert (status.actual, status.status.word, status.in_breach) == (7.5, "poor", True)
    with pytest.raises(DatabaseError, match="severity 'loud'"):
        database.add_sla_definition("X", "efficiency", "x", 1, "ratio", "loud")
    with pytest.raises(DatabaseError, match="no SLA with the id 99"):
        database.record_measurement(99, 1, 1)
    for odd in (float("nan"), float("inf")):
        with pytest.raises(DatabaseError, match="give a finite number"):
            database.record_measurement(queue, odd, 50)


def test_a_component_that_is_gone_is_in_breach_for_a_day_at_most(database: SLADatabase) -> None:
    """That of `b` began at NOW - 300 and ended nowhere: from then on the SLA is about `a` alone."""

    def slot(number: int, good: float, *components: str) -> None:
        at, figures = NOW + number * 300, Figures(good, 100, 1)
        database.store(evaluate(ERRORS, at, figures, component=each) for each in components)

    slot(0, 50, "a", "b")
    slot(1, 100, "a")
    slot(287, 100, "a")
    assert [each.component for each in database.get_active_breaches()] == ["b"]
    database.store([evaluate(ERRORS, NOW + 288 * 300, Figures())])  # no data at all says nothing of `b`
    assert [each.component for each in database.get_active_breaches()] == ["b"]
    slot(289, 100, "a")  # more than a day after the last one of `b`
    assert database.get_active_breaches() == []
    assert database.counts()["active breaches"] == 0
    ended, lasting = (database.breaches_between(start, NOW + 86_400) for start in (NOW, NOW - 300))
    assert (ended, [each.component for each in lasting]) == ([], ["a", "b"])
    slot(290, 50, "b")  # it is back
    assert [each.component for each in database.get_active_breaches()] == ["b"]


def test_a_removed_sla_is_in_breach_as_long_as_it_was_measured(database: SLADatabase) -> None:
    """Its breach began at NOW - 300, and its last slot ended at NOW + 300."""
    database.store([errors(0, 50, 100), errors(1, 50, 100)])
    database.sync_definitions([UPTIME, LATENCY])
    assert database.counts()["active breaches"] == 0
    assert len(database.breaches_between(NOW, NOW + 86_400)) == 1
    assert database.breaches_between(NOW + 300, NOW + 86_400) == []


def test_the_daily_summary_sums_its_day(database: SLADatabase) -> None:
    day = (NOW // 86400 - 1) * 86400
    inside = [evaluate(ERRORS, day + end, Figures(9, 10, 1)) for end in (300, 86400)]
    outside = [evaluate(ERRORS, day + end, Figures(0, 10, 1)) for end in (0, 86700)]
    database.store(sorted(inside + outside, key=lambda row: row.slot))
    [row] = database.generate_daily_summary()
    assert (row["good_events"], row["total_events"], row["covered_slots"]) == (18, 20, 2)
    assert (row["minimum_value"], row["average_value"], row["maximum_value"]) == (0.1, 0.1, 0.1)
    assert database.generate_daily_summary() == [row]


def test_what_leaves_the_file_is_disabled_and_keeps_its_rows(database: SLADatabase) -> None:
    database.store([errors(0, 90, 100)])
    database.sync_definitions([UPTIME])
    assert [each.key for each in database.get_current_sla_status()] == ["platform-uptime"]
    assert database.get_active_breaches() == []
    assert database.counts()["measurements"] == 1


def test_a_second_writer_is_refused_and_a_reader_is_not(database: SLADatabase, place: Place) -> None:
    database.store([errors(0, 1, 1)])
    with pytest.raises(DatabaseLockedError, match=r"(process |on .*, )\d+ already writes to it"):
        SLADatabase(place.location)
    reader = SLADatabase(place.location, read_only=True)
    assert reader.counts()["measurements"] == 1
    reader.close()
    database.close()
    SLADatabase(place.location).close()


def test_a_killed_writer_leaves_rows_and_no_lock(place: Place) -> None:
    program = (
        "import os, signal, sys; from sla_worker.database import SLADatabase\n"
        "database = SLADatabase(sys.argv[1])\n"
        "sla = database.add_sla_definition('A', 'business', 'a', 1, 'x', 'low')\n"
        "database.record_measurement(sla, 2, 1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = [each for each in sys.path if each.endswith("sla-worker/src")]
    subprocess.run(
        [sys.executable, "-c", program, str(place.location)],
        check=False,
        env={"PYTHONPATH": ":".join(path)},
    )
    database = poll(lambda: opened(place), "the lock of the process that was killed")
    assert database.counts()["measurements"] == 1
    database.close()


def opened(place: Place) -> SLADatabase | None:
    try:
        return SLADatabase(place.location)
    except DatabaseLockedError:  # the server has not seen yet that its client is gone
        return None


def test_slots_of_two_lengths_do_not_mix(database: SLADatabase, place: Place) -> None:
    database.close()
    with pytest.raises(DatabaseError, match="its slots are 300 s long, not 20 s"):
        SLADatabase(place.location, grid=Grid(20, 5))
    SLADatabase(place.location, grid=Grid(300, 15)).close()  # the lock was given back


def test_a_newer_schema_is_refused(place: Place) -> None:
    SLADatabase(place.location).close()
    place.query("INSERT INTO schema_migrations VALUES (9999, 'x', 0)")
    with pytest.raises(DatabaseError, match="newer version"):
        SLADatabase(place.location)


def test_what_is_not_made_yet_cannot_be_read(place: Place) -> None:
    with pytest.raises(DatabaseError, match="run sla_database"):
        SLADatabase(place.location, read_only=True)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database at all, " * 50)
    with pytest.raises(DatabaseError, match="cannot be opened"):
        SLADatabase(tmp_path / "text.db")


def component(name: str, slot: int, good: float) -> Measurement:
    return evaluate(ERRORS, NOW + slot * 300, Figures(good, 100, 1), component=name)


def test_every_component_that_was_measured_is_shown_and_one_that_is_gone_says_nothing_of_now(
    database: SLADatabase,
) -> None:
    database.store([component("crm", 0, 100), component("mail", 0, 90)])
    database.store([component("crm", 1, 100)])
    database.store([errors(2, 0, 0, None)])  # nothing answered: no component can be named
    database.store([component("crm", 3, 80)])
    statuses = [each for each in database.get_current_sla_status(1, end=NOW + 900) if each.key == ERRORS.key]
    assert [(each.component, each.good, each.actual, each.status.label) for each in statuses] == [
        ("crm", 280, 0.2, "critical"),
        ("mail", 90, None, "no_data"),
    ]
    assert [each.coverage_ratio for each in statuses] == [3 / 4, 1 / 4]
    assert [each.in_breach for each in statuses] == [True, True]
    database.store([errors(4, 0, 0, None)])
    now = [each for each in database.get_current_sla_status(1, end=NOW + 1200) if each.key == ERRORS.key]
    assert [(each.component, each.status.label) for each in now] == [("crm", "no_data"), ("mail", "no_data")]


def test_components_whose_names_look_alike_keep_their_own_figures(place: Place) -> None:
    """A ledger that is opened again knows each by the name that it had."""
    labels = [{}, {"kind": "none"}, {"kind": r"\none"}, {"kind": "all"}, {"kind": "a\0"}, {"kind": "a\ufffd"}]
    names = [component_of(("kind",), each) for each in labels]
    for slot in range(2):
        with closing(SLADatabase(place.location, clock=lambda: NOW + 900)) as database:
            database.sync_definitions(DEFINITIONS)
            database.store([component(name, slot, 90 + number) for number, name in enumerate(names)])
            found = database.get_current_sla_status(1, end=NOW + 300)
    assert {each.component: each.good for each in found if each.key == ERRORS.key} == {
        name: 2 * (90 + number) for number, name in enumerate(names)
    }


def test_components_are_not_covered_before_anything_was_measured(database: SLADatabase) -> None:
    """A stack that is new: no data in slot 1, for whatever SLA, then coverages of 0.35 and 1; c joins late.

    The whole SLA and the components a and b: (0 + 0.35 + 1) / 3 = 0.45. c: its one slot.
    """
    covered = {1: 0.0, 2: 0.35, 3: 1.0}
    names = {1: ("all",), 2: ("a", "b"), 3: ("a", "b", "c")}
    for number, share in covered.items():
        slot, figures = NOW + 300 * number, Figures(10, 10, share)
        rows = [evaluate(UPTIME, slot, figures)]
        rows += [evaluate(ERRORS, slot, figures, component=name) for name in names[number]]
        database.store(rows)
    found = {
        (each.key, each.component): each.coverage_ratio
        for each in database.get_current_sla_status(1, end=NOW + 900)
        if each.key in {ERRORS.key, UPTIME.key}
    }
    assert found == pytest.approx(
        {(UPTIME.key, "all"): 0.45, (ERRORS.key, "a"): 0.45, (ERRORS.key, "b"): 0.45, (ERRORS.key, "c"): 1}
    )


def test_an_sla_without_components_is_shown_as_the_definition_names_it(database: SLADatabase) -> None:
    statuses = database.get_current_sla_status(1, end=NOW)
    assert [(each.key, each.component, each.slot) for each in statuses] == [
        (each.key, "all", None) for each in DEFINITIONS
    ]


def test_a_missing_slot_is_missing_for_the_sla_not_for_its_components(database: SLADatabase) -> None:
    database.store([component("crm", 0, 100), component("mail", 0, 90)])
    database.store([component("crm", 1, 100)])  # mail is gone
    assert database.missing_slots(NOW + 600, 0)[ERRORS.key] == [NOW + 600]


@pytest.mark.parametrize(("driver", "dialect"), [("sqlite3", "sqlite"), ("psycopg", "postgres")])
def test_the_types_of_a_driver_stay_in_its_dialect(driver: str, dialect: str) -> None:
    package = Path(__file__).parents[3] / "sla-worker" / "src" / "sla_worker"
    mention = {
        str(each.relative_to(package))
        for each in package.rglob("*.py")
        if f"import {driver}" in each.read_text(encoding="utf-8")
    }
    assert mention == {f"database/{dialect}.py"}
