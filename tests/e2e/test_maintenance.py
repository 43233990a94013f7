"""Maintenance on a whole stack: silence and window begin and end together, and what burns on is said."""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Any

import pytest

from e2e.live import Stack
from e2e.report_tables import cause_in_mail, causes_on_page
from e2e.stack_under_test import StackCommand
from waiting import poll, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(420)]

COMMAND = ("sla-worker", "python", "-m", "sla_worker.cli", "maintenance")
KEY, NAME, CAUSE = "api-error-rate", "API Error Rate", "HighErrorRate"
WHO = ("--author", "e2e", "--reason", "live-test")


def written(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def in_breach(stack: Stack) -> bool:
    slas = stack.get(f"{stack.sla_worker}/api/status", hours=1)["slas"]
    return any(each["in_breach"] for each in slas if each["key"] == KEY)


def silences(stack: Stack, number: str) -> list[str]:
    """The states of the silences of a window."""
    return [
        each["status"]["state"]
        for each in stack.get(f"{stack.alertmanager}/api/v2/silences")
        if f"[sla maintenance {number} from " in each["comment"]
    ]


def breach_since(stack: Stack, moment: float) -> dict[str, Any] | None:
    """The breach that lasts and began since then, once Prometheus was asked for its causes."""
    found = stack.get(f"{stack.sla_worker}/api/breaches", sla=KEY, state="open")["breaches"]
    return next((each for each in found if each["started_at"] >= moment and each["causes"] is not None), None)


def excluded(stack: Stack) -> list[dict[str, Any]]:
    """Bad slots that do not count."""
    return [
        row
        for row in stack.measurements(KEY)
        if row["state"] == "breached" and (row["counted"] or {}).get("state") == "excluded"
    ]


def test_a_window_silences_and_excludes_and_who_ends_it_reads_what_burns_on(
    healthy: Stack, stack_command: StackCommand
) -> None:
    stack = healthy
    poll(lambda: not in_breach(stack), f"{NAME} to be kept", seconds=40 + stack.seconds(600))
    now = time.time()
    times = ("--from", written(now), "--to", written(now + stack.seconds(5400)))
    added = stack_command("exec", *COMMAND, "add", *times, "--sla", KEY, *WHO)
    number = re.search(r"maintenance (\d+) of", added)
    assert number, added
    assert "1 silence made in Alertmanager" in added
    assert silences(stack, number[1]) == ["active"]

    stack.start_fault("errors", 0.5)
    poll(lambda: len(excluded(stack)) > 1, "bad slots that do not count", seconds=40 + stack.seconds(1200))
    wait_for(
        {"firing"}, lambda: stack.alert_states(CAUSE), f"{CAUSE} to fire", seconds=20 + stack.seconds(900)
    )
    assert not in_breach(stack)

    ended = time.time()
    told = stack_command("exec", *COMMAND, "end", number[1], "--author", "e2e")
    assert f"still bad: {NAME}, since " in told
    wait_for(
        {"expired"},
        lambda: set(silences(stack, number[1])),
        "the silence to end with its window",
        seconds=20 + stack.seconds(300),
    )
    the_alert_is_named_as_the_likely_cause(stack, stack_command, ended)


def the_alert_is_named_as_the_likely_cause(stack: Stack, command: StackCommand, since: float) -> None:
    """The breach that begins with the end of the window: in the mail as MailHog delivers it, and on the page.

    The mail is asked for: one that flaps is not told of each time.
    """
    slot = stack.seconds(300)
    breach = poll(
        lambda: breach_since(stack, since - slot), "a breach with its causes", seconds=60 + 4 * slot
    )
    alerts = breach["causes"]["alerts"]
    [alert] = [each for each in alerts if each["alertname"] == CAUSE]
    assert alert["severity"] == "critical"
    assert alert["since"] <= breach["started_at"] + slot
    asked = time.time()
    command("exec", "sla-worker", "python", "-m", "sla_worker.cli", "reporter", "--breach", str(breach["id"]))
    mail = stack.wait_for_mail("on-call@example.com", NAME, since=asked - 1, seconds=30)
    words = cause_in_mail(mail.text).split("; ")
    assert [each.partition(",")[0].partition(" of ")[0] for each in words[:5]] == [
        each["alertname"] for each in alerts[:5]
    ]
    # What the tests before this one have caused within ten minutes is older, and may stand before it.
    assert alerts.index(alert) >= 5 or any(each.startswith(f"{CAUSE}, critical, since ") for each in words)
    page = stack.client.get(f"{stack.sla_worker}/incidents", params={"sla": KEY}).raise_for_status().text
    assert causes_on_page(page)[0] == cause_in_mail(mail.text)
