"""What the proof asks for before it begins, and what it says when that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from alerts import prerequisites
from alerts.errors import RefusalError
from alerts.shipped import Alert
from ports import free_ports
from stack import sink
from unit.alerts.made_up import Answer, stack_of

PAGES = {
    "prometheus": "Ready",
    "alertmanager": "OK",
    "demo-metrics": "insa_agent_requests_total 1",
    "demo-api": "worker_down",
    "sla-worker": "ok",
    "mailhog": '{"total": 0}',
}


@pytest.fixture
def smtp_port() -> Iterator[int]:
    """A port that takes mail."""
    smtp, http = free_ports(2)
    controller, server = sink.serve(smtp, http)
    yield smtp
    server.shutdown()
    server.server_close()
    controller.stop()


def all_well(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text=PAGES[request.url.host])


def with_answer(host: str, response: httpx.Response | Exception) -> Answer:
    """Servers that are healthy, but for one."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != host:
            return all_well(request)
        if isinstance(response, Exception):
            raise response
        return response

    return answer


def test_a_stack_of_which_all_answer_is_accepted(smtp_port: int) -> None:
    prerequisites.check_all_answer(stack_of(all_well), smtp_port)


@pytest.mark.parametrize(
    ("host", "response", "words"),
    [
        (
            "prometheus",
            httpx.ConnectError("refused"),
            "Prometheus: http://prometheus/-/ready does not answer",
        ),
        ("alertmanager", httpx.Response(503), "Alertmanager: http://alertmanager/-/ready answers 503"),
        (
            "demo-metrics",
            httpx.Response(200, text="up 1"),
            "the metrics endpoint: .* answers without 'insa_'",
        ),
        ("demo-api", httpx.Response(404), "the API of the faults: .* answers 404"),
        ("mailhog", httpx.ConnectError("refused"), "the mail server's API: .* does not answer"),
        ("sla-worker", httpx.Response(500), "the sla-worker: .* answers 500"),
    ],
)
def test_what_does_not_answer_is_named_with_the_mend(
    smtp_port: int, host: str, response: httpx.Response | Exception, words: str
) -> None:
    with pytest.raises(RefusalError, match=words) as caught:
        prerequisites.check_all_answer(stack_of(with_answer(host, response)), smtp_port)
    assert "fix:   make up" in str(caught.value)


def test_a_port_that_takes_no_mail_is_named() -> None:
    [port] = free_ports(1)
    with pytest.raises(RefusalError, match=f"the mail server's SMTP: port {port} takes no mail"):
        prerequisites.check_all_answer(stack_of(all_well), port)


def rules(*loaded: tuple[str, float]) -> Answer:
    groups = [{"rules": [{"name": name, "duration": seconds} for name, seconds in loaded]}]
    return lambda _request: httpx.Response(200, json={"data": {"groups": groups}})


def alert(name: str) -> Alert:
    return Alert(name, {"severity": "warning"}, 300, 0, ("default",), {})


def test_rules_with_the_shipped_durations_by_the_factor_are_accepted() -> None:
    # 300 s ÷ 15 = 20 s.
    prerequisites.check_rules(stack_of(rules(("A", 20), ("More", 1)), factor=15), {"A": alert("A")})


@pytest.mark.parametrize(
    ("loaded", "words"),
    [
        ([("B", 20.0)], "Prometheus has not loaded A"),
        ([("A", 300.0)], r"not the shipped ones ÷ 15: A \(for 300 s, shipped 300 s\)"),
    ],
)
def test_rules_that_are_missing_or_of_another_time_are_refused(
    loaded: list[tuple[str, float]], words: str
) -> None:
    with pytest.raises(RefusalError, match=words):
        prerequisites.check_rules(stack_of(rules(*loaded), factor=15), {"A": alert("A")})


def unhealthy(alerts: list[dict[str, Any]], faults: dict[str, float]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "prometheus":
            return httpx.Response(200, json={"data": {"alerts": alerts}})
        return httpx.Response(200, json={"faults": faults})

    return answer


def firing(name: str, state: str = "firing") -> dict[str, Any]:
    return {"labels": {"alertname": name}, "state": state}


def test_a_stack_on_which_only_the_watchdog_fires_is_calm() -> None:
    prerequisites.check_calm(stack_of(unhealthy([firing("Watchdog")], {})), patience_seconds=0)


def test_what_ails_a_stack_is_named() -> None:
    answer = unhealthy(
        [firing("Watchdog"), firing("B"), firing("B", "pending"), firing("A", "pending")], {"errors": 1}
    )
    words = "A is pending, B is firing and pending, the fault errors is active"
    with pytest.raises(RefusalError, match=words):
        prerequisites.check_calm(stack_of(answer), patience_seconds=0)


def test_a_stack_that_has_just_begun_may_take_a_while() -> None:
    seen = iter([[firing("TargetDown", "pending")], []])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "prometheus":
            return httpx.Response(200, json={"data": {"alerts": next(seen)}})
        return httpx.Response(200, json={"faults": {}})

    prerequisites.check_calm(stack_of(answer), patience_seconds=30)
    assert next(seen, "asked twice") == "asked twice"


def test_a_stack_that_hangs_up_once_is_asked_again() -> None:
    calm = unhealthy([firing("Watchdog")], {})
    hangs_up = iter([True])

    def answer(request: httpx.Request) -> httpx.Response:
        if next(hangs_up, False):
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return calm(request)

    prerequisites.check_calm(stack_of(answer), patience_seconds=30)
    assert next(hangs_up, "asked twice") == "asked twice"


def test_a_stack_that_does_not_answer_is_refused() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused")

    with pytest.raises(RefusalError, match="in trouble already: no answer \\(Connection refused\\)"):
        prerequisites.check_calm(stack_of(answer), patience_seconds=0)
