"""What the live tests see of a running stack: its URLs, and clients that poll them and say what they waited for."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import html.parser
import time
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


class StillWaitingError(AssertionError):
    """What was waited for did not come in time; the message tells the last thing seen."""


def poll(look: Callable[[], T | None], what: str, *, timeout_seconds: float, every_seconds: float = 0.25) -> T:
    """Call `look` until it returns something true, and return that.

    A refused or broken connection counts as "not yet". Raises StillWaitingError after `timeout_seconds`.
    """
    started = time.monotonic()
    seen: object = "nothing yet"
    while time.monotonic() - started < timeout_seconds:
        try:
            seen = look()
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            seen = f"{type(error).__name__}: {error}"
        else:
            if seen:
                return seen  # type: ignore[return-value]  # true, so it is the T of look()
        time.sleep(every_seconds)
    message = f"waited {timeout_seconds:g} s for {what}; last seen: {seen!r}"
    raise StillWaitingError(message)


@dataclasses.dataclass(frozen=True)
class Mail:
    """A mail as MailHog caught it, decoded."""

    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str


@dataclasses.dataclass(frozen=True)
class Stack:
    """The URLs of a running stack and its time scale: seconds at true time ÷ `factor` pass here."""

    prometheus: str
    alertmanager: str
    grafana: str
    mailhog: str
    demo_metrics: str
    demo_api: str
    sla_worker: str
    factor: float
    client: httpx.Client

    def seconds(self, true_seconds: float) -> float:
        """How long `true_seconds` of the shipped configuration last on this stack."""
        return true_seconds / self.factor

    # Prometheus

    def query(self, expression: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query, a list of {metric, value}; raises httpx.HTTPStatusError on a refusal."""
        data = {"query": expression} | ({"time": str(at)} if at is not None else {})
        answer = self.client.post(f"{self.prometheus}/api/v1/query", data=data).raise_for_status().json()
        assert answer["status"] == "success"
        result = answer["data"]["result"]
        return result if answer["data"]["resultType"] == "vector" else [result]

    def value(self, expression: str) -> float | None:
        """The value of an expression with one result, None without a result."""
        result = self.query(expression)
        assert len(result) <= 1, f"{expression} has {len(result)} results"
        return float(result[0]["value"][1]) if result else None

    def alert_states(self, alertname: str) -> set[str]:
        """The states (pending, firing) in which Prometheus holds an alert; empty when it is inactive."""
        alerts = self.client.get(f"{self.prometheus}/api/v1/alerts").raise_for_status().json()["data"]["alerts"]
        return {alert["state"] for alert in alerts if alert["labels"]["alertname"] == alertname}

    def alertmanager_alerts(self, alertname: str) -> list[dict[str, Any]]:
        """The alerts of a name that Alertmanager holds as active, suppressed ones too."""
        params = {"filter": f'alertname="{alertname}"'}
        answer = self.client.get(f"{self.alertmanager}/api/v2/alerts", params=params).raise_for_status()
        return list(answer.json())

    # mail

    def mails(self, to: str) -> list[Mail]:
        """The mails to an address, newest first."""
        params: dict[str, str | int] = {"kind": "to", "query": to, "limit": 250}
        answer = self.client.get(f"{self.mailhog}/api/v2/search", params=params).raise_for_status().json()
        return [decoded(item["Raw"]) for item in answer["items"]]

    def wait_for_mail(self, to: str, *words: str, timeout_seconds: float) -> Mail:
        """The newest mail to an address whose subject holds all `words`."""

        def look() -> Mail | None:
            return next((mail for mail in self.mails(to) if all(word in mail.subject for word in words)), None)

        return poll(look, f"a mail to {to} with {words} in its subject", timeout_seconds=timeout_seconds)

    # the demo-app

    def start_fault(self, name: str, intensity: float | None = None, duration_seconds: float = 600) -> None:
        """Put a fault into the demo-app."""
        body: dict[str, float] = {"duration_seconds": duration_seconds}
        if intensity is not None:
            body["intensity"] = intensity
        self.client.post(f"{self.demo_api}/faults/{name}", json=body).raise_for_status()

    def clear_faults(self) -> None:
        """Take every fault out of the demo-app."""
        self.client.delete(f"{self.demo_api}/faults").raise_for_status()

    def requests_counted_by_the_app(self) -> dict[str, dict[str, int]]:
        """Finished requests by agent and status, from the orchestrator's own count, not from its metrics."""
        counts: dict[str, dict[str, int]] = self.client.get(f"{self.demo_api}/state").raise_for_status().json()["requests"]
        return counts

    # the sla-worker

    def stored_alerts(self, alertname: str) -> list[dict[str, Any]]:
        """The alerts of a name that the sla-worker's webhook has stored, newest first."""
        answer = self.client.get(f"{self.sla_worker}/api/alerts", params={"limit": 1000}).raise_for_status().json()
        return [alert for alert in answer["alerts"] if alert["alertname"] == alertname]


def decoded(raw: dict[str, Any]) -> Mail:
    """A mail from the raw MIME that MailHog keeps."""
    message = email.message_from_string(raw["Data"], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(tuple(raw["To"]), str(message["Subject"]), _part(message, "html"), _part(message, "plain"))


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return "" if part is None else str(part.get_content())


def links(mail: Mail) -> Iterable[str]:
    """The links of a mail's HTML part."""
    found: list[str] = []

    class Links(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value for name, value in attrs if tag == "a" and name == "href" and value)

    Links().feed(mail.html)
    return found
