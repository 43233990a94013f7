"""`make sla-recompute` and `make sla-backfill` on a whole stack: the service does it beside its passes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time
from typing import Any

import pytest

from e2e.live import Stack
from e2e.stack_under_test import ROOT, StackCommand
from waiting import patience

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

KEY = "api-error-rate"


def make(stack_command: StackCommand, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make for the stack under test, as a person does for a second stack."""
    environment = {
        "MODE": stack_command.mode,
        "STACK_NAME": stack_command.name,
        "STACK_ENV_FILE": str(stack_command.env_file),
    }
    return subprocess.run(
        ["make", *words],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
        timeout=patience(120),
    )  # fmt: skip


def written(slot: float) -> str:
    return dt.datetime.fromtimestamp(slot, dt.UTC).isoformat()


def figures(rows: list[dict[str, Any]]) -> dict[int, tuple[float, float]]:
    return {row["slot"]: (row["good"], row["total"]) for row in rows}


def test_slots_can_be_read_again_and_then_say_the_same(healthy: Stack, stack_command: StackCommand) -> None:
    """A slow machine may have stored a scrape after its slot was read; by now all of them are there."""
    length = healthy.seconds(300)
    before = figures(healthy.wait_for_slot(KEY, ending_after=time.time() - length))
    newest = max(before) - length
    times = f"from={written(newest - 2 * length)}", f"to={written(newest)}"
    first, second = (make(stack_command, "sla-recompute", *times, f"sla={KEY}") for _ in (1, 2))
    assert first.returncode == second.returncode == 0, first.stdout + first.stderr + second.stderr
    assert " rows added or changed by the sla-worker that runs; the former ones are in" in first.stdout
    assert ": 0 rows added or changed by the sla-worker that runs" in second.stdout
    after = figures(healthy.measurements(KEY))
    assert all(after[slot][1] >= total for slot, (_, total) in before.items())


def test_the_time_before_an_sla_is_measured_as_far_as_prometheus_has_it(
    healthy: Stack, stack_command: StackCommand
) -> None:
    """Its first row is of a slot that was whole when the worker started; scraping began little before."""
    before = healthy.wait_for_slot(KEY, ending_after=0)
    done = make(stack_command, "sla-backfill", f"sla={KEY}", "days=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rows added by the sla-worker that runs, marked late" in done.stdout
    added = [row for row in healthy.measurements(KEY) if row["slot"] < before[-1]["slot"]]
    assert len(added) < 600 / healthy.seconds(300) + 1  # nothing of the rest of the day: nobody scraped then
    assert figures(before).items() <= figures(healthy.measurements(KEY)).items()


def test_what_make_cannot_do_ends_with_one_line(stack_command: StackCommand) -> None:
    done = make(stack_command, "sla-backfill", "sla=no-such-sla")
    assert done.returncode != 0
    assert "has no SLA with that key" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
