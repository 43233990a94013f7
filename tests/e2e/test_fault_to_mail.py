"""A fault becomes an alert, the alert a mail in the right mailboxes and a stored webhook, the recovery a resolved mail."""

from __future__ import annotations

import time

import pytest

from e2e.live import Mail, Stack, links, poll

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

# fault, intensity, alert, seconds of `for` at true time, receivers' mailboxes
SCENARIOS = [
    ("worker_down", 1, "WorkerUnhealthy", 60, ("critical-alerts", "worker-alerts")),
    ("errors", 0.5, "HighErrorRate", 300, ("critical-alerts",)),
    ("timeouts", 0.5, "HighTimeoutRate", 300, ("critical-alerts",)),
    ("latency", 20, "HighLatencyP95", 600, ("default-alerts",)),
]


@pytest.mark.parametrize(("fault", "intensity", "alert", "for_seconds", "mailboxes"), SCENARIOS)
def test_a_fault_leads_to_pending_firing_mail_and_resolved_mail(
    healthy: Stack, fault: str, intensity: float, alert: str, for_seconds: float, mailboxes: tuple[str, ...]
) -> None:
    stack = healthy
    poll(lambda: not stack.alert_states(alert), f"{alert} inactive", timeout_seconds=stack.seconds(1200))
    began = time.monotonic()
    stack.start_fault(fault, intensity)

    # At true time the windows of the rules and the fault itself (a call of 20 s) come before `for`.
    patience = 60 + stack.seconds(for_seconds + 600)
    if for_seconds:
        poll(lambda: "pending" in stack.alert_states(alert), f"{alert} pending", timeout_seconds=patience)
    pending = time.monotonic()
    poll(lambda: "firing" in stack.alert_states(alert), f"{alert} firing", timeout_seconds=patience)
    firing = time.monotonic()
    # Polled every quarter of a second, on a grid of one evaluation a second: `for` holds within both.
    assert firing - pending >= stack.seconds(for_seconds) - 1.5
    sent = {box: stack.wait_for_mail(f"{box}@example.com", alert, timeout_seconds=patience) for box in mailboxes}
    mailed = time.monotonic()
    print(f"{alert}: pending {pending - began:.1f} s, firing {firing - began:.1f} s, mail {mailed - began:.1f} s")
    for box, mail in sent.items():
        check_mail(stack, mail, box, alert)
    poll(
        lambda: any(stored["status"] == "firing" for stored in stack.stored_alerts(alert)),
        f"the webhook to have stored {alert}",
        timeout_seconds=patience,
    )

    stack.clear_faults()
    poll(lambda: not stack.alert_states(alert), f"{alert} to end", timeout_seconds=60 + stack.seconds(1200))
    for box in mailboxes:
        stack.wait_for_mail(f"{box}@example.com", "RESOLVED", alert, timeout_seconds=60 + stack.seconds(600))
    poll(
        lambda: any(stored["status"] == "resolved" for stored in stack.stored_alerts(alert)),
        f"the webhook to have stored the end of {alert}",
        timeout_seconds=patience,
    )


def check_mail(stack: Stack, mail: Mail, mailbox: str, alert: str) -> None:
    """A firing mail went to one mailbox alone, says what is wrong in both parts, and its links lead somewhere."""
    assert mail.recipients == (f"{mailbox}@example.com",)
    assert "FIRING" in mail.subject
    assert alert in mail.html
    assert alert in mail.text
    found = list(links(mail))
    runbook = next(url for url in found if "/runbooks/" in url)
    assert alert in stack.client.get(runbook).raise_for_status().text
    expression = next(url for url in found if "g0.expr" in url)
    assert stack.client.get(expression).raise_for_status().url.port == int(stack.prometheus.rsplit(":", 1)[1])
    assert any("/silences/new" in url and alert in url for url in found)
    assert any("/d/insa-" in url for url in found)
