"""What the live tests see of a running stack: its URLs and what answers there."""

from __future__ import annotations

import dataclasses
import datetime
import email
import email.policy
import html.parser
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from typing import Any

import httpx

from waiting import poll


def wait_for_end(stack: Stack, alertname: str) -> None:
    """Wait until an alert is inactive in Prometheus, and its end is no news for Alertmanager any more."""
    poll(
        lambda: not stack.alert_states(alertname) and not stack.notified_alerts(alertname),
        f"{alertname} over",
        seconds=60,
    )


@dataclasses.dataclass(frozen=True)
class Mail:
    """A mail as MailHog caught it, decoded."""

    received_at: float  # epoch seconds
    recipients: tuple[str, ...]
    subject: str
    html: str
    text: str
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    """What is attached, by its name."""


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

    def get(self, url: str, **parameters: str | int) -> Any:
        """The JSON at a URL; raises httpx.HTTPStatusError when it is refused."""
        return self.client.get(url, params=parameters).raise_for_status().json()

    # Prometheus

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query, now or at a time, {metric, value} each.

        A refusal is an httpx.HTTPStatusError.
        """
        time_ = {} if at is None else {"time": f"{at:.3f}"}
        answer = (
            self.client.post(f"{self.prometheus}/api/v1/query", data={"query": expression} | time_)
            .raise_for_status()
            .json()
        )
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
        return {alert["state"] for alert in self.alerts() if alert["labels"]["alertname"] == alertname}

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that Prometheus holds as pending or firing."""
        return list(self.get(f"{self.prometheus}/api/v1/alerts")["data"]["alerts"])

    # mail

    def mails(self, to: str) -> list[Mail]:
        """The mails to an address, newest first."""
        answer = self.get(f"{self.mailhog}/api/v2/search", kind="to", query=to, limit=250)
        return [decoded(item) for item in answer["items"]]

    def wait_for_mail(self, to: str, *words: str, since: float, seconds: float) -> Mail:
        """The newest mail to an address, not older than `since`, whose subject holds all `words`."""

        def look() -> Mail | None:
            for mail in self.mails(to):
                if mail.received_at >= since and all(word in mail.subject for word in words):
                    return mail
            return None

        return poll(look, f"a mail to {to} with {words} in its subject", seconds=seconds)

    def all_mails(self) -> list[Mail]:
        """The newest mails to anybody, newest first."""
        answer = self.get(f"{self.mailhog}/api/v2/messages", limit=250)
        return [decoded(item) for item in answer["items"]]

    def refuse_mail(self) -> None:
        """Have the mail server accept no call, through MailHog's Jim."""
        url, nobody = f"{self.mailhog}/api/v2/jim", {"AcceptChance": 0}
        if self.client.put(url, json=nobody).status_code == httpx.codes.NOT_FOUND:  # Jim was off
            self.client.post(url, json=nobody).raise_for_status()

    def accept_mail(self) -> None:
        """Have it accept every call again."""
        answer = self.client.delete(f"{self.mailhog}/api/v2/jim")
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    # Alertmanager

    def post_alerts(self, alerts: list[dict[str, Any]]) -> None:
        """Give alerts to Alertmanager, as Prometheus would."""
        self.client.post(f"{self.alertmanager}/api/v2/alerts", json=alerts).raise_for_status()

    def notified_alerts(self, *alertnames: str) -> list[dict[str, Any]]:
        """The alerts of these names in Alertmanager, with `status` (state, inhibitedBy) and `fingerprint`.

        All are of one answer: to see how alerts of two names belong together, ask for both at once.
        """
        wanted = "|".join(alertnames)
        return list(self.get(f"{self.alertmanager}/api/v2/alerts", filter=f'alertname=~"{wanted}"'))

    def silence(self, alertname: str, *, by: str) -> None:
        """Silence the alerts of a name for an hour."""
        now = datetime.datetime.now(datetime.UTC)
        body = {
            "matchers": [{"name": "alertname", "value": alertname, "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
            "createdBy": by,
            "comment": "ends with the test",
        }
        self.client.post(f"{self.alertmanager}/api/v2/silences", json=body).raise_for_status()

    def end_silences(self, *, by: str) -> None:
        """Expire the silences that one author made."""
        for each in self.get(f"{self.alertmanager}/api/v2/silences"):
            if each["createdBy"] == by and each["status"]["state"] != "expired":
                self.client.delete(f"{self.alertmanager}/api/v2/silence/{each['id']}").raise_for_status()

    # the demo-app

    def end_fault(self, name: str) -> None:
        """Take one fault out of the demo-app."""
        self.client.delete(f"{self.demo_api}/faults/{name}").raise_for_status()

    def start_fault(self, name: str, intensity: float | None = None, duration_seconds: float = 600) -> None:
        """Put a fault into the demo-app."""
        body: dict[str, float] = {"duration_seconds": duration_seconds}
        if intensity is not None:
            body["intensity"] = intensity
        self.client.post(f"{self.demo_api}/faults/{name}", json=body).raise_for_status()

    def clear_faults(self) -> None:
        """Take every fault out of the demo-app."""
        self.client.delete(f"{self.demo_api}/faults").raise_for_status()

    def wait_until_quiet(self) -> dict[str, dict[str, int]]:
        """Wait until no request is under way; return the finished ones by agent and status.

        From the orchestrator's own count, not from its metrics.
        """

        def look() -> dict[str, dict[str, int]] | None:
            state = self.get(f"{self.demo_api}/state")
            return None if state["waiting"] else state["requests"]

        return poll(look, "no request under way", seconds=30)

    # the sla-worker

    def stored_alerts(self, alertname: str, *, since: float) -> list[dict[str, Any]]:
        """The alerts of a name that the sla-worker's webhook has stored since then, newest first."""
        alerts = self.get(f"{self.sla_worker}/api/alerts", limit=1000)["alerts"]
        return [
            alert
            for alert in alerts
            if alert["alertname"] == alertname and alert["received_at"] >= int(since)
        ]

    def measurements(self, sla: str) -> list[dict[str, Any]]:
        """The rows of an SLA in the ledger, newest slot first."""
        return list(self.get(f"{self.sla_worker}/api/measurements", sla=sla, limit=1000)["measurements"])

    def wait_for_slot(self, sla: str, ending_after: float) -> list[dict[str, Any]]:
        """Wait until the ledger has a slot that ends after a time; return all rows, newest first."""

        def look() -> list[dict[str, Any]] | None:
            rows = self.measurements(sla)
            return rows if rows and rows[0]["slot"] > ending_after else None

        return poll(look, f"a slot of {sla} after {ending_after:.0f}", seconds=20 + self.seconds(900))


def decoded(item: dict[str, Any]) -> Mail:
    """A mail from what MailHog keeps of it: the raw MIME and when it came."""
    message = email.message_from_string(item["Raw"]["Data"], policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Mail(
        received_at=datetime.datetime.fromisoformat(item["Created"]).timestamp(),
        recipients=tuple(item["Raw"]["To"]),
        subject=str(message["Subject"]),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        files={str(each.get_filename()): _content(each) for each in message.iter_attachments()},
    )


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


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
