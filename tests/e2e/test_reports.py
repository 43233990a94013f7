"""The daily report reaches the owner's mailbox, and says what the ledger says."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack
from e2e.stack_under_test import StackCommand

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

SLAS = ("Platform Uptime", "API Response Time P95", "API Error Rate")
COMMAND = ("sla-worker", "python", "-m", "sla_worker.cli")


def test_the_daily_report_is_mailed_to_the_owner(healthy: Stack, stack_command: StackCommand) -> None:
    healthy.wait_for_slot("platform-uptime", ending_after=0)
    since = time.time()
    stack_command("exec", *COMMAND, "reporter", "--daily")
    mail = healthy.wait_for_mail("owner@example.com", "aily", since=since, seconds=30)
    assert mail.recipients == ("owner@example.com",)
    for sla in SLAS:
        assert sla in mail.html
        assert sla in mail.text
    assert "99.9" in mail.text  # the target of Platform Uptime


def test_the_text_report_lists_every_sla(healthy: Stack, stack_command: StackCommand) -> None:
    healthy.wait_for_slot("platform-uptime", ending_after=0)
    text = stack_command("exec", *COMMAND, "calculator", "--report", "--hours", "24")
    assert "Number of SLAs:      3" in text
    for sla in SLAS:
        assert sla in text


def test_the_database_command_counts_the_ledger(healthy: Stack, stack_command: StackCommand) -> None:
    healthy.wait_for_slot("platform-uptime", ending_after=0)
    text = stack_command("exec", *COMMAND, "database")
    counts = dict(line.rsplit(None, 1) for line in text.splitlines() if ":" in line)
    assert int(counts["definitions:"]) == 3
    assert int(counts["measurements:"]) >= 3
