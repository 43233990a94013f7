"""A real Alertmanager with the shipped templates, and a mail server that keeps what it sends."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import email
import email.policy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import yaml
from aiosmtpd.controller import Controller

from ports import free_ports
from stack import debian
from waiting import StillWaitingError, patience, poll

ROOT = Path(__file__).resolve().parents[2]
EXTERNAL_URL = "http://alertmanager.example.com:9093"


class Sink:
    """Takes every mail; aiosmtpd calls `handle_DATA`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802  # the name and types are aiosmtpd's
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        message["X-Recipient"] = envelope.rcpt_tos[0]
        self.mails.append(message)
        return "250 OK"


@dataclasses.dataclass(frozen=True)
class Post:
    """A running Alertmanager and the mails that it has sent."""

    url: str
    sink: Sink
    program: Path

    def send(self, alerts: list[dict[str, Any]]) -> None:
        """Give alerts to Alertmanager as Prometheus would."""
        httpx.post(
            f"{self.url}/api/v2/alerts", json=alerts, trust_env=False, timeout=patience(5)
        ).raise_for_status()

    def mail_about(
        self,
        job: str,
        alerts: list[dict[str, Any]],
        *,
        counted: int | None = None,
        timeout_seconds: float = 20,
    ) -> EmailMessage:
        """Send alerts and wait for the next mail about all of them; `job` is their label.

        `counted` is the number in its subject, which counts the worst state alone; None: all are in one.
        On a busy machine Alertmanager may send the first ones before it has taken the last.
        """
        seen = len(self.sink.mails)
        self.send(alerts)

        def about() -> list[EmailMessage]:
            return [
                mail
                for mail in self.sink.mails[seen:]
                if f"job = {job}" in part(mail, "plain") and f":{counted or len(alerts)}]" in mail["Subject"]
            ]

        return poll(about, f"a mail about {job}", seconds=timeout_seconds)[0]

    def mail_with(
        self, *words: str, seen: int = 0, seconds: float = 20, to: str | None = None
    ) -> EmailMessage:
        """Wait for a mail after the first `seen` ones: all words in its subject, sent to `to` if given."""

        def mails() -> list[EmailMessage]:
            return self.sink.mails[seen:]

        def fits(mail: EmailMessage) -> bool:
            return all(word in mail["Subject"] for word in words) and to in (None, mail["To"])

        def fitting() -> list[EmailMessage]:
            return [mail for mail in mails() if fits(mail)]

        try:
            return poll(fitting, f"a mail with {words} in its subject", seconds=seconds)[0]
        except StillWaitingError as error:
            raise StillWaitingError(f"{error}; came: {[str(mail['Subject']) for mail in mails()]}") from None

    def alerts_matching(self, matchers: str) -> list[dict[str, Any]]:
        """The alerts that Alertmanager holds and that fit matchers as a silence has them."""
        answer = httpx.get(
            f"{self.url}/api/v2/alerts",
            params={"filter": matchers.split(",")},
            trust_env=False,
            timeout=patience(5),
        )
        return list(answer.raise_for_status().json())

    def silence(self, **labels: str) -> None:
        """Silence the alerts with these labels for an hour."""
        now = dt.datetime.now(dt.UTC)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in labels.items()
            ],
            "startsAt": now.isoformat(),
            "endsAt": (now + dt.timedelta(hours=1)).isoformat(),
            "createdBy": "the test",
            "comment": "a silence",
        }
        httpx.post(
            f"{self.url}/api/v2/silences", json=body, trust_env=False, timeout=patience(5)
        ).raise_for_status()

    def next_mail(self, seen: int, *, timeout_seconds: float = 20) -> EmailMessage:
        """Wait for the mail after the first `seen` ones."""
        poll(lambda: self.sink.mails[seen:], f"one more mail than {seen}", seconds=timeout_seconds)
        return self.sink.mails[seen]


def part(mail: EmailMessage, kind: str) -> str:
    """The decoded text of a mail's part, `html` or `plain`."""
    body = mail.get_body(preferencelist=(kind,))
    assert body is not None, f"the mail has no part text/{kind}"
    return str(body.get_content())


def shipped(smtp_port: int) -> dict[str, Any]:
    """The shipped configuration, with mails to the sink and without webhooks."""
    tree: dict[str, Any] = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())
    tree["global"]["smtp_smarthost"] = f"127.0.0.1:{smtp_port}"
    tree["templates"] = [str(ROOT / "alertmanager" / "templates" / "*.tmpl")]
    for receiver in tree["receivers"]:
        receiver.pop("webhook_configs")
    return tree


def hurried(smtp_port: int) -> dict[str, Any]:
    """The shipped configuration with one receiver and short waits: templates and headers count."""
    tree = shipped(smtp_port)
    receiver = next(each for each in tree["receivers"] if each["name"] == "critical")
    tree["route"] = tree["route"] | {
        "receiver": "critical",
        "group_wait": "300ms",
        "group_interval": "300ms",
        "routes": [],
    }
    tree["route"]["group_by"] = [
        "job",
        "alertname",
        "severity",
        "component",
        "sla",
    ]  # so that tests do not meet
    tree["receivers"] = [receiver]
    return tree


def runnable(program: Path, directory: Path) -> Path:
    """The program, or, of Debian's Alertmanager unpacked anywhere, a copy that starts in `directory`."""
    shared = debian.working_directory("alertmanager", program.resolve())
    if shared is None or not (shared / "alertmanager").is_dir():
        return program
    (directory / "alertmanager").symlink_to(shared / "alertmanager")
    copy = Path(shutil.copy(program, directory / "program"))
    debian.relocate(copy)
    return copy


@contextlib.contextmanager
def running_alertmanager(
    program: Path, directory: Path, configuration: Callable[[int], dict[str, Any]] = hurried
) -> Iterator[Post]:
    """Start Alertmanager and the mail server, stop both at the end.

    `configuration` makes that of Alertmanager, and is given the port of the mail server.
    """
    smtp_port, port = free_ports(2)
    sink = Sink()
    server = Controller(sink, hostname="127.0.0.1", port=smtp_port, ready_timeout=patience(5))
    server.start()
    config = directory / "alertmanager.yml"
    config.write_text(yaml.safe_dump(configuration(smtp_port)))
    log = directory / "alertmanager.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                runnable(program, directory),
                f"--config.file={config}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                f"--web.external-url={EXTERNAL_URL}",
                "--web.route-prefix=/",
                "--cluster.listen-address=",
            ],
            cwd=directory,
            stdout=out,
            stderr=out,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield Post(f"http://127.0.0.1:{port}", sink, program)
        assert "error" not in log.read_text().lower(), log.read_text()
    finally:
        process.terminate()
        process.wait(timeout=patience(10))
        server.stop()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    def ready() -> bool:
        assert process.poll() is None, f"Alertmanager has ended: {log.read_text()}"
        return httpx.get(f"{url}/-/ready", trust_env=False, timeout=patience(5)).raise_for_status().is_success

    poll(ready, "Alertmanager to be ready", seconds=30)
