"""A worker whose ledger has something of everything that the web side shows.

Two public SLAs and a private one; the hostile names stand where a user may write one. In the order of
time, from SLOT = 2023-11-14 22:15 UTC on, a slot is 300 s:

    slot 1, 2   all good (1,000 of 1,000)
    slot 3      900 of 1,000: a breach of the uptime, whose mail finds no server yet
    slot 4      Prometheus is down
    slots 5, 6  all good: the breach is over, its mail leaves
    slot 7      900 of 1,000 again: two breaches that last; of the errors that time is maintenance
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from sla_worker.maintaining import to_add, to_correct, to_revoke
from sla_worker.model import CountsAs, Planned, Scope, Wrong
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE
from unit.sla_worker.setting import Mailbox, Setting

HOSTILE = "<b>{{ 7*7 }}</b> \"'&;,\\ \u202eabc\u202c 🦊 " + "long" * 20
NAME = HOSTILE.replace("\u202e", "").replace("\u202c", "")  # as a definition may have it
FORMULA = "=HYPERLINK(1)"
UPTIME, PUBLIC, PRIVATE = "platform-uptime", "api-error-rate", "api-response-time-p95"
DAY = 86_400


def definitions(path: Path, *, hostile: bool = False) -> Path:
    """The three SLAs of the tests, two of them public."""
    content = yaml.safe_load(THREE.read_text(encoding="utf-8"))
    for each in content["slas"]:
        each["public"] = each["key"] != PRIVATE
        if hostile and each["key"] == UPTIME:
            each["name"], each["description"] = NAME, FORMULA
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def filled(directory: Path, *, hostile: bool = False, **environ: str) -> Setting:
    """The worker, at the end of the story above."""
    setting = Setting(
        directory, SLA_DEFINITIONS=str(definitions(directory / "slas.yml", hostile=hostile)), **environ
    )
    author = NAME if hostile else "ann@example.com"
    reason = f"{FORMULA} {NAME}" if hostile else "new disks of db-7"
    setting.step()

    def step(good: float = 1000.0, *, down: bool = False) -> None:
        setting.now += 300
        setting.prometheus.values[GOOD], setting.prometheus.down = good, down
        setting.step()

    step()
    step(900.0)
    step(down=True)
    with Mailbox(setting.smtp_port):
        step()
        step()
        setting.step()
    alert = {
        "status": "firing",
        "labels": {"alertname": "HighErrorRate", "instance": f"{FORMULA}\r\n{HOSTILE}"},
        "annotations": {"summary": HOSTILE},
        "startsAt": "2023-11-14T22:30:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "1",
    }
    setting.ask(
        "/webhook/alertmanager", "POST", json.dumps({"receiver": "critical", "alerts": [alert]}).encode()
    )
    step(900.0)
    now = int(setting.now)
    whole, one = Scope(), Scope(slas=(PUBLIC,), components=("all",))
    for planned in (
        Planned(whole, now - DAY, now - DAY + 3600, author, reason),
        Planned(one, now - 600, now + 3600, author, reason),
        Planned(whole, now + DAY, now + DAY + 7200, author, reason),
        Planned(whole, now + 2 * DAY, now + 2 * DAY + 7200, author, reason),
    ):
        change(setting, "/api/maintain", to_add(planned))
    change(setting, "/api/maintain", to_revoke(4, author, reason))
    wrong = Wrong(PRIVATE, SLOT, SLOT + 300, CountsAs.GOOD, author, reason)
    change(setting, "/api/correct", to_correct(wrong))
    setting.step()
    return setting


def change(setting: Setting, path: str, asked: dict[str, object]) -> None:
    """As a command asks the service for a change."""
    ledger = str(setting.service.application._app._parts.ledger)  # type: ignore[attr-defined]
    body = json.dumps({"ledger": ledger, **asked}).encode()
    status, text = setting.ask(path, "POST", body)
    assert status.startswith("200"), text
