"""Rows that come late, again or in any order: the audit, the gaps, and breaches derived from rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_worker.breaches import Point, Rule, derive
from sla_worker.conventions import BREACH_AGAIN_MAIL, BREACH_MAIL, CATCH_UP_MAIL
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.model import Breach, Definition, Figures, Measurement, Policy, Reason, Stored
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
UPTIME, LATENCY, ERRORS = DEFINITIONS
NOW = 1_700_000_100  # a multiple of 300; slots are named by their number from here
DAY = 288


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = SLADatabase(place.location, clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    yield made
    made.close()


def row(
    slot: int, bad: float, coverage: float = 1, *, component: str = "all", final: bool = True
) -> Measurement:
    """`bad` of 100 events: the target allows 0.1."""
    figures = Figures(100 - bad, 100, coverage)
    return evaluate(ERRORS, NOW + slot * 300, figures, component=component, final=final, late=slot < 0)


def missing(database: SLADatabase, newest: int, oldest: int = -10_000) -> list[int]:
    found = database.missing_slots(NOW + newest * 300, NOW + oldest * 300)[ERRORS.key]
    return [(each - NOW) // 300 for each in found]


def breaches(database: SLADatabase) -> list[tuple[int, int | None, float | None]]:
    """Begin and end by slots (0 is where slot 1 begins), and the worst value."""

    def number(moment: int) -> int:
        return (moment - NOW) // 300

    found = database.breaches_between(0, 2**40)
    return [
        (number(b.started_at), None if b.ended_at is None else number(b.ended_at), b.worst) for b in found
    ]


def owed(database: SLADatabase, kind: str) -> int:
    return database.outbox.owed().get(kind, 0)


# --- rows


def test_a_row_read_again_is_replaced_and_what_it_said_before_is_kept(
    database: SLADatabase, place: Place
) -> None:
    assert database.store([row(0, 0, 0.5, final=False)]) == Stored(added=1, replaced=0)
    assert database.provisional_slots(NOW, NOW - 300) == {ERRORS.key: [NOW]}
    assert database.store([row(0, 2, 0.9)], reason=Reason.REREAD) == Stored(added=0, replaced=1)
    assert database.provisional_slots(NOW, NOW - 300) == {}
    [newest] = database.newest_measurements(ERRORS.key, 10)
    assert (newest.good, newest.coverage, newest.final) == (98, 0.9, True)
    assert place.query(
        "SELECT slot, good_events, coverage, final, replaced_at, reason FROM sla_measurement_audit"
    ) == [(NOW, 100, 0.5, 0, NOW, "reread")]


def test_a_row_that_says_the_same_again_is_final_without_an_audit(
    database: SLADatabase, place: Place
) -> None:
    database.store([row(0, 0, 0.5, final=False)])
    assert database.store([row(0, 0, 0.5)], reason=Reason.REREAD) == Stored(0, 0)
    assert database.provisional_slots(NOW, 0) == {}
    assert place.query("SELECT COUNT(*) FROM sla_measurement_audit") == [(0,)]


@pytest.mark.parametrize(
    ("reason", "coverage", "replaced"),
    [
        (Reason.REREAD, 0.4, 0),  # a partial answer: it knows less
        (Reason.REREAD, 0.5, 1),
        (Reason.RECOMPUTE, 0.4, 1),  # perhaps by a better rule
        (Reason.RECOMPUTE, 0.0, 0),  # Prometheus has it no more
        (Reason.FIRST, 0.0, 0),
    ],
)
def test_what_was_measured_once_is_not_lost(
    database: SLADatabase, reason: Reason, coverage: float, replaced: int
) -> None:
    database.store([row(0, 1, 0.5)])
    assert database.store([row(0, 3, coverage)], reason=reason).replaced == replaced
    assert database.newest_measurements(ERRORS.key, 1)[0].good == (97 if replaced else 99)


def test_a_slot_without_data_that_turns_out_to_have_components_loses_its_placeholder(
    database: SLADatabase, place: Place
) -> None:
    database.store([evaluate(ERRORS, NOW, Figures(), final=False)])
    found = [row(0, 1, component="crm"), row(0, 2, component="mail")]
    assert database.store(found, reason=Reason.REREAD) == Stored(2, 0)
    assert {each.component for each in database.newest_measurements(ERRORS.key, 10)} == {"crm", "mail"}
    assert place.query("SELECT coverage, reason FROM sla_measurement_audit") == [(0, "reread")]


def test_provisional_rows_are_known_after_a_restart(database: SLADatabase, place: Place) -> None:
    database.store([row(0, 0, 0.5, final=False), row(1, 0), row(2, 0, 0.7, final=False)])
    database.close()
    again = SLADatabase(place.location, clock=lambda: NOW)
    assert again.provisional_slots(NOW + 600, NOW) == {ERRORS.key: [NOW + 600]}
    assert again.provisional_slots(NOW + 300, NOW - 300) == {ERRORS.key: [NOW]}
    again.close()


# --- gaps


def test_the_newest_slot_may_be_stored_first_and_what_lies_before_it_stays_missing(
    database: SLADatabase, place: Place
) -> None:
    database.store([row(0, 0)])
    database.store([row(10, 0)])
    assert missing(database, 11) == [*range(1, 10), 11]
    database.store([row(slot, 0) for slot in (7, 8, 9)])
    database.store([row(4, 0)])
    assert missing(database, 10) == [1, 2, 3, 5, 6]
    assert missing(database, 10, oldest=3) == [3, 5, 6]
    database.close()
    again = SLADatabase(place.location, clock=lambda: NOW)
    assert missing(again, 10) == [1, 2, 3, 5, 6]
    again.store([row(slot, 0) for slot in (1, 2, 3, 5, 6)])
    assert missing(again, 10) == []
    assert place.query("SELECT COUNT(*) FROM sla_gaps") == [(0,)]
    again.close()


def test_slots_before_an_sla_was_defined_are_not_missing_and_can_be_filled(database: SLADatabase) -> None:
    database.store([row(0, 0)])
    assert database.store([row(-5, 0)], reason=Reason.BACKFILL) == Stored(1, 0)
    assert missing(database, 0) == []


def test_an_empty_ledger_may_begin_in_the_past_and_an_sla_that_comes_later_does_not(place: Place) -> None:
    """Ten slots before the one that was newest when it was made, and that one."""
    begin = NOW - 10 * 300
    with closing(SLADatabase(place.location, clock=lambda: NOW)) as made:
        made.sync_definitions([ERRORS], begin=begin)
        assert missing(made, 0) == list(range(-10, 1))
        made.sync_definitions(DEFINITIONS, begin=begin)
        assert len(made.missing_slots(NOW, begin)[ERRORS.key]) == 11
        later = next(each for each in DEFINITIONS if each.key != ERRORS.key)
        # Not the slot that had ended when it came, but the one that began then.
        assert made.missing_slots(NOW, begin)[later.key] == []
        assert made.missing_slots(NOW + 300, begin)[later.key] == [NOW + 300]


# --- breaches


def test_a_slot_between_two_breaches_that_turns_out_bad_makes_them_one(database: SLADatabase) -> None:
    for slot, bad in enumerate((0, 5, 0, 6, 0)):
        database.store([row(slot, bad)])
    assert breaches(database) == [(0, 1, 0.05), (2, 3, 0.06)]
    mails = owed(database, BREACH_MAIL), owed(database, BREACH_AGAIN_MAIL)
    database.store([row(2, 9)], reason=Reason.RECOMPUTE)
    assert breaches(database) == [(0, 3, 0.09)]
    left = owed(database, BREACH_MAIL), owed(database, BREACH_AGAIN_MAIL), owed(database, CATCH_UP_MAIL)
    assert (mails, left) == ((1, 1), (1, 0, 0))


def test_a_breach_that_lasts_began_earlier_than_was_known(database: SLADatabase) -> None:
    database.store([row(0, 0)])
    database.store([row(10, 5)])
    database.store([row(slot, 8 if slot > 3 else 0) for slot in range(1, 10)])
    assert breaches(database) == [(3, None, 0.08)]
    assert (owed(database, BREACH_MAIL), owed(database, CATCH_UP_MAIL)) == (1, 0)


def test_breaches_of_the_past_are_told_in_one_mail(database: SLADatabase) -> None:
    """Twelve of them are found on three days, newest day first; the one that lasts has a mail of its own."""
    database.store([row(-3 * DAY, 0)])
    database.store([row(0, 5)])
    for day in (-1, -2, -3):
        slots = range(day * DAY + 1, (day + 1) * DAY + (day < -1))
        database.store([row(slot, 7 if slot % 72 == 10 else 0) for slot in slots])
    assert len(breaches(database)) == 13
    assert (owed(database, BREACH_MAIL), owed(database, CATCH_UP_MAIL)) == (1, 1)
    [mail] = [each for each in database.outbox.due(NOW + 120) if each.type == CATCH_UP_MAIL]
    assert database.outbox.due(NOW + 119) == [each for each in database.outbox.due(NOW) if each != mail]
    # Nobody is to be told that it does not leave while more breaches may be added to it.
    assert database.outbox.owed(complete=True) == {BREACH_MAIL: 1}
    told = database.breaches_told_in(mail.id)
    assert len(told) == 12
    assert all(each.ended_at is not None for each in told)
    database.store([row(slot, 0) for slot in range(-3 * DAY, 0)], reason=Reason.RECOMPUTE)
    assert (database.breaches_told_in(mail.id), owed(database, CATCH_UP_MAIL)) == ([], 0)


def test_older_rows_leave_alone_the_breaches_that_do_not_depend_on_them(
    database: SLADatabase, place: Place
) -> None:
    """A catch-up, newest first, would else derive all that it has stored again with each older stretch.

    What is written by hand into a later breach (0.42) stays; the stretch's own are derived, over its end too.
    """
    for slot, bad in enumerate((0, 5, 0, 6, 0)):
        database.store([row(slot, bad)])
    place.query("UPDATE sla_breaches SET worst_value = 0.42 WHERE worst_value = 0.06")
    database.store([row(slot, 7 if slot in {-8, -1} else 0) for slot in range(-9, 0)])
    assert breaches(database) == [(-9, -8, 0.07), (-2, -1, 0.07), (0, 1, 0.05), (2, 3, 0.42)]
    database.store([row(slot, 9) for slot in (-1, 0)], reason=Reason.RECOMPUTE)
    assert breaches(database) == [(-9, -8, 0.07), (-2, 1, 0.09), (2, 3, 0.42)]


def test_old_rows_may_be_gone_and_the_breach_that_began_with_them_stays(
    database: SLADatabase, place: Place
) -> None:
    for slot in range(6):
        database.store([row(slot, 5)])
    place.query(f"DELETE FROM sla_measurements WHERE slot <= {NOW + 600}")  # noqa: S608 - a number
    database.store([row(4, 7)], reason=Reason.RECOMPUTE)
    assert breaches(database) == [(-1, None, 0.07)]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([0, 0, 0, 5, 9, None]), min_size=1, max_size=14),
    st.integers(1, 3),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_whatever_the_order_of_rows_the_breaches_are_those_of_the_rows(
    tmp_path: Path, values: list[int | None], after: int, recover: int, random: Any
) -> None:
    """Live rows one by one, late rows in any order, rows changed afterwards: all end as `derive` says."""
    definition = replace(ERRORS, policy=Policy(breach_after=after, recover_after=recover))
    with closing(SLADatabase(tmp_path / f"{next(_NUMBERS)}.db", clock=lambda: NOW)) as database:
        database.sync_definitions([definition])
        _follow(database, definition, values, random)


def _follow(database: SLADatabase, definition: Definition, values: list[int | None], random: Any) -> None:
    def stored(slot: int, bad: int | None) -> Measurement:
        figures = Figures(50, 100, 0.5) if bad is None else Figures(100 - bad, 100, 1)  # None: partial
        return evaluate(definition, NOW + slot * 300, figures, late=True)

    order = list(range(len(values)))
    random.shuffle(order)
    while order:
        count = random.randint(1, 4)
        database.store([stored(slot, random.choice([0, 7, None])) for slot in order[:count]])
        order = order[count:]
    changed = list(range(len(values)))
    random.shuffle(changed)
    database.store([stored(slot, values[slot]) for slot in changed], reason=Reason.RECOMPUTE)
    rows = reversed(database.newest_measurements(definition.key, 100))
    points = [Point(each.slot, each.state, each.actual) for each in rows]
    policy = definition.policy
    rule = Rule(definition.comparison, 300, policy.breach_after, policy.recover_after)
    expected = [(each.started_at, each.ended_at, each.worst) for each in derive(points, rule)]
    assert [_span(each) for each in database.breaches_between(0, 2**40)] == expected
    # One more row, as live ones come, says what all of them say.
    database.store([stored(len(values), 9), stored(len(values) + 1, values[0])])
    rows = reversed(database.newest_measurements(definition.key, 100))
    points = [Point(each.slot, each.state, each.actual) for each in rows]
    expected = [(each.started_at, each.ended_at, each.worst) for each in derive(points, rule)]
    assert [_span(each) for each in database.breaches_between(0, 2**40)] == expected


_NUMBERS = itertools.count()


def _span(breach: Breach) -> tuple[int, int | None, float | None]:
    return breach.started_at, breach.ended_at, breach.worst
