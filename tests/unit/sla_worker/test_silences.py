"""A maintenance window silences the alerts of its SLAs in a real Alertmanager, as long as it lasts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ports import free_port
from rules.binaries import newest
from unit.sla_worker.setting import Setting
from waiting import patience, poll

HOUR = 3600


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("alertmanager")
    config = directory / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    url = f"http://127.0.0.1:{free_port()}"
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [
                newest("alertmanager"),
                f"--config.file={config}",
                f"--storage.path={directory / 'data'}",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            poll(lambda: _ready(url), "Alertmanager to answer", seconds=10)
            yield url
        finally:
            process.terminate()
            process.wait(patience(10))


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False, timeout=patience(5)).is_success
    except httpx.TransportError:
        return False


class Real(Setting):
    """A worker whose clock is Alertmanager's, until a test moves it."""

    def __init__(self, directory: Path, **environ: str) -> None:
        super().__init__(directory, **environ)
        self.alertmanager = environ["ALERTMANAGER_URL"]

    def silences(self, *states: str) -> list[dict[str, Any]]:
        found = httpx.get(f"{self.alertmanager}/api/v2/silences", trust_env=False, timeout=patience(5)).json()
        return [
            each
            for each in found
            if each["status"]["state"] in (states or ("active", "pending")) and "ours" in each["comment"]
        ]

    def change(self, **asked: Any) -> dict[str, Any]:
        body = json.dumps({"ledger": str(Path(self.environ["SLA_DATABASE_PATH"]).resolve()), **asked})
        status, text = self.ask("/api/maintain", "POST", body.encode())
        assert status == "200 OK", text
        return dict(json.loads(text))

    def add(self, begins: int, lasts: int, **scope: list[str]) -> dict[str, Any]:
        start = int(self.now) + begins
        planned = {"scope": scope, "start": start, "end": start + lasts, "author": "ann", "reason": "ours"}
        return self.change(action="add", planned=planned)

    def turns(self, seconds: float = 20) -> None:
        self.now += seconds
        self.service.worker.step()


@pytest.fixture
def setting(tmp_path: Path, alertmanager: str) -> Iterator[Real]:
    import time  # noqa: PLC0415 - the clock of Alertmanager, which cannot be injected

    class Now(Real):
        def start(self) -> None:
            self.now = time.time()
            super().start()

    made = Now(tmp_path, ALERTMANAGER_URL=alertmanager)
    yield made
    for each in made.silences():
        httpx.delete(f"{alertmanager}/api/v2/silence/{each['id']}", trust_env=False, timeout=patience(5))
    made.close()


def test_a_silence_begins_and_ends_with_its_window(setting: Real) -> None:
    done = setting.add(-60, HOUR, slas=["api-error-rate"])
    assert done["remarks"] == ["1 silence made in Alertmanager"]
    [silence] = setting.silences()
    assert silence["matchers"] == [
        {"name": "sla", "value": "api\\-error\\-rate", "isRegex": True, "isEqual": True}
    ]
    assert (silence["createdBy"], silence["comment"].split(" [")[0]) == ("ann", "ours")
    setting.turns()
    assert [each["id"] for each in setting.silences()] == [silence["id"]]
    done = setting.change(action="revoke", id=1, author="bob", reason="not today")
    assert done["remarks"] == ["1 silence ended in Alertmanager"]
    assert setting.silences() == []


def test_all_but_the_watchdog_and_only_some_components(setting: Real) -> None:
    setting.add(-60, HOUR)
    setting.step()  # the components are known once they were measured
    [silence] = setting.silences()
    assert silence["matchers"] == [
        {"name": "alertname", "value": "Watchdog", "isRegex": False, "isEqual": False}
    ]
    setting.change(action="end", id=1, author="bob")
    setting.turns(400)
    assert setting.silences() == []


def test_a_silence_that_alertmanager_lost_is_made_again(setting: Real) -> None:
    setting.add(-60, HOUR, categories=["reliability"])
    setting.step()
    [silence] = setting.silences()
    httpx.delete(
        f"{setting.alertmanager}/api/v2/silence/{silence['id']}", trust_env=False, timeout=patience(5)
    )
    assert setting.silences() == []
    setting.turns(5)
    assert setting.silences() == []  # it is looked after every 15 s
    setting.turns(15)
    assert len(setting.silences()) == 1


def test_a_window_that_begins_later_has_its_silence_a_day_before(setting: Real) -> None:
    setting.add(25 * HOUR, HOUR)
    assert setting.silences() == []
    setting.turns(2 * HOUR)
    assert [each["status"]["state"] for each in setting.silences()] == ["pending"]


def test_without_alertmanager_the_window_counts_and_somebody_is_told(tmp_path: Path) -> None:
    setting = Real(tmp_path, ALERTMANAGER_URL=f"http://127.0.0.1:{free_port()}")
    [remark] = setting.add(-60, HOUR)["remarks"]
    assert remark.startswith("no alert is silenced yet, it is tried again: Alertmanager at http://127.0.0.1:")
    assert "maintenance without its silence" in setting.ask("/healthz")[1]
    setting.close()
