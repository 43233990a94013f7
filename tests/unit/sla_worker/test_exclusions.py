"""Time that does not count: every figure equals a count by hand, and a revoked exclusion leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_worker.database import KEEP, Keep, SLADatabase
from sla_worker.database.maintenance import ExclusionError
from sla_worker.evaluation import evaluate
from sla_worker.exclusions import Covered, merged, outward
from sla_worker.grid import Grid
from sla_worker.model import (
    Definition,
    Figures,
    Maintenance,
    Measurement,
    Planned,
    Policy,
    Reason,
    Scope,
    SLAStatus,
    State,
    Status,
)
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.month_ledger import BERLIN, ERRORS, LATENCY, SCORE, UPTIME, at

STEP = 1800
GOOD = replace(ERRORS, key="counted-good", name="Good", policy=Policy(maintenance=Maintenance.COUNTED_GOOD))
DEFINITIONS = (UPTIME, LATENCY, ERRORS, GOOD, SCORE)


START = at("2026-03-28")  # the day before the clock change: 48 slots, then 46, then 48
NOW = at("2026-04-20")
FIGURES = (
    "SELECT * FROM sla_breaches ORDER BY id",
    "SELECT * FROM sla_measurements ORDER BY sla_id, component_id, slot",
    "SELECT * FROM sla_hours ORDER BY sla_id, component_id, hour_start",
    "SELECT * FROM sla_daily_summaries ORDER BY sla_id, component_id, day_start",
    "SELECT * FROM sla_adjusted_slots",
    "SELECT * FROM sla_adjusted_hours",
    "SELECT * FROM sla_adjusted_days",
)


def open_ledger(
    location: str | Path, *, keep: Keep = KEEP, definitions: Sequence[Definition] = DEFINITIONS
) -> SLADatabase:
    made = SLADatabase(location, grid=Grid(STEP, 15), zone=BERLIN, keep=keep, clock=lambda: NOW)
    made.sync_definitions(definitions)
    return made


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = open_ledger(place.location)
    yield made
    made.close()


def row(
    number: int,
    good: float = 10,
    *,
    of: Definition = ERRORS,
    total: float = 10,
    coverage: float = 1,
    in_service: bool = True,
    component: str = "all",
) -> Measurement:
    """Slot number 1 is the first of the 28th of March. The error rate may be 0.001: 10 good of 10."""
    figures = Figures(good, total, coverage)
    return evaluate(of, START + number * STEP, figures, component=component, in_service=in_service)


def exclude(
    database: SLADatabase,
    first: int,
    last: int,
    *slas: str,
    components: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
) -> int:
    """Slots `first` to `last` of some SLAs, or of all. Returns its id."""
    scope = Scope(slas, categories, components)
    planned = Planned(scope, START + (first - 1) * STEP, START + last * STEP, "ann", "disks")
    return database.maintenance.add(planned, NOW).id


def revoke(database: SLADatabase, number: int) -> None:
    database.maintenance.revoke(number, "bob", "the wrong day", NOW)


def over(
    database: SLADatabase, start: int, end: int, key: str = ERRORS.key, *, exclusions: bool = True
) -> SLAStatus:
    """An SLA over the slots start + 1 to end."""
    hours = (end - start) * STEP / 3600
    found = database.get_current_sla_status(hours, end=START + end * STEP, exclusions=exclusions)
    [status] = [each for each in found if each.key == key]
    return status


def counts(status: SLAStatus) -> tuple[float, float, float]:
    return status.good, status.total, status.coverage_ratio


def breaches(database: SLADatabase) -> list[tuple[str, float, float | None]]:
    """Where each begins and ends, in slots."""
    return [
        (
            each.key,
            (each.started_at - START) / STEP,
            None if each.ended_at is None else (each.ended_at - START) / STEP,
        )
        for each in database.breaches_between(0, NOW)
    ]


def figures(place: Place) -> list[list[tuple[Any, ...]]]:
    return [place.query(sql) for sql in FIGURES]


# --- arithmetic


def test_borders_move_outward() -> None:
    assert outward(601, 1199, 300) == (600, 1200)
    assert outward(600, 1200, 300) == (600, 1200)
    assert outward(5400, 5401, 3600, 1800) == (5400, 9000)  # hours of India begin at half past


@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40))),
    start=st.integers(0, 40),
    end=st.integers(0, 40),
)
def test_covered_time_is_that_of_any_span(spans: list[tuple[int, int]], start: int, end: int) -> None:
    moments = {each for begin, until in spans for each in range(begin, until)}
    covered = Covered(spans)
    assert covered.seconds(start, end) == len(moments.intersection(range(start, end)))
    assert {slot for slot in range(42) if covered.holds(slot)} == {each + 1 for each in moments}
    cut = covered.within(start, end)
    assert {each for begin, until in cut for each in range(begin, until)} == moments & set(range(start, end))
    assert merged(cut) == cut


# --- one window


def test_excluded_slots_are_in_no_sum_and_are_not_unmeasured(database: SLADatabase) -> None:
    database.store([row(number, 0 if number in {4, 5} else 10) for number in range(1, 49) if number != 6])
    # 47 of 48 slots, 20 errors.
    assert counts(over(database, 0, 48)) == (450, 470, 47 / 48)
    exclude(database, 4, 6, ERRORS.key)
    # Slots 4 to 6 count nowhere, the one that is missing neither: 45 slots of 45.
    assert counts(over(database, 0, 48)) == (450, 450, 1)
    assert over(database, 0, 48).excluded_seconds == 3 * STEP
    assert counts(over(database, 0, 48, exclusions=False)) == (450, 470, 47 / 48)
    # A period of excluded time alone: nothing is known, and nothing is missing.
    inside = over(database, 3, 6)
    assert (inside.compliance_ratio, inside.coverage_ratio, inside.status) == (None, 1, Status.EXCLUDED)
    assert over(database, 3, 6, exclusions=False).status is Status.CRITICAL


def test_rows_that_come_while_a_window_lasts_are_excluded_and_open_no_breach(database: SLADatabase) -> None:
    exclude(database, 3, 4, ERRORS.key)
    for number in range(1, 7):
        database.store([row(number, 0 if number in {2, 3, 4, 5} else 10)])
    assert counts(over(database, 0, 6)) == (20, 40, 1)
    # The breach before the window ends where it begins; what still burns after it is a breach of its own.
    assert breaches(database) == [(ERRORS.key, 1, 2), (ERRORS.key, 4, 5)]


def test_a_breach_within_a_window_that_is_added_later_is_annulled_and_stays_visible(
    database: SLADatabase, place: Place
) -> None:
    database.store([row(number, 0 if number in {4, 5, 9, 10, 11} else 10) for number in range(1, 49)])
    before = figures(place)
    assert breaches(database) == [(ERRORS.key, 3, 5), (ERRORS.key, 8, 11)]
    first, second = exclude(database, 3, 6), exclude(database, 10, 10, categories=("reliability",))
    assert breaches(database) == [(ERRORS.key, 8, 9), (ERRORS.key, 10, 11)]
    assert [
        (each.name, (each.started_at - START) / STEP, ((each.ended_at or 0) - START) / STEP)
        for each in database.maintenance.annulled(START, NOW)
    ] == [(ERRORS.name, 3, 5)]
    assert database.outbox.owed().get("catch_up", 0) <= 1  # what an exclusion leaves over is told to nobody
    revoke(database, first)
    revoke(database, second)
    assert database.maintenance.annulled(START, NOW) == []
    assert breaches(database) == [(ERRORS.key, 3, 5), (ERRORS.key, 8, 11)]
    assert figures(place)[1:] == before[1:]


def test_policy_counted_good_makes_every_event_good(database: SLADatabase) -> None:
    database.store([row(number, 5, of=GOOD) for number in range(1, 11)])
    exclude(database, 1, 4)
    # 4 slots of 10 good events, 6 of 5.
    status = over(database, 0, 10, GOOD.key)
    assert (status.good, status.total, status.coverage_ratio) == (70, 100, 1)
    assert breaches(database) == [(GOOD.key, 4, None)]


def test_a_component_and_one_that_vanished_while_it_was_maintained(database: SLADatabase) -> None:
    rows = [row(number, component="crm") for number in range(1, 11)]
    rows += [row(number, component="bot") for number in range(1, 11) if number not in {4, 5}]
    database.store(rows)
    found = {
        each.component: each.coverage_ratio
        for each in database.get_current_sla_status(5, end=START + 10 * STEP)
        if each.key == ERRORS.key
    }
    assert found == {"crm": 1, "bot": 0.8}
    exclude(database, 4, 5, ERRORS.key, components=("bot",))
    found = {
        each.component: (each.total, each.coverage_ratio)
        for each in database.get_current_sla_status(5, end=START + 10 * STEP)
        if each.key == ERRORS.key
    }
    assert found == {"crm": (100, 1), "bot": (80, 1)}


def test_a_composite_is_judged_without_its_excluded_members(database: SLADatabase, place: Place) -> None:
    rows = []
    for number in range(1, 5):
        errors, uptime = row(number, 0), row(number, of=UPTIME)
        # 60 % of nothing and 40 % of everything: 0.4.
        score = evaluate(SCORE, START + number * STEP, Figures(0, 1, 1, 0.4))
        rows += [errors, uptime, score]
    database.store(rows)
    before = figures(place)
    assert over(database, 0, 4, SCORE.key).compliance_ratio == 0.4
    assert breaches(database) == [(ERRORS.key, 0, None), (SCORE.key, 0, None)]
    number = exclude(database, 3, 4, ERRORS.key)
    assert over(database, 2, 4, SCORE.key).compliance_ratio == 1
    assert breaches(database) == [(ERRORS.key, 0, 2), (SCORE.key, 0, 2)]
    database.store([row(5, 0), row(5, of=UPTIME), evaluate(SCORE, START + 5 * STEP, Figures(0, 1, 1, 0.4))])
    assert breaches(database)[-1] == (SCORE.key, 4, None)
    revoke(database, number)
    assert breaches(database) == [(ERRORS.key, 0, None), (SCORE.key, 0, None)]
    assert over(database, 0, 4, SCORE.key).compliance_ratio == 0.4
    everything = exclude(database, 1, 5)
    assert breaches(database) == []
    assert over(database, 0, 5, SCORE.key).coverage_ratio == 1
    revoke(database, everything)
    assert [each for each in figures(place)[0] if each[3] != each[4]] == before[0]


def test_an_sla_that_is_defined_later_is_covered_from_then_on(place: Place) -> None:
    with closing(open_ledger(place.location, definitions=[UPTIME])) as database:
        database.maintenance.add(Planned(Scope(), START, NOW + 86_400, "ann", "move"), NOW)
    with closing(open_ledger(place.location)) as database:
        database.store([row(number) for number in range(1, 11)])
        assert counts(over(database, 0, 10)) == (100, 100, 1)
        last = (NOW - START) // STEP + 4
        database.store([row(last)])
        assert over(database, last - 2, last).excluded_seconds == 2 * STEP


# --- what is refused


@pytest.mark.parametrize(
    ("planned", "line"),
    [
        (Planned(Scope(("x",)), START, NOW, "ann", "r"), "--sla x: there is no such SLA; give one of"),
        (Planned(Scope(("score",)), START, NOW, "ann", "r"), "--sla score: is made of other SLAs"),
        (Planned(Scope((), ("x",)), START, NOW, "ann", "r"), "--category x: no SLA is of it; give one of"),
        (Planned(Scope((), (), ("x",)), START, NOW, "ann", "r"), "--component x: these SLAs have none"),
        (Planned(Scope(), START, NOW, " ", "r"), "the author is missing; give --author"),
        (Planned(Scope(), START, NOW, "ann", ""), "the reason is missing; give --reason"),
        (Planned(Scope(), NOW, START, "ann", "r"), "ends before it begins; give a later end"),
        (Planned(Scope(), START, 253_402_300_740, "ann", "r"), "a time after 9999-12-31 cannot be used"),
        (Planned(Scope(), START, NOW, "ann", "\udcff"), "has bytes that are no text; give UTF-8 text"),
    ],
)
def test_what_cannot_be_excluded_is_one_clear_line(
    database: SLADatabase, planned: Planned, line: str
) -> None:
    with pytest.raises(ExclusionError, match=line):
        database.maintenance.add(planned, NOW)
    assert database.maintenance.all() == []


def test_ending_and_revoking(database: SLADatabase) -> None:
    store = database.maintenance
    number = store.add(Planned(Scope(), NOW - 7200, NOW + 7200, "ann", "disks"), NOW).id
    assert store.get(number).state(NOW) == "active"
    ended = store.end(number, "bob", NOW + 100)
    assert (ended.spans, ended.ended_by, ended.state(NOW + STEP)) == (
        ((NOW - 7200, NOW + STEP),),
        "bob",
        "over",
    )
    with pytest.raises(ExclusionError, match="is over; revoke it"):
        store.end(number, "bob", NOW + STEP)
    planned = store.add(Planned(Scope(), NOW + 7200, NOW + 9000, "ann", "disks"), NOW).id
    assert store.get(planned).state(NOW) == "planned"
    with pytest.raises(ExclusionError, match=f"maintenance {planned} has not begun; revoke it"):
        store.end(planned, "bob", NOW)
    revoke(database, planned)
    found = store.get(planned)
    assert (found.state(NOW), found.revoked_by, found.revoke_reason) == ("revoked", "bob", "the wrong day")
    with pytest.raises(ExclusionError, match=rf"maintenance {planned} was revoked at .* by bob"):
        revoke(database, planned)
    with pytest.raises(ExclusionError, match="there is no maintenance 9; `sla maintenance list` shows all"):
        store.end(9, "bob", NOW)


# --- where slots are gone


@pytest.fixture
def old(place: Place) -> Iterator[SLADatabase]:
    """23 days, of which 4 are kept as slots (the 16th of April on) and 9 as hours (the 11th on)."""
    database = open_ledger(place.location, keep=Keep(slot_days=4, hour_days=9))
    for day in range(23):
        numbers = range(day * 48 + 1, day * 48 + 49)
        database.store([row(number, 0 if number % 48 in {21, 22} else 10) for number in numbers])
    while database.trim():
        pass
    yield database
    database.close()


def number_of(text: str) -> int:
    """The slot that begins then."""
    return (at(text) - START) // STEP + 1


def test_of_hours_whole_ones_are_excluded_and_their_breaches_annulled(old: SLADatabase, place: Place) -> None:
    first, last = number_of("2026-04-12T00:00"), number_of("2026-04-14T00:00") - 1
    before = figures(place)
    assert counts(over(old, first - 1, last)) == (920, 960, 1)
    lasting = len(old.breaches_between(at("2026-04-12"), at("2026-04-14")))
    number = exclude(old, number_of("2026-04-12T11:30"), number_of("2026-04-12T11:30"))
    [known] = old.maintenance.all()
    assert known.spans == ((at("2026-04-12T11:00"), at("2026-04-12T12:00")),)
    # The hour from 11 o'clock on (10 before the clock change) had two slots of 10 errors.
    assert counts(over(old, first - 1, last)) == (920, 940, 1)
    assert len(old.breaches_between(at("2026-04-12"), at("2026-04-14"))) == lasting - 1
    assert counts(over(old, first - 1, last, exclusions=False)) == (920, 960, 1)
    revoke(old, number)
    assert figures(place) == before
    with pytest.raises(ExclusionError, match="before 2026-04-10 22:00 UTC only whole days are kept"):
        exclude(old, 1, 2)


def test_part_of_an_hour_whose_slots_are_gone_cannot_be_restored_by_itself(place: Place) -> None:
    keep = Keep(slot_days=4, hour_days=9)
    with closing(open_ledger(place.location, keep=keep)) as database:
        for day in range(23):
            database.store([row(number) for number in range(day * 48 + 1, day * 48 + 49)])
        half = exclude(database, number_of("2026-04-12T10:00"), number_of("2026-04-12T10:00"))
        whole = exclude(database, number_of("2026-04-12T10:00"), number_of("2026-04-12T10:30"))
    with closing(open_ledger(place.location, keep=keep)) as database:
        while database.trim():
            pass
        with pytest.raises(
            ExclusionError, match=f"maintenance {whole} cannot be revoked: another one covers"
        ):
            revoke(database, whole)
        assert database.maintenance.get(whole).revoked_at is None
        day = number_of("2026-04-12T00:00") - 1
        assert counts(over(database, day, day + 48)) == (460, 460, 1)
        revoke(database, half)
        assert counts(over(database, day, day + 48)) == (460, 460, 1)
        revoke(database, whole)
        assert counts(over(database, day, day + 48)) == (480, 480, 1)


# --- all of it, against a calculation that knows nothing of the ledger

LAST = 142  # three days
SLOTS = st.integers(1, LAST)


class Books:
    """What was stored and excluded, counted slot by slot."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Measurement] = {}
        self.windows: dict[int, tuple[str, int, int]] = {}

    def excluded(self, key: str, slot: int) -> bool:
        return any(sla in {"", key} and first <= slot <= last for sla, first, last in self.windows.values())

    def over(self, key: str, start: int, end: int) -> tuple[float, float, float, float]:
        """Good, total, coverage and excluded slots, over the slots start + 1 to end; all in whole numbers."""
        born = min((slot for sla, slot in self.rows if sla == key), default=0)
        good = total = covered = expected = excluded = 0.0
        for slot in range(max(start + 1, born), end + 1):
            found = self.rows.get((key, slot))
            if self.excluded(key, slot):
                excluded += 1
                if key == GOOD.key and found is not None and found.state is not State.OUT_OF_HOURS:
                    good, total = good + found.total, total + found.total
            elif found is None or found.state is not State.OUT_OF_HOURS:
                expected += 1
                if found is not None:
                    good, total, covered = good + found.good, total + found.total, covered + found.coverage
        coverage = covered / expected if expected else float(excluded > 0 or self._any(key, start, end))
        return good, total, coverage, excluded

    def _any(self, key: str, start: int, end: int) -> bool:
        return any((key, slot) in self.rows for slot in range(start + 1, end + 1))

    def breaches(self, key: str) -> list[tuple[str, float, float | None]]:
        found: list[tuple[str, float, float | None]] = []
        began: int | None = None
        for slot in sorted(slot for sla, slot in self.rows if sla == key):
            each = self.rows[key, slot]
            state = each.state
            if self.excluded(key, slot) and state is not State.OUT_OF_HOURS:
                judged = state in {State.MET, State.BREACHED}
                if key == GOOD.key and each.total > 0:
                    state = State.MET if judged else state
                else:
                    state = State.EXCLUDED
            if state is State.BREACHED and began is None:
                began = slot - 1
            elif state in {State.MET, State.EXCLUDED} and began is not None:
                found.append((key, began, slot - 1))
                began = None
        return found if began is None else [*found, (key, began, None)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), SLOTS, st.integers(1, 40), st.integers(0, 4)),
        st.tuples(st.just("exclude"), SLOTS, st.integers(1, 60), st.sampled_from(["", ERRORS.key, GOOD.key])),
        st.tuples(st.just("revoke"), st.integers(0, 5), st.just(0), st.just(0)),
        st.tuples(st.just("again"), SLOTS, st.integers(1, 5), st.integers(0, 10)),
    ),
    min_size=4,
    max_size=14,
)


