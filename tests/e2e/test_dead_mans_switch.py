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


@pytest.fixture(params=["alertmanager", "prometheus"])
def frozen(request: pytest.FixtureRequest, healthy: Stack, services: Services) -> Iterator[tuple[str, Stack]]:
    """The name of a service that does not move, so that no alert arrives anywhere, and its stack."""
    services.hold(request.param)
    yield request.param, healthy
    services.release(request.param)


def test_an_outage_of_alerting_is_mailed_and_its_end_too(
    frozen: tuple[str, Stack], services: Services
) -> None:
    (service, stack), since = frozen, time.time()
    # Of a frozen Prometheus, Alertmanager sends what it knew for up to four minutes more.
    patience = 20 + stack.seconds(2 * SILENCE_SECONDS)
    mail = stack.wait_for_mail(ON_CALL, "Alerting is down", since=since, seconds=patience)
    assert ON_CALL in mail.recipients
    assert "Watchdog" in mail.text

    services.release(service)
    over = stack.wait_for_mail(ON_CALL, "Alerting works again", since=mail.received_at, seconds=patience)
    assert "Watchdog" in over.text
