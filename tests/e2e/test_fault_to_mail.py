"""A fault becomes an alert, the alert a mail and a stored webhook, the recovery a resolved mail."""

from __future__ import annotations

import dataclasses
import time

import httpx
import pytest

from e2e.live import Mail, Stack, links, poll

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A fault, the alert that must notice it, that alert's `for` at true time, and who gets the mail."""

    fault: str
    intensity: float
    alert: str
    for_seconds: float
    mailboxes: tuple[str, ...]


SCENARIOS = (
    Scenario("worker_down", 1, "WorkerUnhealthy", 60, ("critical-alerts", "worker-alerts")),
    Scenario("worker_down", 2, "MultipleWorkersDown", 120, ("critical-alerts", "worker-alerts")),
    Scenario("errors", 0.5, "HighErrorRate", 300, ("critical-alerts",)),
    Scenario("timeouts", 0.5, "HighTimeoutRate", 300, ("critical-alerts",)),
    Scenario("latency", 20, "HighLatencyP95", 600, ("default-alerts",)),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.alert)
def test_a_fault_leads_to_pending_firing_mail_and_resolved_mail(healthy: Stack, scenario: Scenario) -> None:
    stack, alert = healthy, scenario.alert
    poll(lambda: not stack.alert_states(alert), f"{alert} inactive", timeout_seconds=60 + stack.seconds(1200))
    since, began = time.time(), time.monotonic()
    stack.start_fault(scenario.fault, scenario.intensity)

    # The fault's own time (a call of 20 s) and the rules' windows come before `for`.
    patience = 60 + stack.seconds(scenario.for_seconds + 600)
    poll(lambda: "pending" in stack.alert_states(alert), f"{alert} pending", timeout_seconds=patience)
    pending = time.monotonic()
    poll(lambda: "firing" in stack.alert_states(alert), f"{alert} firing", timeout_seconds=patience)
    firing = time.monotonic()
    # Seen every quarter of a second, on a grid of one evaluation a second: `for` holds within both.
    assert firing - pending >= stack.seconds(scenario.for_seconds) - 1.5
    for mailbox in scenario.mailboxes:
        check_mail(
            stack, wait_for(stack, mailbox, "FIRING", alert, since=since, patience=patience), mailbox, alert
        )
    times = (f"{at - began:.1f}" for at in (pending, firing, time.monotonic()))
    print("\n{}: pending after {} s, firing after {} s, mails read after {} s".format(alert, *times))
    wait_for_webhook(stack, "firing", alert, since=since, patience=patience)

    stack.clear_faults()
    patience = 60 + stack.seconds(1200)
    poll(lambda: not stack.alert_states(alert), f"{alert} to end", timeout_seconds=patience)
    for mailbox in scenario.mailboxes:
        assert alert in wait_for(stack, mailbox, "RESOLVED", alert, since=since, patience=patience).text
    wait_for_webhook(stack, "resolved", alert, since=since, patience=patience)


def wait_for(stack: Stack, mailbox: str, state: str, alert: str, *, since: float, patience: float) -> Mail:
    return stack.wait_for_mail(f"{mailbox}@example.com", state, alert, since=since, timeout_seconds=patience)


def wait_for_webhook(stack: Stack, status: str, alert: str, *, since: float, patience: float) -> None:
    def look() -> bool:
        return any(stored["status"] == status for stored in stack.stored_alerts(alert, since=since))

    poll(look, f"the sla-worker to have stored {alert} as {status}", timeout_seconds=patience)


def check_mail(stack: Stack, mail: Mail, mailbox: str, alert: str) -> None:
    """A mail went to one mailbox alone, says what is wrong in both parts, and its links lead somewhere."""
    assert mail.recipients == (f"{mailbox}@example.com",)
    assert alert in mail.html
    assert alert in mail.text
    found = list(links(mail))
    runbook = next(url for url in found if "/runbooks/" in url)
    assert alert in stack.client.get(runbook).raise_for_status().text
    expression = httpx.URL(next(url for url in found if "g0.expr" in url))
    assert expression.port == httpx.URL(stack.prometheus).port
    assert stack.query(expression.params["g0.expr"]), "the linked expression still holds"
    assert any("/silences/new" in url and alert in url for url in found)
    assert any("/d/insa-" in url for url in found)