def made(number: int, kind: int, of: Definition) -> Measurement:
    """A row of one of five kinds: good, bad, unmeasured, out of hours, half measured."""
    if kind == 2:
        return row(number, 0, of=of, total=0, coverage=0)
    if kind == 4:
        return row(number, 3, of=of, total=4, coverage=0.5)
    return row(number, 0 if kind == 1 else 10, of=of, in_service=kind != 3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_figure_equals_an_independent_calculation(steps: list[tuple[Any, ...]], tmp_path: Path) -> None:
    """Overlapping, nested, at borders, beside gaps, before and after the rows, revoked in any order."""
    path = tmp_path / "sla.db"
    path.unlink(missing_ok=True)
    books, newest = Books(), 0
    with closing(open_ledger(path)) as database:
        for what, first, length, extra in steps:
            if what == "rows":
                start = newest + 1 + first % 3
                rows = [
                    made(number, extra if number % 5 == 0 else number % 2, of)
                    for number in range(start, min(start + length, LAST + 1))
                    for of in (ERRORS, GOOD)
                ]
                newest = max([newest, *((each.slot - START) // STEP for each in rows)])
            elif what == "again":
                rows = [row(number, extra) for number in range(first, min(first + length, newest) + 1)]
            else:
                rows = []
            database.store(rows, reason=Reason.RECOMPUTE if what == "again" else Reason.FIRST)
            books.rows |= {(each.key, (each.slot - START) // STEP): each for each in rows}
            if what == "exclude":
                number = exclude(database, first, first + length - 1, *([extra] if extra else []))
                books.windows[number] = (extra, first, first + length - 1)
            elif what == "revoke" and books.windows:
                number = list(books.windows)[first % len(books.windows)]
                revoke(database, number)
                del books.windows[number]
        for key in (ERRORS.key, GOOD.key):
            for start, end in ((0, newest), (1, newest), (newest - 3, newest), (30, 70), (48, 94)):
                if 0 <= start < end <= newest and any(sla == key for sla, _ in books.rows):
                    status = over(database, start, end, key)
                    expected = books.over(key, start, end)
                    assert (*counts(status), status.excluded_seconds / STEP) == pytest.approx(expected)
                    unadjusted = Books()
                    unadjusted.rows = books.rows
                    plain = counts(over(database, start, end, key, exclusions=False))
                    assert plain == pytest.approx(unadjusted.over(key, start, end)[:3])
        expected_breaches = [each for key in (ERRORS.key, GOOD.key) for each in books.breaches(key)]
        assert sorted(breaches(database)) == sorted(expected_breaches)
        for number in list(books.windows):
            revoke(database, number)
    # Without exclusions the ledger is what it would be if there never had been any.
    other = tmp_path / "other.db"
    other.unlink(missing_ok=True)
    place = SQLitePlace(path)
    assert [place.query(sql) for sql in FIGURES[4:]] == [[], [], []]
