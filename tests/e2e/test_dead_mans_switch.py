"""The dead man's switch: when no Watchdog arrives, the sla-worker itself mails those on call."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from e2e.live import Stack
from e2e.stack_under_test import StackCommand

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ON_CALL = "on-call@example.com"
SILENCE_SECONDS = 600


@pytest.fixture
def mute(healthy: Stack, stack_command: StackCommand) -> Iterator[Stack]:
    """The stack while its Alertmanager does not move, so that no alert arrives anywhere."""
    stack_command("kill", "alertmanager", "--signal", "STOP")
    yield healthy
    stack_command.output("kill", "alertmanager", "--signal", "CONT")


def test_a_silence_of_alerting_is_mailed_and_its_end_too(mute: Stack, stack_command: StackCommand) -> None:
    stack, since = mute, time.time()
    patience = 20 + stack.seconds(2 * SILENCE_SECONDS)
    mail = stack.wait_for_mail(ON_CALL, "Alerting is down", since=since, seconds=patience)
    assert ON_CALL in mail.recipients
    assert "Watchdog" in mail.text

    stack_command("kill", "alertmanager", "--signal", "CONT")
    over = stack.wait_for_mail(ON_CALL, "Alerting works again", since=mail.received_at, seconds=patience)
    assert "Watchdog" in over.text
