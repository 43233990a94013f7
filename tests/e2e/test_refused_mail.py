"""A mail server that refuses every call: the webhook comes at once, the mail later, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from e2e.live import Mail, Stack, wait_for_end
from waiting import stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ALERT = "WorkerUnhealthy"
MAILBOXES = ("critical-alerts@example.com", "worker-alerts@example.com")


@pytest.fixture
def refusing(healthy: Stack) -> Iterator[Stack]:
    """The stack while its mail server accepts nothing."""
    wait_for_end(healthy, ALERT)
    healthy.refuse_mail()
    yield healthy
    healthy.accept_mail()


def firing_mails(stack: Stack, mailbox: str, since: float) -> list[Mail]:
    return [
        mail
        for mail in stack.mails(mailbox)
        if mail.received_at >= since and mail.subject.startswith("[FIRING") and ALERT in mail.subject
    ]


def test_the_webhook_comes_while_mail_is_refused_and_the_mail_comes_later(refusing: Stack) -> None:
    stack, since = refusing, time.time()
    stack.start_fault("worker_down", 1)
    wait_for(
        {"critical", "worker"},
        lambda: {each["receiver"] for each in stack.stored_alerts(ALERT, since=since)},
        f"the webhooks of {ALERT}",
        seconds=20 + stack.seconds(300),
    )
    stays(
        [],
        lambda: [mail for mailbox in MAILBOXES for mail in firing_mails(stack, mailbox, since)],
        "no mail",
        for_seconds=stack.seconds(60),
    )

    stack.accept_mail()
    accepted = time.time()
    for mailbox in MAILBOXES:
        mail = stack.wait_for_mail(mailbox, "FIRING", ALERT, since=accepted - 1, seconds=30)
        assert "worker-1" in mail.text
    stack.clear_faults()
    for mailbox in MAILBOXES:
        stack.wait_for_mail(mailbox, "RESOLVED", ALERT, since=accepted, seconds=30)
        assert len(firing_mails(stack, mailbox, since)) == 1  # told once, however often it was tried
