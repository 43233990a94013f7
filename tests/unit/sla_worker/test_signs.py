"""The signs of a strip: what was not there yet lacks no data."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Figures
from sla_worker.periodic import long_report
from sla_worker.render.periodic import day_cell, strip
from sla_worker.render.signs import counted, runs, worst
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.report_ledger import BERLIN, HOUR, LATENCY, NOW, epoch, figures


def test_a_day_before_the_first_slot_is_nothing_to_judge_and_one_without_data_is_unknown(
    tmp_path: Path,
) -> None:
    """Promised since the 10th, measured since the 18th, when the latency gave no data all day.

    The week is Monday the 16th to Sunday the 22nd: · · ? and four days that kept the target.
    """
    definitions = read_definitions(THREE)
    database = SLADatabase(tmp_path / "sla.db", grid=Grid(HOUR, 15), zone=BERLIN, clock=lambda: NOW)
    with contextlib.closing(database):
        database.sync_definitions(definitions, begin=epoch("2026-11-10T00:00"))
        database.store(
            evaluate(each, slot, figures(each.key, slot) if each.key == LATENCY else Figures(1000, 1000, 1))
            for slot in range(epoch("2026-11-18T01:00"), epoch("2026-11-23T00:00") + 1, HOUR)
            for each in definitions
        )
        report = long_report(
            database, kind="weekly", title="", end=epoch("2026-11-23T00:00"), now=NOW, zone=BERLIN
        )
    strips = {line.status.key: strip(line) for line in report.lines}
    assert strips == {
        "platform-uptime": "··✓✓✓✓✓",
        "api-response-time-p95": "··?✓✓✓✓",
        "api-error-rate": "··✓✓✓✓✓",
    }


def test_a_day_of_which_too_little_was_measured_has_no_bare_tick(tmp_path: Path) -> None:
    """Of Monday 21 of 24 hours were measured, 87.5 %, of Tuesday 22, and of Wednesday one that was bad."""
    definitions = read_definitions(THREE)
    begin, end = epoch("2026-11-16T00:00"), epoch("2026-11-23T00:00")
    missing = {begin + hour * HOUR for hour in (5, 6, 7, 29, 30)}
    bad = begin + 50 * HOUR
    database = SLADatabase(tmp_path / "sla.db", grid=Grid(HOUR, 15), zone=BERLIN, clock=lambda: NOW)
    with contextlib.closing(database):
        database.sync_definitions(definitions, begin=begin)
        database.store(
            evaluate(each, slot, Figures(0 if slot == bad else 1000, 1000, 1))
            if slot not in missing and (slot <= begin + 48 * HOUR or slot == bad or slot > begin + 72 * HOUR)
            else evaluate(each, slot, Figures(None, None, 0))
            for slot in range(begin + HOUR, end + 1, HOUR)
            for each in definitions
        )
        report = long_report(database, kind="weekly", title="", end=end, now=NOW, zone=BERLIN)
    assert {strip(line) for line in report.lines} == {"~✓✗✓✓✓✓"}
    assert report.days_of("availability")[:3] == [(1, 1, False), (1, 1, True), (0, 1, False)]
    assert [day_cell(*each)[0] for each in report.days_of("availability")[:3]] == [
        "~",
        "✓",
        "✗\N{NO-BREAK SPACE}1",
    ]


def test_an_sla_is_as_its_worst_component() -> None:
    assert [worst(each) for each in ("✓✗?", "✓?~", "✓~", "✓·", "··", "")] == ["✗", "?", "~", "✓", "·", "·"]


def test_a_strip_in_runs_and_in_a_sentence() -> None:
    assert [signs for signs, _ in runs("··✓✓✗")] == ["··", "✓✓", "✗"]
    assert counted("··✓✓✗?") == "6 days: 2 kept, 1 missed, 1 no data, 2 nothing to judge"
