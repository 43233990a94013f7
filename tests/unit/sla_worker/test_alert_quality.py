"""How good the alerts of a week were, and what is still allowed until its month ends: by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.alert_quality import alert_quality
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import (
    AlertEpisode,
    AlertQuality,
    BeganBreach,
    BreachAlert,
    Causes,
    Figures,
    Prospect,
    WebhookAlert,
)
from sla_worker.outlook import outlook
from sla_worker.periodic import long_report
from sla_worker.render.sections import outlook_lines, sections
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.report_ledger import BERLIN, ERRORS, HOUR, NOW, epoch, ledger

START, END = epoch("2026-11-16T00:00"), epoch("2026-11-23T00:00")
ERRORS_AT = epoch("2026-11-21T10:00")  # for an hour 336 of 1,000 requests fail, of 168 allowed in the week


@pytest.fixture
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("alerts") / "sla.db", begin="2026-11-01T00:00")
    yield database
    database.close()


def hear(database: SLADatabase, name: str, start: int, end: int | None = None, **labels: str) -> None:
    """What Alertmanager sends of one alert: to two receivers that it fires, and that it was resolved."""

    def text(moment: int) -> str:
        return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat().replace("+00:00", ".123456789Z")

    firing = WebhookAlert(
        "firing", name, "critical", {"alertname": name, **labels}, {}, text(start),
        "0001-01-01T00:00:00Z", start + 30, f"{name} {start}",
    )  # fmt: skip
    sent = [firing, replace(firing, receiver="worker")]
    if end is not None:
        sent.append(replace(firing, status="resolved", ends_at=text(end), received_at=end + 30))
    database.alerts.add(sent)


def quality(database: SLADatabase) -> AlertQuality:
    breaches = database.breaches_between(START, END)
    return alert_quality(database, START, END, database.status_of_period(START, END), breaches)


def test_each_alert_counts_once_however_many_receivers_and_repetitions_it_has(known: SLADatabase) -> None:
    """HighErrorRate fires with the errors; NoisyAlert three times without: for 10, 20 and 60 minutes."""
    hear(known, "HighErrorRate", ERRORS_AT + 300, ERRORS_AT + HOUR + 300)
    for day, minutes in (("17", 10), ("18", 20), ("19", 60)):
        start = epoch(f"2026-11-{day}T12:00")
        hear(known, "NoisyAlert", start, start + minutes * 60)
    hear(known, "Watchdog", START + 60)
    hear(known, "Rehearsed", START + 60, START + 120, drill="1")
    hear(known, "Before", START - 2 * HOUR, START - HOUR)
    found = quality(known)
    noisy, errors = found.alerts
    assert (noisy.alertname, noisy.fired, noisy.seconds, noisy.median_seconds) == (
        "NoisyAlert",
        3,
        5400,
        1200,
    )
    assert (noisy.harmless, noisy.burned) == (3, None)
    assert (errors.alertname, errors.fired, errors.seconds, errors.harmless) == ("HighErrorRate", 1, HOUR, 0)
    # It fired from 10:05 to 11:05, so in the slots of 10 and 11 o'clock: 336 bad of 168 allowed.
    assert (errors.burned_by, errors.burned) == ("API Error Rate", pytest.approx(2.0))
    assert (found.untold, found.known_since, found.down_seconds) == ((), None, 0)


def test_a_breach_without_an_alert_near_it_was_told_by_none(known: SLADatabase) -> None:
    hear(known, "TooLate", ERRORS_AT + HOUR + 601, ERRORS_AT + 2 * HOUR)
    [untold] = quality(known).untold
    assert untold.started_at == ERRORS_AT
    hear(known, "InTime", ERRORS_AT + HOUR + 600, ERRORS_AT + 2 * HOUR)
    assert quality(known).untold == ()


def test_the_record_of_prometheus_is_asked_for_every_breach_however_many(tmp_path: Path) -> None:
    """Three breaches, each many times, which is more than is asked for at once; an alert fired at each."""
    database = ledger(tmp_path / "sla.db", begin="2026-10-09T00:00")
    start = epoch("2026-10-09T00:00")
    breaches = database.breaches_between(start, END)
    assert len(breaches) == 3
    for each in breaches:
        fired = BreachAlert("HighErrorRate", "critical", {}, each.started_at)
        database.causes.store(BeganBreach(each.id, each.key, each.started_at, 0), Causes((fired,), 1))
    statuses = database.status_of_period(start, END)
    found = alert_quality(database, start, END, statuses, breaches * 400)
    database.close()
    assert found.untold == ()


def test_one_that_still_fires_lasts_as_long_as_it_was_heard_of(known: SLADatabase) -> None:
    hear(known, "Lost", START + HOUR)  # heard 30 s later, and never again
    hear(known, "Lasting", END - HOUR)
    assert known.alerts.episodes(START, END) == [
        AlertEpisode("Lost", START + HOUR, START + HOUR + 30, resolved=False),
        AlertEpisode("Lasting", END - HOUR, END, resolved=False),
    ]


def test_it_says_how_long_no_alert_would_have_arrived(known: SLADatabase) -> None:
    known.outages.begin(START - HOUR, START)
    known.outages.received(START + 2 * HOUR)
    assert quality(known).down_seconds == 2 * HOUR


def test_the_outlook_is_that_of_a_count_by_hand(known: SLADatabase) -> None:
    """22 days of November are over, with 528,000 requests, and 8 are left with 24,000 each: 720,000.

    720 may fail and 336 did: 384 more. None failed on the 22nd, so it ends at 1 - 336/720,000; at the rate of
    the 21st 8 · 336 more fail: 1 - 3,024/720,000.
    """
    [first, *_] = outlook(known, END, BERLIN, 3)
    assert first == Prospect(
        title="API Error Rate", month_end=epoch("2026-12-01T00:00"), held_to_ratio=pytest.approx(0.999),
        bad=336, allowed=pytest.approx(720), unit="bad events",
        at_rate_ratio=pytest.approx(1 - 336 / 720_000),
        worst_ratio=pytest.approx(1 - 3024 / 720_000), best_ratio=pytest.approx(1 - 336 / 720_000), days=7,
    )  # fmt: skip
    assert outlook_lines([first], BERLIN) == [
        "What decides: API Error Rate may have 384 more bad events, of about 720 in the month, until"
        " 2026-12-01 00:00 CET. At the rate of the last 24 hours that were measured it ends at 99.95 %; at"
        " those of the last 7 days, 99.58 % to 99.95 %; 99.90 % is wanted."
    ]


def test_a_day_with_much_more_traffic_than_others_ends_no_worse_than_all_bad(tmp_path: Path) -> None:
    """Nine days of 240 good requests, then one of 24,000 bad ones; 20 days are left.

    20 more days like it: 2,160 of 506,160 are good. Like one of the others: 2,160 + 4,800 of 26,160 + 4,800.
    """
    first, end = epoch("2026-11-01T00:00"), epoch("2026-11-11T00:00")
    [errors] = [each for each in read_definitions(THREE) if each.key == ERRORS]
    last = end - 24 * HOUR
    database = SLADatabase(tmp_path / "sla.db", grid=Grid(HOUR, 15), zone=BERLIN, clock=lambda: NOW)
    database.sync_definitions([errors], begin=first)
    database.store(
        evaluate(errors, slot, Figures(10, 10, 1) if slot <= last else Figures(0, 1000, 1))
        for slot in range(first + HOUR, end + 1, HOUR)
    )
    [found] = outlook(database, end, BERLIN, 3)
    database.close()
    assert found.at_rate_ratio == found.worst_ratio == pytest.approx(2_160 / 506_160)
    assert found.best_ratio == pytest.approx(6_960 / 30_960)


def test_uptime_is_told_in_minutes_and_the_first_day_of_a_month_in_nothing(known: SLADatabase) -> None:
    """30 days have 43,200 minutes, of which 0.1 % may be missed."""
    [uptime] = [each for each in outlook(known, END, BERLIN, 3) if each.title == "Platform Uptime"]
    assert (uptime.bad, uptime.allowed, uptime.unit) == (0, pytest.approx(43.2), "min")
    assert outlook(known, epoch("2026-11-01T23:00"), BERLIN, 3) == ()


def test_the_weekly_report_says_it_in_sentences(known: SLADatabase) -> None:
    hear(known, "HighErrorRate", ERRORS_AT + 300, ERRORS_AT + HOUR + 300)
    made = long_report(known, kind="weekly", title="Weekly", end=END, now=NOW, zone=BERLIN)
    found = dict(sections(made, BERLIN))
    assert found["Alerts"][0] == (
        "HighErrorRate fired once, 1 h in total; meanwhile 200.0 % of the error budget of"
        " API Error Rate burned."
    )
    # One breach of an hour; 167 of 168 hours were without.
    assert found["How long it took"][:2] == [
        "Mean time to recovery: 1 h, of 1 breach that ended.",
        "Mean time between failures: 6 d 23 h, the time out of breach of the SLAs that had"
        " a breach ÷ 1 breach.",
    ]
