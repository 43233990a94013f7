"""The alerts that fired when a breach began are kept with it, and shown as its likely cause."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from e2e.report_tables import cause_in_mail, causes_on_page
from sla_worker import cli
from sla_worker.causes import CauseFinder
from sla_worker.errors import PrometheusError
from sla_worker.model import BeganBreach, BreachAlert, Causes
from sla_worker.prometheus import PrometheusClient
from sla_worker.render.format import cause_words
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Mailbox, Setting

UTC = ZoneInfo("UTC")
BEGAN = SLOT  # the slot from SLOT to SLOT + 300 is the first bad one
Alert = tuple[str, dict[str, str], int, int, int]


def alert(name: str, since: int, until: int, active: int | None = None, **labels: str) -> Alert:
    """An alert that fires from `since` to `until`, in seconds after the breach began."""
    return name, labels, since, until, since if active is None else active


WATCHDOG = alert("Watchdog", -9000, 900)


class Alerts:
    """A Prometheus that evaluates rules every 15 s, 4 s after the slots begin."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts = alerts
        self.down = False
        self.warnings: list[str] = []

    def post(self, _path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        if self.down:
            raise PrometheusError("Prometheus at x does not answer (refused); check that it runs")
        end = float(fields["time"])
        firing = fields["query"] == 'ALERTS{alertstate="firing"}[900s]'
        assert firing or fields["query"] == "last_over_time(ALERTS_FOR_STATE[900s])"
        result: list[dict[str, Any]] = []
        for name, labels, since, until, active in self.alerts:
            times = [
                at
                for at in range(int(end) - 900 - 11, int(end) + 1, 15)
                if end - 900 < at <= end and BEGAN + since <= at < BEGAN + until
            ]
            metric = {"alertname": name, **labels}
            if not times:
                continue
            if firing:
                values = [[at, "1"] for at in times]
                result.append(
                    {"metric": {"__name__": "ALERTS", "alertstate": "firing", **metric}, "values": values}
                )
            else:
                result.append({"metric": metric, "value": [end, str(BEGAN + active)]})
        data = {"resultType": "matrix" if firing else "vector", "result": result}
        body = {"status": "success", "data": data, "warnings": self.warnings}
        return 200, {}, json.dumps(body).encode()


class _Ledger:
    slot_seconds = 300

    class causes:  # noqa: N801 - a stand-in for the attribute
        asked = False


def find(prometheus: Alerts) -> Causes:
    finder = CauseFinder(_Ledger(), PrometheusClient(prometheus), clock=lambda: BEGAN + 345.0)  # type: ignore[arg-type]
    return finder.find(BeganBreach(1, "api-error-rate", BEGAN, 0))


def named(causes: Causes) -> list[tuple[str, int | None]]:
    return [(each.alertname, None if each.since is None else each.since - BEGAN) for each in causes.alerts]


def test_those_that_fired_then_and_those_that_began_within_ten_minutes_before() -> None:
    found = find(
        Alerts(
            WATCHDOG,
            alert("LongFiring", -5000, 900, active=-5060),
            alert("InTheSlot", 110, 900),
            alert("ShortBefore", -500, -400),  # began within ten minutes, and was over
            alert("OverBefore", -5000, -100),  # began long before, and was over
            alert("LongOver", -5000, -700),
            alert("AfterTheSlot", 301, 900),
        )
    )
    # 15 s between evaluations, 4 s after full quarters: -500 is seen at -491, 110 at 114.
    assert [name for name, _ in named(found)] == ["LongFiring", "ShortBefore", "InTheSlot"]
    assert named(found)[0] == ("LongFiring", -5060)
    assert -500 <= (named(found)[1][1] or 0) < -485
    assert (found.total, found.trouble) == (3, None)


def test_first_those_that_name_the_sla_then_the_oldest_last_those_of_other_slas() -> None:
    """A mail names five: the budgets of other SLAs would hide what made all of them burn."""
    found = find(
        Alerts(
            WATCHDOG,
            alert("Old", -5000, 900),
            alert("Names", 20, 900, sla="api-error-rate", severity="critical"),
            alert("NamesAnother", -6000, 900, sla="other"),
        )
    )
    assert [name for name, _ in named(found)] == ["Names", "Old", "NamesAnother"]
    assert found.alerts[0].severity == "critical"
    assert found.alerts[0].labels == {"sla": "api-error-rate"}


def test_so_many_are_kept_and_all_are_counted() -> None:
    found = find(
        Alerts(WATCHDOG, *(alert(f"A{number:02}", -100, 900, pod="x" * 999) for number in range(30)))
    )
    assert (len(found.alerts), found.total) == (20, 30)
    assert len(found.alerts[0].labels["pod"]) == 200


def test_what_cannot_be_known_is_said() -> None:
    silent = Alerts(alert("Other", 5000, 9000))
    assert find(silent).trouble == "Prometheus has no alert of that time on record, not even Watchdog"
    assert (find(Alerts(WATCHDOG)).trouble, find(Alerts(WATCHDOG)).total) == (None, 0)
    down = Alerts()
    down.down = True
    assert find(down).trouble == "Prometheus at x does not answer (refused)"
    part = Alerts(WATCHDOG, alert("One", 0, 900))
    part.warnings = ["a store is away"]
    assert (named(find(part))[0][0], find(part).trouble) == ("One", "a store is away")


def test_causes_in_words() -> None:
    one = BreachAlert("HighErrorRate", "critical", {}, SLOT)
    names = BreachAlert("SLABreachActive", "", {"sla": "a"}, None)
    assert cause_words(Causes((one, names), 9), UTC) == (
        "HighErrorRate, critical, since 2023-11-14 22:15 UTC; SLABreachActive of a, since long before; 7 more"
    )
    assert cause_words(Causes(), UTC) == "no alert fired when it began"
    assert cause_words(Causes(trouble="x"), UTC) == "not known: x"
    assert cause_words(Causes((names,), 1, 0, "x"), UTC) == (
        "SLABreachActive of a, since long before (perhaps not all: x)"
    )


@pytest.mark.parametrize("down", [False, True])
def test_mail_page_api_and_terminal_show_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, down: bool
) -> None:
    setting = Setting(tmp_path)
    setting.step()
    alerts = Alerts(WATCHDOG, alert("HighErrorRate", -60, 900, severity="critical"))
    alerts.down = down
    plain = setting.prometheus.post
    monkeypatch.setattr(
        setting.prometheus,
        "post",
        lambda path, fields: (alerts.post if "ALERTS" in fields["query"] else plain)(path, fields),
    )
    setting.prometheus.values[GOOD] = 900.0
    setting.now += 300
    said = (
        "not known: Prometheus at x does not answer (refused)"
        if down
        else "HighErrorRate, critical, since 2023-11-14 22:14 UTC"
    )
    with Mailbox(setting.smtp_port) as mailbox:
        setting.step()
        mails = [each for each in mailbox.mails if "SLA breached" in str(each["Subject"])]
        assert mails
        for mail in mails:
            [plain_part] = [each for each in mail.walk() if each.get_content_type() == "text/plain"]
            body = plain_part.get_payload(decode=True)
            assert isinstance(body, bytes)
            assert cause_in_mail(body.decode()) == said
    assert f"likely cause: {said}" in setting.ask("/")[1]
    assert set(causes_on_page(setting.ask("/incidents")[1])) == {said}
    [listed] = json.loads(setting.ask("/api/breaches?sla=api-error-rate&state=open")[1])["breaches"]
    assert len(listed["causes"]["alerts"]) == (0 if down else 1)
    breach = json.loads(setting.ask("/api/explain?sla=api-error-rate&period=24h")[1])["breaches"][0]
    assert [each["alertname"] for each in breach["causes"]["alerts"]] == ([] if down else ["HighErrorRate"])
    setting.close()
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("SLA_INTERVAL_SECONDS", "SLA_SCRAPE_INTERVAL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["explain", "api-error-rate", "2023-11-14"]) == 0
    assert f"likely cause: {said}" in capsys.readouterr().out


def test_what_was_not_known_is_asked_for_again_and_what_was_is_not(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.step()
    setting.prometheus.values[GOOD] = 900.0
    setting.now += 300
    setting.step()
    store = setting.service.database.causes
    breaches = [each.id for each in setting.service.database.get_active_breaches()]
    assert {each.trouble for each in store.of(breaches).values()} == {
        "Prometheus has no alert of that time on record, not even Watchdog"
    }
    assert store.of([*range(10**6, 10**6 + 40_000), *breaches]) == store.of(
        breaches
    )  # more than one statement takes
    assert store.due() == []  # none has begun since
    store.look_again()
    again = store.due()
    assert sorted(each.id for each in again) == breaches
    for each in again:
        store.store(each, Causes(asked_at=1))
    store.look_again()
    assert store.due() == []
    setting.close()
