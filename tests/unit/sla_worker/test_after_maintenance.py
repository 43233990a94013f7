"""What still burns when a window ends is said at once: by the command, mail, page, report and log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from logged import lines
from sla_worker.delivery.kinds import Sources, breach, daily
from sla_worker.delivery.smtp import Refusal
from sla_worker.model import Breach, Mail
from unit.sla_worker.fake_prometheus import COVERAGE, GOOD, SLOT
from unit.sla_worker.setting import Setting

KEY = "api-error-rate"
# SLOT is 2023-11-14 22:15 UTC. The slot that ends then is good, all after it are bad: since 22:15.
SINCE = "since 2023-11-14 22:15 UTC"


class Kept:
    """Takes every mail, and keeps it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    def send(self, made: EmailMessage, _recipients: Sequence[str]) -> dict[str, Refusal]:
        self.mails.append(made)
        return {}


def body(setting: Setting, subject: str) -> str:
    """The text of the one mail with these words in its subject."""
    [found] = [each for each in setting.sender.mails if subject in str(each["Subject"])]
    text = found.get_body(("plain",))
    return str(text.get_content())


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    """Bad since 22:15; an alert on the SLA fires, and one that has nothing to do with it."""
    made = Setting(tmp_path, sender=Kept())
    plain = made.prometheus.post

    def post(path: str, fields: dict[str, str]) -> tuple[int, Any, bytes]:
        if fields["query"] != 'ALERTS{alertstate="firing"}':
            return plain(path, fields)
        alerts = [
            {"alertname": "SLABreachActive", "severity": "warning", "sla": KEY, "title": "API Error Rate"},
            {"alertname": "HighErrorRate", "severity": "critical"},
            {"alertname": "Watchdog", "severity": "none"},
        ]
        result = [{"metric": each, "value": [float(fields["time"]), "1"]} for each in alerts]
        answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return 200, {}, json.dumps(answer).encode()

    monkeypatch.setattr(made.prometheus, "post", post)
    made.step()
    made.prometheus.values[GOOD] = 900.0
    made.now += 300
    made.step()
    yield made
    made.close()


def ask(setting: Setting, **asked: Any) -> list[str]:
    ledger = str(Path(setting.environ["SLA_DATABASE_PATH"]).resolve())
    status, text = setting.ask("/api/maintain", "POST", json.dumps({"ledger": ledger, **asked}).encode())
    assert status == "200 OK", text
    return [str(each) for each in json.loads(text)["remarks"] if each.startswith("still")]


def read(mail: Mail) -> str:
    """The HTML part as people read it."""
    return re.sub(r"<[^>]+>", "", mail.html).replace("\N{NO-BREAK SPACE}", " ")


def active(setting: Setting) -> list[Breach]:
    return [each for each in setting.service.database.get_active_breaches() if each.key == KEY]


def add(setting: Setting, minutes: int, **scope: list[str]) -> None:
    """A window from 22:20 on."""
    start = SLOT + 300
    planned = {"start": start, "end": start + minutes * 60, "author": "ann", "reason": "disks"}
    ask(setting, action="add", planned={"scope": scope, **planned})
    setting.now += 300
    setting.step()  # 22:25, bad and excluded


def test_who_ends_a_window_reads_what_still_burns(setting: Setting) -> None:
    add(setting, 60, slas=[KEY])
    assert ask(setting, action="end", id=1, author="bob") == [
        f"still bad: API Error Rate, {SINCE}",
        "still firing: SLABreachActive, api-error-rate",
    ]


def test_who_revokes_a_window_for_all_that_lasts_reads_all_that_fires(setting: Setting) -> None:
    add(setting, 60)
    said = ask(setting, action="revoke", id=1, author="bob", reason="wrong day")
    assert {f"still bad: {name}, {SINCE}" for name in ("API Error Rate", "Platform Uptime")} <= set(said)
    assert said[-2:] == ["still firing: SLABreachActive, api-error-rate", "still firing: HighErrorRate"]


def test_one_that_is_over_or_has_nothing_bad_says_nothing(setting: Setting) -> None:
    add(setting, 5, slas=[KEY])
    assert ask(setting, action="revoke", id=1, author="bob", reason="wrong day") == []
    setting.prometheus.values[GOOD] = 1000.0
    setting.now += 300
    setting.step()
    start = int(setting.now)
    planned = {"start": start, "end": start + 900, "author": "ann", "reason": "disks"}
    ask(setting, action="add", planned={"scope": {"slas": [KEY]}, **planned})
    assert ask(setting, action="end", id=2, author="bob") == ["still firing: SLABreachActive, api-error-rate"]


def test_a_window_that_ends_by_itself_and_the_breach_after_it(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    """22:20 to 22:30: at 22:30 it is said, and the slot from then to 22:35 is a breach that says it again."""
    caplog.set_level("WARNING", "sla_worker.maintaining")
    add(setting, 10, slas=[KEY])
    setting.now += 300
    setting.step()
    line = f"still bad: API Error Rate, {SINCE}"
    said = lines(caplog, "sla_worker.maintaining")
    assert said == [
        f"maintenance ended {each}" for each in (line, "still firing: SLABreachActive, api-error-rate")
    ]
    warnings = json.loads(setting.ask("/healthz")[1])["warnings"]
    assert f"maintenance ended at 2023-11-14 22:30 UTC, {line}" in warnings
    assert active(setting) == []

    setting.now += 300
    setting.step()
    [lasting] = active(setting)
    assert lasting.started_at == SLOT + 900
    words = f"bad {SINCE}, under maintenance until 2023-11-14 22:30 UTC"
    sources = Sources(setting.service.database, setting.service.settings, int(setting.now))
    mail = breach(sources, lasting.id)
    assert f"Before:       {words}" in mail.text
    assert words in read(mail)
    assert words in body(setting, "SLA breached again: API Error Rate")
    assert words in setting.ask("/")[1]
    assert f"API Error Rate: {words}" in daily(sources).text
    assert words in read(daily(sources))
    assert words not in breach(sources, 1).text  # one that began before the window

    setting.now += 600
    setting.step()
    assert "maintenance ended" not in setting.ask("/healthz")[1]  # for a quarter of an hour


def test_a_slot_that_says_nothing_does_not_part_a_breach_from_the_maintenance_before(
    setting: Setting,
) -> None:
    """22:20 to 22:30, nothing is scraped until 22:35, and bad from then on."""
    add(setting, 10, slas=[KEY])
    setting.now += 300
    setting.step()  # 22:30, bad and excluded
    setting.prometheus.values[COVERAGE] = 0.0
    setting.now += 300
    setting.step()
    assert active(setting) == []
    setting.prometheus.values[COVERAGE] = 1.0
    setting.prometheus.refused = {SLOT + 1200}  # 22:35 is not read again
    setting.now += 300
    setting.step()
    [lasting] = active(setting)
    assert lasting.started_at == SLOT + 1200
    sources = Sources(setting.service.database, setting.service.settings, int(setting.now))
    assert f"bad {SINCE}, under maintenance until 2023-11-14 22:30 UTC" in breach(sources, lasting.id).text
