"""Counted by hand from the CSV files, as the README of an archive says, every figure is the frozen one."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import zipfile
from dataclasses import replace

import pytest

from sla_worker.evaluation import evaluate
from sla_worker.evidence import verify, write_evidence
from sla_worker.model import CountsAs, Figures, Measurement
from unit.sla_worker.month_ledger import DEFINITIONS, END, ERRORS, LATENCY, START, STEP, UPTIME, March, at

MIDDLE, GONE = at("2026-03-16T10:00"), at("2026-03-20T07:00")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A month with a target that changes, an SLA that is removed, one born in it, gaps and exclusions."""
    directory = tmp_path_factory.mktemp("hand")
    march = March(directory / "sla.db")
    dice = random.Random(7)  # noqa: S311 - made up, the same each time
    stricter = replace(ERRORS, target=ERRORS.target / 2)
    born = replace(UPTIME, key="born", name="Born")
    waiting: list[Measurement] = []
    for slot in range(START + STEP, END + 1, STEP):
        march.now = slot + 60
        errors = stricter if slot > MIDDLE else ERRORS
        if slot in {MIDDLE, GONE}:
            march.database.store(waiting)
            waiting = []
        if slot == MIDDLE:
            march.define((UPTIME, LATENCY, stricter, DEFINITIONS[3], born))
        if slot == GONE:
            march.define((UPTIME, stricter, DEFINITIONS[3], born))
        if dice.random() < 0.05:
            continue
        bad, share = dice.choice([0, 0, 0, 1, 3]), dice.choice([1, 1, 1, 0.95, 0.5])
        rows = [
            evaluate(errors, slot, Figures(1000 - bad, 1000, share), component="crm"),
            evaluate(errors, slot, Figures(500, 500, share), component="web"),
            evaluate(UPTIME, slot, Figures(120 * share, 120, 1), in_service=dice.random() < 0.9),
        ]
        if slot <= GONE:
            rows.append(evaluate(LATENCY, slot, Figures(90, 100, 1)))
        if slot > MIDDLE + 5 * STEP:
            rows.append(evaluate(born, slot, Figures(119, 120, 1)))
        waiting += rows
    march.database.store(waiting)
    march.exclude(at("2026-03-29T00:00"), at("2026-03-29T05:00"), ERRORS.key)
    march.correct(at("2026-03-05"), at("2026-03-07"), CountsAs.EXCLUDED, "web")
    march.correct(at("2026-03-08"), at("2026-03-08T05:00"), CountsAs.BAD, "crm")
    march.turn(END + 3 * STEP)
    month = march.database.months.get("2026-03")
    assert month is not None
    write_evidence(march.database, month, directory / "one.zip")
    march.close()
    assert verify(directory / "one.zip") == []
    with zipfile.ZipFile(directory / "one.zip") as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def seconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def rows_of(files: dict[str, str], name: str, sla: str, component: str) -> list[dict[str, str]]:
    found = csv.DictReader(io.StringIO(files[name]))
    return [row for row in found if (row["sla"], row["component"]) == (sla, component)]


@pytest.mark.parametrize(
    ("key", "component"),
    [(ERRORS.key, "crm"), (ERRORS.key, "web"), (UPTIME.key, "all"), (LATENCY.key, "all"), ("born", "all")],
)
def test_every_figure_follows_from_the_csv_files(files: dict[str, str], key: str, component: str) -> None:
    report = json.loads(files["report.json"])
    [figure] = [each for each in report["slas"] if (each["sla"], each["component"]) == (key, component)]
    rows = rows_of(files, "counts.csv", key, component)
    good, total = (sum(float(row[name]) for row in rows) for name in ("good", "total"))
    assert (figure["good"], figure["total"]) == (pytest.approx(good, rel=1e-12), total)
    assert figure["compliance_ratio"] == pytest.approx(good / total, rel=1e-12)
    versions = [each for each in report["versions"] if each["sla"] == key]
    [series] = rows_of(files, "series.csv", key, component)
    since = max(START, seconds(series["since"]))
    expected = 0.0
    for each in versions:
        begin = max(since, each["valid_from"] or 0)
        until = min(END, each["valid_until"] or END)
        if each["in_force"] and begin < until:
            expected += until - begin
            for left in rows_of(files, "left_out.csv", key, component):
                start, end = seconds(left["start"]), seconds(left["end"])
                expected -= max(min(end, until) - max(start, begin), 0)
    expected = expected / STEP - sum(int(row["left_out_slots"]) for row in rows)
    covered = sum(float(row["measured_slots"]) for row in rows)
    assert figure["coverage_ratio"] == pytest.approx(min(covered / expected, 1), rel=1e-12)
    objectives = {each["version"]: each["objective_ratio"] for each in versions}
    held = sum(objectives[int(row["version"])] * float(row["total"]) for row in rows) / total
    assert figure["held_to_ratio"] == pytest.approx(held, rel=1e-11)
    assert figure["meets_target"] is (figure["compliance_ratio"] >= figure["held_to_ratio"])
    assert figure["error_budget_remaining_ratio"] == pytest.approx(
        1 - (1 - good / total) / (1 - held), abs=1e-9
    )


def test_the_month_has_what_the_test_is_about(files: dict[str, str]) -> None:
    report = json.loads(files["report.json"])
    changes = {each["sla"]: each["changes"] for each in report["slas"]}
    assert changes[ERRORS.key] == [MIDDLE + STEP]
    assert changes[LATENCY.key] == [GONE + STEP]
    assert {each["sla"] for each in report["slas"]} == {*(each.key for each in DEFINITIONS), "born"}
    assert rows_of(files, "left_out.csv", ERRORS.key, "web")
