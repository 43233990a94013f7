"""Slots are measured and judged by the version in force at their end, however late, and periods say so."""

from __future__ import annotations

import contextlib
import json
import random
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.in_force import InForce
from sla_worker.model import Comparison, Definition, Member, Policy, Reason, SLAStatus
from sla_worker.prometheus import PrometheusClient
from sla_worker.selectors import Selector
from sla_worker.sli.composite import CompositeSli
from sla_worker.sli.form import Condition
from sla_worker.sli.time import TimeSli
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import GRID

STEP = 300
BEGIN = 1_700_002_800  # a full hour, 20 minutes before midnight in UTC + 1:30, say
TARGET = {"job": "demo-app", "instance": "a"}
_RANGE = re.compile(r"^\{.*\}\[(\d+)s\]$")


class Gauges:
    """A target with the gauges `one` and `two`, scraped every 15 s; each sample is a number from 0 to 9."""

    def post(self, _path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        found = _RANGE.match(fields["query"])
        result: list[dict[str, Any]] = []
        if found:
            end, seconds = int(float(fields["time"])), int(found.group(1))
            times = [at for at in range((end - seconds) // 15 * 15 + 7, end + 1, 15) if at > end - seconds]
            for name in ("up", "one", "two"):
                if name in fields["query"]:
                    values = [[at, "1" if name == "up" else str(sample(name, at))] for at in times]
                    labels = {"__name__": name, **TARGET}
                    result.append({"metric": labels, "values": values})
        data = {"resultType": "matrix", "result": result}
        return 200, {}, json.dumps({"status": "success", "data": data}).encode()


def sample(name: str, at: int) -> int:
    return random.Random(f"{name} {at}").randrange(10)  # noqa: S311 - made up, the same each time


def good(name: str, slot: int, least: int) -> int:
    """How many of the 20 samples of a slot are at least so much."""
    return sum(sample(name, at) >= least for at in range(slot - STEP + 7, slot, 15))


def sla(key: str, gauge: str, least: int, target: float, **more: Any) -> Definition:
    """The gauge is to be at least so much for a share of the time."""
    return Definition(
        key=key,
        name=key,
        category=more.pop("category", "availability"),
        description=key,
        comparison=Comparison.AT_LEAST,
        target=target,
        unit="ratio",
        severity="high",
        sli=TimeSli(Selector(gauge), Condition(">=", float(least))),
        policy=Policy(**more),
    )


def composite(*members: Member) -> Definition:
    plain = sla("both", "one", 0, 0.6, category="composite")
    return replace(plain, sli=CompositeSli(members))


class Ledger:
    """A ledger and a clock that a test moves; each file has a worker of its own."""

    def __init__(self, path: Path | str) -> None:
        self.now = float(BEGIN)
        self.database = SLADatabase(path, clock=lambda: self.now)

    def sync(self, definitions: Sequence[Definition], at: float) -> None:
        """The worker starts with this file."""
        self.now = BEGIN + at
        self.database.sync_definitions(definitions)
        self.calculator = Calculator(
            definitions,
            PrometheusClient(Gauges()),
            self.database,
            GRID,
            catch_up_seconds=86_400,
            clock=lambda: self.now,
            monotonic=lambda: self.now,
            in_force=InForce(definitions, self.database),
        )

    def run(self, at: float) -> None:
        self.now = BEGIN + at
        self.calculator.run_pass()

    def rows(self) -> list[tuple[object, ...]]:
        return self._all(
            "SELECT d.key, m.slot, good_events, total_events, coverage, actual_value, m.target_value, state,"
            " status FROM sla_measurements m JOIN sla_definitions d ON d.id = m.sla_id ORDER BY d.key, m.slot"
        )

    def everything(self) -> list[tuple[object, ...]]:
        """What counts: slots, breaches, hours and days; not when they were stored."""
        return [
            *self.rows(),
            *self._all(
                "SELECT d.key, started_at, ended_at, worst_value, b.target_value FROM sla_breaches b"
                " JOIN sla_definitions d ON d.id = b.sla_id WHERE ended_at IS NULL OR ended_at > started_at"
                " ORDER BY d.key, started_at"
            ),
            *self._all(
                "SELECT d.key, hour_start, good_events, total_events, covered_slots FROM sla_hours h"
                " JOIN sla_definitions d ON d.id = h.sla_id ORDER BY d.key, hour_start"
            ),
        ]

    def over(self, start: float, end: float) -> dict[str, SLAStatus]:
        hours = (end - start) / 3600
        return {each.key: each for each in self.database.get_current_sla_status(hours, end=int(BEGIN + end))}

    def _all(self, sql: str) -> list[tuple[object, ...]]:
        return [tuple(each.values()) for each in self.database._engine.rows(sql)]


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place.location)
    yield made
    made.database.close()


def test_a_catch_up_over_a_change_asks_each_version_for_its_own_slots(ledger: Ledger) -> None:
    ledger.sync([sla("a", "one", 3, 0.7)], at=0)
    ledger.run(20)
    # The worker is down from here; it sees the new file after 1,000 s, and measures again after 1,820.
    ledger.sync([sla("a", "two", 5, 0.4)], at=1000)
    ledger.run(1820)
    rows = [(slot - BEGIN, count, target) for _, slot, count, _, _, _, target, *_ in ledger.rows()]  # type: ignore[operator]
    assert rows == [
        *((at, good("one", BEGIN + at, 3), 0.7) for at in (0, 300, 600, 900, 1200)),
        *((at, good("two", BEGIN + at, 5), 0.4) for at in (1500, 1800)),
    ]


def test_a_mixed_period_has_the_budgets_of_its_parts(ledger: Ledger) -> None:
    ledger.sync([sla("a", "one", 1, 0.95)], at=0)
    ledger.run(20)
    ledger.sync([sla("a", "one", 1, 0.5)], at=620)  # from 900 on
    for at in range(320, 3000, 300):
        ledger.run(at + 300)
    found = ledger.over(0, 2700)["a"]
    # Nine slots of 20 samples: three by 0.95, which may have 1 bad sample each, six by 0.5 with 10 each.
    assert found.total == 180
    assert found.held_to_ratio == pytest.approx(1 - (3 * 1 + 6 * 10) / 180)
    assert (found.target, found.objective_ratio, found.changes) == (0.5, 0.5, (BEGIN + 900,))
    before = ledger.over(0, 900)["a"]
    assert (before.target, before.held_to_ratio, before.changes) == (0.95, 0.95, ())
    after = ledger.over(900, 2700)["a"]
    assert (after.target, after.held_to_ratio, after.changes) == (0.5, 0.5, ())
    assert (before.good + after.good, before.total + after.total) == (found.good, found.total)
    assert found.good == sum(good("one", BEGIN + at, 1) for at in range(300, 2701, 300))


def test_hours_and_days_are_cut_where_a_version_begins_so_that_sums_are_told_apart_for_ever(
    ledger: Ledger,
) -> None:
    ledger.sync([sla("a", "one", 1, 0.95)], at=0)
    ledger.sync([sla("a", "one", 8, 0.1)], at=36_901)  # from 37,200 on, 20 minutes into an hour
    ledger.run(86_400 * 3 // 4)
    with ledger.database._engine.transaction():
        ledger.database._engine.execute("DELETE FROM sla_measurements WHERE slot < ?", (BEGIN + 60_000,))
    # The first version gives its sums from hours alone: 124 slots after the first one.
    [first] = ledger.over(0, 37_200).values()
    assert (first.total, first.good) == (
        124 * 20, sum(good("one", BEGIN + at, 1) for at in range(300, 37_201, 300)),
    )  # fmt: skip
    [second] = ledger.over(37_200, 57_600).values()
    assert (second.total, second.held_to_ratio) == (68 * 20, 0.1)
    [both] = ledger.over(0, 57_600).values()
    assert both.total == 192 * 20
    assert both.held_to_ratio == pytest.approx((124 * 0.95 + 68 * 0.1) / 192)


def test_a_composite_is_scored_by_the_members_that_it_had(ledger: Ledger) -> None:
    first, second = sla("a", "one", 5, 0.1), sla("b", "two", 2, 0.1)
    ledger.sync([first, second, composite(Member(100, sla="a"))], at=0)
    ledger.run(20)
    ledger.sync([first, second, composite(Member(50, sla="a"), Member(50, sla="b"))], at=610)  # from 900 on
    ledger.run(3020)
    ones = {at: good("one", BEGIN + at, 5) / 20 for at in range(0, 3001, 300)}
    twos = {at: good("two", BEGIN + at, 2) / 20 for at in range(0, 3001, 300)}
    scores = {slot - BEGIN: actual for key, slot, _, _, _, actual, *_ in ledger.rows() if key == "both"}  # type: ignore[operator]
    assert scores == pytest.approx({at: ones[at] if at <= 900 else (ones[at] + twos[at]) / 2 for at in ones})
    before = sum(ones[at] for at in (300, 600, 900)) / 3
    after = sum((ones[at] + twos[at]) / 2 for at in range(1200, 3001, 300)) / 7
    assert ledger.over(0, 3000)["both"].compliance_ratio == pytest.approx((3 * before + 7 * after) / 10)


def test_an_sla_that_came_later_or_is_gone_changes_no_score_of_the_time_before_and_after(
    ledger: Ledger,
) -> None:
    first, second = sla("a", "one", 5, 0.1), sla("b", "two", 2, 0.1)
    score = composite(Member(100, category="availability"))
    ledger.sync([first, score], at=0)
    for at in (20, 320, 620):
        ledger.run(at)
    alone = ledger.over(-300, 600)["both"].compliance_ratio
    ledger.sync([first, second, score], at=640)  # from 900 on
    ledger.calculator.measure_again({"b": {BEGIN, BEGIN + 300, BEGIN + 600}}, Reason.BACKFILL)
    assert ledger.over(-300, 600)["both"].compliance_ratio == alone
    rows = ledger.rows()
    assert [row for row in rows if row[0] == "b"]
    ledger.calculator.measure_again({"both": {BEGIN, BEGIN + 300, BEGIN + 600}}, Reason.RECOMPUTE)
    assert ledger.rows() == rows
    ledger.run(1820)
    together = ledger.over(900, 1800)["both"].compliance_ratio
    ledger.sync([first, score], at=1830)
    assert "b" not in ledger.over(900, 1800)
    assert ledger.over(900, 1800)["both"].compliance_ratio == together


def test_what_was_not_in_force_is_not_expected(ledger: Ledger) -> None:
    first, second = sla("a", "one", 5, 0.1), sla("b", "two", 2, 0.1)
    ledger.sync([first, second], at=0)
    ledger.run(620)
    ledger.sync([first], at=640)  # gone from 900 on
    ledger.run(1220)
    ledger.sync([first, second], at=1240)  # back from 1500 on
    ledger.run(2120)
    assert [row[1] - BEGIN for row in ledger.rows() if row[0] == "b"] == [0, 300, 600, 900, 1800, 2100]  # type: ignore[operator]
    assert ledger.over(-300, 2100)["b"].coverage_ratio == 1


# --- any sequence of edits, restarts and late slots

SLAS = st.builds(
    lambda gauge, least, target, breach_after, recover_after, category: {
        "gauge": gauge,
        "least": least,
        "target": target,
        "breach_after": breach_after,
        "recover_after": recover_after,
        "category": category,
    },
    st.sampled_from(["one", "two"]),
    st.integers(1, 8),
    st.sampled_from([0.3, 0.5, 0.7]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["availability", "business"]),
)
FILES = st.builds(
    lambda slas, weight: [
        *(sla(key, **values) for key, values in slas.items()),
        composite(
            Member(weight, category=next(iter(slas.values()))["category"]),
            Member(100 - weight, sla=next(iter(slas))),
        ),
    ],
    st.dictionaries(st.sampled_from(["a", "b", "c"]), SLAS, min_size=1, max_size=3),
    st.integers(1, 99),
)
# An edit in some slots, and whether the disturbed worker measures in each.
TURNS = st.lists(st.tuples(st.none() | FILES, st.booleans()), min_size=2, max_size=18)


@settings(max_examples=25, deadline=None)
@given(first=FILES, turns=TURNS)
def test_late_slots_give_the_same_as_an_undisturbed_worker(
    first: list[Definition], turns: list[tuple[list[Definition] | None, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        calm, disturbed = Ledger(Path(directory) / "calm.db"), Ledger(Path(directory) / "disturbed.db")
        for ledger in (calm, disturbed):
            stack.callback(ledger.database.close)
            ledger.sync(first, at=0)
        for number, (edit, awake) in enumerate(turns):
            for ledger in (calm, disturbed):
                if ledger is calm or awake:
                    ledger.run(number * STEP + 20)
                if edit is not None:
                    ledger.sync(edit, at=number * STEP + 100)
        end = len(turns) * STEP
        for ledger in (calm, disturbed):
            ledger.run(end + 20)
        assert disturbed.everything() == calm.everything()
        for start in (-300, 0, end // 600 * 300):
            assert disturbed.over(start, end) == calm.over(start, end)
        seen = calm.everything()
        slots: dict[str, set[int]] = {}
        for key, slot, *_ in calm.rows():
            slots.setdefault(str(key), set()).add(int(str(slot)))
        calm.calculator.measure_again(slots, Reason.RECOMPUTE)
        assert calm.everything() == seen
