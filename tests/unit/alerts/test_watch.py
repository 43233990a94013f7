"""The watch misses nothing, whatever comes between two of its questions."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from alerts.watch import Watch, epoch
from unit.alerts.made_up import stack_of
from waiting import poll, wait_for


def item(number: int) -> dict[str, Any]:
    """A mail in MailHog's form."""
    data = f"Subject: mail {number}\r\nContent-Type: text/plain\r\n\r\ntext\r\n"
    return {
        "ID": f"id-{number}",
        "Created": "2026-01-02T03:04:05.678901234Z",
        "Raw": {"To": ["a@example.com"], "Data": data},
    }


class Servers:
    """A mail server to which a mail comes with every question, up to `last`."""

    def __init__(self, last: int) -> None:
        self._last = last
        self._mails: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "mailhog":
            if len(self._mails) < self._last:
                self._mails.insert(0, item(len(self._mails)))
            start, limit = int(request.url.params.get("start", 0)), int(request.url.params["limit"])
            found = self._mails[start : start + limit]
            return httpx.Response(200, json={"total": len(self._mails), "items": found})
        if request.url.host == "prometheus":
            alerts = [
                {"labels": {"alertname": "A"}, "state": "pending", "activeAt": "2026-01-02T03:04:06.5Z"},
                {"labels": {"alertname": "A"}, "state": "firing", "activeAt": "2026-01-02T03:04:05.25Z"},
            ]
            return httpx.Response(200, json={"data": {"alerts": alerts}})
        return httpx.Response(503)


def test_mail_that_comes_between_two_questions_is_not_lost() -> None:
    servers = Servers(last=5)
    with Watch(stack_of(servers), httpx.MockTransport(servers)) as watch:
        wait_for(5, lambda: len(watch.seen().mails), "all five mails")
        subjects = {mail.subject for mail in watch.seen().mails}
    assert subjects == {f"mail {number}" for number in range(5)}


def test_an_alert_has_all_its_states_and_its_first_begin_and_trouble_is_told() -> None:
    servers = Servers(last=0)
    with Watch(stack_of(servers), httpx.MockTransport(servers)) as watch:
        poll(lambda: bool(watch.seen().active) and "the sla-worker" in watch.troubles, "the answers")
        states, since = watch.seen().active["A"]
        assert states == {"pending", "firing"}
        assert since == epoch("2026-01-02T03:04:05.25Z")
        assert "503" in watch.troubles["the sla-worker"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00.25Z", 60.25),
        ("1970-01-01T00:00:00.000000001Z", 1e-9),
    ],
)
def test_prometheus_times_are_read_to_the_nanosecond(text: str, expected: float) -> None:
    assert epoch(text) == expected
