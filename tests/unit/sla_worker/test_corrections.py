"""Corrections: every figure is that of the corrected counts, and a revoked one leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_worker.database import Keep, SLADatabase
from sla_worker.database.consequences import ExclusionError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import CountsAs, Figures, Measurement, Member, NoData, Policy, Reason, State, Wrong
from sla_worker.sli.composite import CompositeSli
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.test_exclusions import (
    BERLIN,
    DEFINITIONS,
    ERRORS,
    FIGURES,
    GOOD,
    LATENCY,
    NOW,
    SCORE,
    START,
    STEP,
    UPTIME,
    breaches,
    counts,
    exclude,
    open_ledger,
    over,
    revoke,
    row,
)
from unit.sla_worker.test_exclusions import (
    figures as unordered,
)


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = open_ledger(place.location)
    yield made
    made.close()


def figures(place: Place) -> list[list[tuple[Any, ...]]]:
    """What the tables say, but for the mail in which a breach was told again."""
    found, *others = unordered(place)
    return [sorted(each, key=repr) for each in ([each[:-1] for each in found], *others)]


def wrong(first: int, last: int, counts_as: CountsAs = CountsAs.COUNTS, **more: Any) -> Wrong:
    """Slots `first` to `last` of an SLA."""
    sla = more.pop("sla", ERRORS.key)
    start, end = START + (first - 1) * STEP, START + last * STEP
    return Wrong(sla, start, end, counts_as, "ann", "the probe lied", **more)


def correct(database: SLADatabase, *args: Any, **more: Any) -> int:
    return database.corrections.add(wrong(*args, **more), NOW).id


def take_back(database: SLADatabase, number: int) -> None:
    database.corrections.revoke(number, "bob", "it did not", NOW)


def test_counts_of_slots_stand_beside_what_was_measured(database: SLADatabase, place: Place) -> None:
    """10 slots of 10 events; slots 3 and 4 are bad. Corrected: 9 good of 12 in slot 3, 20 of 20 in slot 4."""
    database.store([row(number, 0 if number in {3, 4} else 10) for number in range(1, 11)])
    before = figures(place)
    assert counts(over(database, 0, 10)) == (80, 100, 1)
    assert breaches(database) == [(ERRORS.key, 2, 4)]
    first = correct(database, 3, 3, good=9, total=12)
    assert counts(over(database, 0, 10)) == (89, 102, 1)
    assert breaches(database) == [(ERRORS.key, 2, 4)]  # 9 of 12 is bad as well, and 3 of 12 its worst
    second = correct(database, 4, 4, good=20, total=20)
    assert counts(over(database, 0, 10)) == (109, 112, 1)
    assert counts(over(database, 2, 4)) == (29, 32, 1)
    assert breaches(database) == [(ERRORS.key, 2, 3)]
    assert counts(over(database, 0, 10, exclusions=False)) == (80, 100, 1)
    assert figures(place)[1] == before[1]
    take_back(database, first)
    assert counts(over(database, 0, 10)) == (100, 110, 1)
    take_back(database, second)
    assert figures(place) == before
    assert [(each.author, each.revoked_by) for each in database.corrections.all()] == [("ann", "bob")] * 2


def test_time_that_counts_as_good_bad_or_not_at_all(database: SLADatabase, place: Place) -> None:
    """Ten slots of 10 events, the third bad. The fourth has no data, the fifth is out of hours."""
    rows = [row(number, 0 if number == 3 else 10) for number in range(1, 11)]
    rows[3], rows[4] = row(4, total=0, coverage=0), row(5, in_service=False)
    database.store(rows)
    before = figures(place)
    assert counts(over(database, 0, 10)) == (70, 80, 8 / 9)
    number = correct(database, 3, 5, CountsAs.GOOD)
    assert database.corrections.rows(database.corrections.get(number)) == (3, 2)
    assert counts(over(database, 0, 10)) == (80, 80, 8 / 9)
    assert breaches(database) == []
    [none] = database.maintenance.annulled(START, NOW)
    assert (none.started_at, none.ended_at) == (START + 2 * STEP, START + 5 * STEP)
    take_back(database, number)
    number = correct(database, 6, 7, CountsAs.BAD)
    assert counts(over(database, 0, 10)) == (50, 80, 8 / 9)
    assert breaches(database) == [(ERRORS.key, 2, 7)]  # nothing good lies between
    take_back(database, number)
    assert figures(place) == before
    number = correct(database, 3, 5, CountsAs.EXCLUDED)
    status = over(database, 0, 10)
    assert (*counts(status), status.excluded_seconds) == (70, 70, 1, 3 * STEP)
    take_back(database, number)
    assert figures(place) == before


def test_rows_that_are_read_again_stay_corrected(database: SLADatabase) -> None:
    database.store([row(number) for number in range(1, 5)])
    correct(database, 2, 2, good=5, total=10)
    database.store([row(2, 9)], reason=Reason.RECOMPUTE)
    assert counts(over(database, 0, 4)) == (35, 40, 1)
    assert counts(over(database, 0, 4, exclusions=False)) == (39, 40, 1)


def test_maintenance_goes_over_corrections(database: SLADatabase, place: Place) -> None:
    """Excluded: the slot counts nowhere. Counted as good: the corrected events are all good."""
    rows = [row(number, of=each) for number in range(1, 5) for each in (ERRORS, GOOD)]
    database.store(rows)
    for key in (ERRORS.key, GOOD.key):
        correct(database, 2, 3, sla=key, good=3, total=6)
    corrected = figures(place)
    window = exclude(database, 3, 4)
    assert counts(over(database, 0, 4)) == (13, 16, 1)
    assert counts(over(database, 0, 4, GOOD.key)) == (29, 32, 1)  # 10, 3 of 6, 6 of 6, 10
    revoke(database, window)
    assert figures(place) == corrected


def test_composites_follow_their_members_with_their_own_policy(place: Place) -> None:
    """60 % errors, 40 % uptime. A slot of the composite without any data is bad by its policy."""
    strict = replace(SCORE, policy=Policy(no_data=NoData.BAD))
    others = [each for each in DEFINITIONS if each is not SCORE]
    with closing(open_ledger(place.location, definitions=[*others, strict])) as database:
        rows = []
        for number in (1, 2):
            rows += [row(number, 0), row(number, of=UPTIME)]
            rows.append(evaluate(strict, START + number * STEP, Figures(0, 1, 1, 0.4)))
        for each in (ERRORS, UPTIME):
            rows.append(row(3, total=0, coverage=0, of=each))
        rows.append(evaluate(strict, START + 3 * STEP, Figures(0, 0, 0)))
        database.store(rows)
        before = figures(place)
        assert breaches(database) == [(ERRORS.key, 0, None), (SCORE.key, 0, None)]
        number = correct(database, 1, 2, CountsAs.GOOD)
        assert over(database, 0, 2, SCORE.key).compliance_ratio == 1
        assert breaches(database) == [(SCORE.key, 2, None)]
        take_back(database, number)
        assert figures(place) == before
        window = exclude(database, 3, 3, ERRORS.key)  # of what is left nothing was measured either
        assert (SCORE.key, 0, None) in breaches(database)
        revoke(database, window)
        assert figures(place) == before


def test_a_window_that_cut_a_breach_leaves_no_trace_once_it_is_revoked(
    database: SLADatabase, place: Place
) -> None:
    """Eight bad slots; the window takes the fourth and fifth, which leaves two breaches."""
    database.store([row(number, 0) for number in range(1, 9)])
    before = figures(place)
    window = exclude(database, 4, 5)
    assert breaches(database) == [(ERRORS.key, 0, 3), (ERRORS.key, 5, None)]
    inner = exclude(database, 7, 7)
    assert breaches(database) == [(ERRORS.key, 0, 3), (ERRORS.key, 5, 6), (ERRORS.key, 7, None)]
    revoke(database, window)
    assert breaches(database) == [(ERRORS.key, 0, 6), (ERRORS.key, 7, None)]
    revoke(database, inner)
    assert figures(place) == before


def test_hours_of_a_composite_are_what_they_were_after_a_revocation(
    database: SLADatabase, place: Place
) -> None:
    """Slots 1 to 10 are five hours; the window takes the second and third."""
    rows = []
    for number in range(1, 11):
        rows += [row(number, 0), row(number, of=UPTIME)]
        rows.append(evaluate(SCORE, START + number * STEP, Figures(0, 1, 1, 0.4)))
    database.store(rows)
    before = figures(place)
    revoke(database, exclude(database, 3, 6))
    assert figures(place) == before


def test_the_breach_of_a_component_that_is_gone_stays_over(database: SLADatabase, place: Place) -> None:
    """Component crm is bad in slots 1 to 6 and gone then; bot goes on for more than a day of 48 slots."""
    database.store([row(number, 0, component="crm") for number in range(1, 7)])
    database.store([row(number, component="bot") for number in range(1, 71)])
    database.store([row(71, component="bot")])
    assert breaches(database) == [(ERRORS.key, 0, 6)]
    before = figures(place)
    window = exclude(database, 3, 4)
    revoke(database, window)
    assert breaches(database) == [(ERRORS.key, 0, 6)]
    assert figures(place) == before


def test_a_composite_in_a_window_follows_the_version_in_force(place: Place) -> None:
    """First 60 % errors and 40 % uptime with a target of 0.95; from slot 3 on uptime alone, from 0.3.

    Uptime is excluded: before the change errors are left, of which none was good; after it nothing.
    """
    now = [float(START)]
    later = replace(SCORE, target=0.3, sli=CompositeSli((Member(100, sla=UPTIME.key),)))
    others = [each for each in DEFINITIONS if each is not SCORE]
    made = SLADatabase(place.location, grid=Grid(STEP, 15), zone=BERLIN, clock=lambda: now[0])
    with closing(made) as database:
        database.sync_definitions([*others, SCORE])
        rows = []
        for number in range(1, 5):
            rows += [row(number, 0), row(number, of=UPTIME)]
            score = Figures(0, 1, 1, 0.4) if number < 3 else Figures(1, 1, 1, 1.0)
            rows.append(evaluate(SCORE if number < 3 else later, START + number * STEP, score))
        now[0] = START + 1.5 * STEP
        database.sync_definitions([*others, later])
        now[0] = NOW
        database.store(rows)
        exclude(database, 1, 4, UPTIME.key)
        counted = database.counted(SCORE.key, START, NOW)
        assert [
            (each["actual"], each["state"])
            for _, each in sorted(counted.items(), key=lambda each: each[0][1])
        ] == [(0, "breached"), (0, "breached"), (None, "excluded"), (None, "excluded")]


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"sla": "x"}, "there is no SLA x; give one of "),
        ({"sla": SCORE.key}, "score: is made of other SLAs, whose figures are its own"),
        ({"components": ("crm",)}, "--component crm: api-error-rate has none of that name; give one of all"),
        ({"good": 11}, "--good 11 --total 10: give good events from 0 to all events of a slot"),
        ({"good": -1}, "--good -1 --total 10: give good events"),
        ({"good": float("nan")}, "--good and --total: give both, as numbers"),
        ({"last": 5}, "only what is up to 2026-03-28 01:00 UTC was measured by now"),
        (
            {"good": 1e308, "total": 1e308},
            "--total 1e+308: more than anything counts; give 1000000000000 at most",
        ),
        ({"first": -(10**9)}, "a time before 1970 cannot be used; give one between"),
        ({"last": 10**9}, "a time after 9999-12-31 cannot be used; give one between"),
        ({"author": " "}, "the author is missing; give --author"),
        ({"author": "\udcff"}, "--author '\\udcff': has bytes that are no text; give UTF-8 text"),
        ({"reason": "a\0b"}, "--reason 'a\\x00b': has bytes that are no text"),
        ({"reason": ""}, "the reason is missing; give --reason"),
        ({"sla": LATENCY.key}, "no slot of api-response-time-p95 is in the ledger"),
        ({"counts_as": CountsAs.GOOD, "first": 4, "last": 4}, "so none can be good or bad; give --good and"),
    ],
)
def test_what_cannot_be_corrected_is_one_clear_line(
    database: SLADatabase, place: Place, asked: dict[str, Any], line: str
) -> None:
    database.store([*(row(number) for number in range(1, 4)), row(4, total=0, coverage=0)])
    before = figures(place)
    known = {"first": 1, "last": 4, "good": 5, "total": 10} | asked
    first, last = known.pop("first"), known.pop("last")
    names = {name: known.pop(name) for name in ("author", "reason") if name in known}
    with pytest.raises(ExclusionError) as refused:
        database.corrections.add(replace(wrong(first, last, **known), **names), NOW)
    assert line in str(refused.value)
    assert (figures(place), database.corrections.all()) == (before, [])


def test_no_slot_is_corrected_twice(database: SLADatabase) -> None:
    database.store([row(number) for number in range(1, 5)])
    correct(database, 1, 2, CountsAs.BAD)
    with pytest.raises(ExclusionError, match="is corrected already, by correction 1; revoke that one first"):
        correct(database, 2, 3, CountsAs.GOOD)
    take_back(database, 1)
    with pytest.raises(ExclusionError, match="correction 1 was revoked at 2026-04-19 22:00 UTC by bob"):
        take_back(database, 1)
    assert correct(database, 2, 3, CountsAs.GOOD) == 2
    with pytest.raises(ExclusionError, match="there is no correction 7; `sla correct list` shows all"):
        take_back(database, 7)


def test_a_correction_whose_slots_are_gone_still_counts_and_can_be_revoked(place: Place) -> None:
    """Two days of 48 and 46 slots, of which only hours are kept then; slot 3 is bad, and corrected."""
    keep = Keep(slot_days=1, hour_days=400)
    with closing(open_ledger(place.location, keep=keep)) as database:
        database.store([row(number, 0 if number == 3 else 10) for number in range(1, 200)])
        number = correct(database, 3, 3, CountsAs.GOOD)
        whole = counts(over(database, 0, 94))
        while database.trim():
            pass
        assert database.slots_after() > START + 3 * STEP
        assert counts(over(database, 0, 94)) == whole == (940, 940, 1)
        with pytest.raises(ExclusionError, match="only sums are kept"):
            correct(database, 5, 5, CountsAs.GOOD)
        with pytest.raises(ExclusionError, match="correction 1 changed hours that are kept as sums only"):
            exclude(database, 1, 20)
        assert counts(over(database, 0, 94)) == whole
        take_back(database, number)
        assert counts(over(database, 0, 94)) == (930, 940, 1)


# --- all of it, against a calculation that knows nothing of the ledger

LAST = 100
SLOTS = st.integers(1, LAST)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("correct"), SLOTS, st.integers(1, 20), st.sampled_from(list(CountsAs))),
        st.tuples(st.just("exclude"), SLOTS, st.integers(1, 20), st.just(None)),
        st.tuples(st.just("take back"), st.integers(0, 9), st.just(0), st.just(None)),
        st.tuples(st.just("again"), SLOTS, st.integers(0, 10), st.just(None)),
    ),
    min_size=3,
    max_size=12,
)


def kind_of(number: int) -> Measurement:
    """A row that is good, bad, unmeasured, out of hours or half measured."""
    return {
        0: row(number),
        1: row(number, 0),
        2: row(number, 0, total=0, coverage=0),
        3: row(number, in_service=False),
        4: row(number, 3, total=4, coverage=0.5),
    }[number % 7 % 5]


def by_hand(
    rows: dict[int, Measurement], ranges: dict[int, tuple[str, int, int, CountsAs | None]]
) -> tuple[tuple[float, float, float, float], list[tuple[str, float, float | None]]]:
    """Good, total, coverage and excluded slots of all rows; and the breaches."""
    good = total = covered = expected = excluded = 0.0
    spans: list[tuple[str, float, float | None]] = []
    began: int | None = None
    for slot, each in sorted(rows.items()):
        here = [kind for what, first, last, kind in ranges.values() if first <= slot <= last]
        out = each.state is State.OUT_OF_HOURS
        said = next((kind for kind in here if kind is not None), None)
        g, t, c, state = each.good, each.total, each.coverage, each.state
        if None in here or said is CountsAs.EXCLUDED:
            excluded += 1
            state = state if out else State.EXCLUDED
        elif not out:
            if said is CountsAs.COUNTS:
                g, t, c, state = 9, 20, 1.0, State.BREACHED
            elif said is not None and t > 0:
                g, c = (t if said is CountsAs.GOOD else 0.0), 1.0
                state = State.MET if said is CountsAs.GOOD else State.BREACHED
            good, total, covered, expected = good + g, total + t, covered + c, expected + 1
        if state is State.BREACHED and began is None:
            began = slot - 1
        elif state in {State.MET, State.EXCLUDED} and began is not None:
            spans.append((ERRORS.key, began, slot - 1))
            began = None
    if began is not None:
        spans.append((ERRORS.key, began, None))
    return (good, total, covered / expected if expected else 1.0, excluded), spans


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_figure_equals_an_independent_calculation(steps: list[Any], tmp_path: Path) -> None:
    """Corrections and windows over each other, made and revoked in any order, between rows read again."""
    path = tmp_path / "sla.db"
    path.unlink(missing_ok=True)
    rows = {number: kind_of(number) for number in range(1, LAST + 1)}
    ranges: dict[int, tuple[str, int, int, CountsAs | None]] = {}
    place = SQLitePlace(path)
    with closing(open_ledger(path)) as database:
        database.store(rows.values())
        for what, first, length, said in steps:
            last = min(first + length - 1, LAST)
            if what == "correct":
                more = {"good": 9, "total": 20} if said is CountsAs.COUNTS else {}
                try:
                    number = correct(database, first, last, said, **more)
                except ExclusionError:  # corrected already, or nothing was measured there
                    pass
                else:
                    ranges[number] = (what, first, last, said)
            elif what == "exclude":
                ranges[-exclude(database, first, last)] = (what, first, last, None)
            elif what == "again":
                rows[first] = row(first, length)
                database.store([rows[first]], reason=Reason.RECOMPUTE)
            elif ranges:
                number = list(ranges)[first % len(ranges)]
                take_back(database, number) if number > 0 else revoke(database, -number)
                del ranges[number]
        expected, spans = by_hand(rows, ranges)
        status = over(database, 0, LAST)
        assert (*counts(status), status.excluded_seconds / STEP) == pytest.approx(expected)
        assert sorted(breaches(database)) == sorted(spans)
        plain = by_hand(rows, {})[0][:3]
        assert counts(over(database, 0, LAST, exclusions=False)) == pytest.approx(plain)
        for number in list(ranges):
            take_back(database, number) if number > 0 else revoke(database, -number)
        assert [place.query(sql) for sql in FIGURES[4:]] == [[], [], []]
        assert breaches(database) == by_hand(rows, {})[1]
