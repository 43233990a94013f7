"""The dead man's switch: when no Watchdog arrives, the sla-worker itself mails those on call."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from e2e.live import Stack
from e2e.services import Services

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ON_CALL = "on-call@example.com"
SILENCE_SECONDS = 600


@pytest.fixture
def mute(healthy: Stack, services: Services) -> Iterator[Stack]:
    """The stack while its Alertmanager does not move, so that no alert arrives anywhere."""
    services.hold("alertmanager")
    yield healthy
    services.release("alertmanager")


def test_a_silence_of_alerting_is_mailed_and_its_end_too(mute: Stack, services: Services) -> None:
    stack, since = mute, time.time()
    patience = 20 + stack.seconds(2 * SILENCE_SECONDS)
    mail = stack.wait_for_mail(ON_CALL, "Alerting is down", since=since, seconds=patience)
    assert ON_CALL in mail.recipients
    assert "Watchdog" in mail.text

    services.release("alertmanager")
    over = stack.wait_for_mail(ON_CALL, "Alerting works again", since=mail.received_at, seconds=patience)
    assert "Watchdog" in over.text
