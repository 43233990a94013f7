"""What the reports say is what the ledger says: each figure is derived again from GET /api/measurements."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import yaml

from e2e.daily import compared_with_the_ledger
from e2e.live import Stack
from e2e.monthly import figures_of_the_month
from e2e.report_tables import day_table_of_html, day_table_of_text, table_of_text
from e2e.stack_under_test import ROOT, StackCommand
from programs import pages_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

COMMAND = ("sla-worker", "python", "-m", "sla_worker.cli")
SLAS: dict[str, dict[str, Any]] = {
    each["key"]: each
    for each in yaml.safe_load((ROOT / "sla-worker/sla_thresholds.yml").read_text(encoding="utf-8"))["slas"]
}
NAMES = frozenset(each["name"] for each in SLAS.values())
ERRORS = "api-error-rate"
DAY_SECONDS = 86_400
HALF_A_DIGIT = 0.005
"""Reports show percentages with two digits, more near 0 and 100."""

Ledger = dict[str, list[dict[str, Any]]]
Figures = dict[str, tuple[float, float]]
"""By the SLA's name its compliance, and its actual as the report shows it, both in percent."""


@pytest.fixture
def flawed(healthy: Stack) -> Stack:
    """The stack after some of its requests have failed, so that not every figure is 100 %."""
    rows = map(as_counted, healthy.wait_for_slot(ERRORS, ending_after=0))
    if all(row["good"] == row["total"] for row in rows):
        healthy.start_fault("errors", 0.3)
        healthy.wait_for_slot(ERRORS, ending_after=time.time() + healthy.seconds(300))
        healthy.clear_faults()
    return healthy


def as_counted(row: dict[str, Any]) -> dict[str, Any]:
    """A row, or what counts instead of it: nothing, of one that maintenance leaves out."""
    counted: dict[str, Any] = row["counted"] or row
    return counted


def ledger(stack: Stack) -> Ledger:
    """Every row of every SLA."""
    return {key: stack.measurements(key) for key in SLAS}


def figures(rows: Ledger, end: int, hours_seconds: int = DAY_SECONDS) -> Figures:
    """What a report of the period that ends with the slot `end` must show: ratios of sums.

    An SLA without events has none, and a composite is no ratio of its own rows.
    """
    found = {}
    for key, definition in SLAS.items():
        is_bad_share = definition["comparison"] == "<=" and "objective" not in definition["sli"]
        for component in {row["component"] for row in rows[key]}:
            counted = [
                as_counted(row)
                for row in rows[key]
                if row["component"] == component
                and end - hours_seconds < row["slot"] <= end
                and row["state"] != "out of hours"
            ]
            total = sum(row["total"] for row in counted)
            if definition["category"] == "composite" or not total:
                continue
            compliance = 100 * sum(row["good"] for row in counted) / total
            name = definition["name"] if component == "all" else f"{definition['name']} / {component}"
            found[name] = (compliance, 100 - compliance if is_bad_share else compliance)
    return found


def shown(cells: list[str]) -> tuple[float, float] | None:
    """Compliance and actual of a row: SLA, target, actual, compliance, coverage, result. None: dashes."""
    actual, compliance = (re.search(r"[\d.]+(?= %)", cells[column]) for column in (2, 3))
    return (float(compliance[0]), float(actual[0])) if actual and compliance else None


def check(table: dict[str, list[str]], stack: Stack, before: Ledger) -> None:
    """Assert that all figures are those of one period, whose end lies between `before` and now.

    The ledger grows while a report is made: so its period ends at one of the slots that were written
    meanwhile, or at the newest of before, the same for all SLAs.
    """
    assert {name.partition(" / ")[0] for name in table} == NAMES
    composites = {each["name"] for each in SLAS.values() if each["category"] == "composite"}
    told = {name: shown(cells) for name, cells in table.items() if name not in composites}
    said = {name: each for name, each in told.items() if each is not None}
    assert len(said) > len(SLAS) / 2
    after = ledger(stack)
    first, last = (min(rows[key][0]["slot"] for key in SLAS) for rows in (before, after))
    ends = range(first, last + 1, int(stack.seconds(300)))
    possible = {end: figures(after, end) for end in ends}
    assert any(
        said.keys() == wanted.keys()
        and all(said[name] == pytest.approx(wanted[name], abs=HALF_A_DIGIT) for name in said)
        for wanted in possible.values()
    ), f"the report says {said}, the ledger {possible}"


def test_the_daily_report_is_mailed_to_the_owner_with_the_figures_of_the_ledger(
    flawed: Stack, stack_command: StackCommand
) -> None:
    since, before = time.time(), ledger(flawed)
    stack_command("exec", *COMMAND, "reporter", "--daily")
    mail = flawed.wait_for_mail("owner@example.com", "aily", since=since - 1, seconds=30)
    assert mail.recipients == ("owner@example.com",)
    table = day_table_of_text(mail.text, NAMES)
    check(table, flawed, before)
    assert day_table_of_html(mail.html, NAMES) == table
    compared_with_the_ledger(flawed, mail)
    assert shown(table["API Error Rate"]) != (100, 0)


def test_the_monthly_mail_has_a_pdf_with_the_figures_of_the_ledger(
    flawed: Stack, stack_command: StackCommand
) -> None:
    """Of the month before, in which this stack was not there; tests/readme has one with figures."""
    since = time.time()
    stack_command("exec", *COMMAND, "reporter", "--monthly")
    mail = flawed.wait_for_mail("management@example.com", "onthly", since=since - 1, seconds=60)
    assert figures_of_the_month(flawed, mail) == {}
    [pdf] = [content for name, content in mail.files.items() if name.endswith(".pdf")]
    first = " ".join(pages_of(pdf)[0].split())
    assert "Monthly SLA report" in first
    assert "0 of 0" in first  # SLAs met


def test_the_text_report_shows_every_sla_with_the_figures_of_the_ledger(
    flawed: Stack, stack_command: StackCommand
) -> None:
    before = ledger(flawed)
    text = stack_command("exec", *COMMAND, "calculator", "--report", "--hours", "24")
    assert f"Number of SLAs:      {len(SLAS)}" in text
    check(table_of_text(text, NAMES), flawed, before)


def test_the_database_command_counts_the_ledger(healthy: Stack, stack_command: StackCommand) -> None:
    healthy.wait_for_slot(ERRORS, ending_after=0)
    before = sum(len(rows) for rows in ledger(healthy).values())
    text = stack_command("exec", *COMMAND, "database")
    after = sum(len(rows) for rows in ledger(healthy).values())
    counts = {name: int(count) for name, count in re.findall(r"^(\w[\w ]*): +(\d+)$", text, re.MULTILINE)}
    assert counts["definitions"] == len(SLAS)
    assert before <= counts["measurements"] <= after
