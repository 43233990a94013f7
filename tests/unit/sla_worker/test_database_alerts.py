"""Stored alerts: bounded in number and in bytes, storable whatever Alertmanager sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.database.alerts import (
    ALERT_BYTES,
    CUT,
    KEPT_ALERTS,
    KEPT_BYTES,
    LEFT_OUT,
    READ_BYTES,
    TEXT_CHARACTERS,
)
from sla_worker.model import WebhookAlert
from unit.sla_worker.databases import Place

NOW = 1_700_000_100


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = SLADatabase(place.location, clock=lambda: NOW)
    yield made
    made.close()


def alert(number: int = 0, **annotations: str) -> WebhookAlert:
    labels = {"alertname": "A", "n": str(number)}
    return WebhookAlert("firing", "A", "worker", labels, annotations, "s", "e", NOW, f"{number}")


def many(count: int) -> dict[str, str]:
    """So many annotations of 1,000 characters each."""
    return {f"a{number}": "x" * 1000 for number in range(count)}


def file_bytes(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir())


def test_the_newest_are_kept_up_to_a_number(database: SLADatabase) -> None:
    database.alerts.add(alert(number) for number in range(KEPT_ALERTS + 5))
    newest = database.alerts.newest(KEPT_ALERTS * 2)
    assert len(newest) == KEPT_ALERTS
    assert newest[0].labels["n"] == str(KEPT_ALERTS + 4)
    assert newest[-1].labels["n"] == "5"


def test_what_is_told_again_is_stored_once(database: SLADatabase) -> None:
    """Alertmanager repeats what fires, and sends a call again of which it got no answer."""
    first, later = replace(alert(1), starts_at="2023-11-14T22:00:00Z"), NOW + 4 * 3600
    database.alerts.add([first, first, alert(2)])
    again = replace(first, received_at=later, annotations={"summary": "worse"})
    database.alerts.add([again])
    assert database.alerts.newest(9) == [again, alert(2)]
    others = [
        replace(again, status="resolved", ends_at="2023-11-15T03:00:00Z"),
        replace(again, receiver="critical"),
        replace(again, starts_at="2023-11-15T09:00:00Z"),
        replace(again, labels={"alertname": "A", "n": "9"}),  # of a sender without fingerprints
    ]
    database.alerts.add(others)
    assert database.alerts.newest(9) == [*others[::-1], again, alert(2)]


def test_what_is_repeated_for_days_fired_in_each_of_them(database: SLADatabase) -> None:
    """It began at 22:00 UTC, was heard of at 22:15, and then every four hours for three days."""
    began, day = 1_699_999_200, 86_400
    firing = replace(alert(1), starts_at="2023-11-14T22:00:00Z", ends_at="0001-01-01T00:00:00Z")
    for hours in range(0, 72, 4):
        database.alerts.add([replace(firing, received_at=NOW + hours * 3600)])
    assert len(database.alerts.newest(9)) == 1
    for number in range(3):
        start = began + number * day
        [episode] = database.alerts.episodes(start, start + day)
        assert (episode.start, episode.end, episode.resolved) == (began, start + day, False)
    assert database.alerts.episodes(began - day, began) == []


def test_the_newest_are_kept_up_to_so_many_bytes(database: SLADatabase, tmp_path: Path) -> None:
    # 50 posts of 20 alerts of 50 kB each: 50 MB came in, 8 MB are kept.
    for post in range(50):
        database.alerts.add(alert(post * 20 + number, **many(50)) for number in range(20))
    kept = database._engine.row("SELECT COUNT(*) AS alerts, SUM(size_bytes) AS size FROM webhook_alerts")
    # An alert is 50 times (1,000 + the 10 characters of `"a10": "…", `) and a little more: 161 to 166 fit.
    assert 161 <= kept["alerts"] <= 166
    assert KEPT_BYTES - 52_000 < kept["size"] <= KEPT_BYTES
    assert database.alerts.newest(1)[0].labels["n"] == "999"
    database.close()
    assert file_bytes(tmp_path) < 2 * KEPT_BYTES


def test_one_answer_holds_so_many_bytes(database: SLADatabase) -> None:
    database.alerts.add(alert(number, **many(50)) for number in range(100))
    newest = database.alerts.newest(100)
    # Of about 51 kB each, 41 are about 2 MB.
    assert 39 <= len(newest) <= 41
    assert len(json.dumps([each.annotations for each in newest])) <= READ_BYTES
    assert newest[0].labels["n"] == "99"


def test_a_long_text_is_cut_and_says_so(database: SLADatabase) -> None:
    database.alerts.add([alert(summary="x" * 5000, short="y")])
    [stored] = database.alerts.newest(1)
    assert len(stored.annotations["summary"]) == TEXT_CHARACTERS
    assert stored.annotations["summary"].endswith(f"xxx{CUT}")
    assert stored.annotations["short"] == "y"


def test_an_alert_that_is_too_large_says_how_much_is_left_out(database: SLADatabase) -> None:
    database.alerts.add([alert(**many(200))])  # 200 kB
    [stored] = database.alerts.newest(1)
    assert stored.labels == {"alertname": "A", "n": "0"}
    left_out = int(stored.annotations[LEFT_OUT])
    assert len(stored.annotations) - 1 + left_out == 200
    # 64 KiB ÷ the 1,012 characters of each
    assert 62 <= len(stored.annotations) - 1 <= 64
    assert len(json.dumps(stored.annotations)) <= ALERT_BYTES


def test_the_name_of_an_alert_is_never_left_out(database: SLADatabase) -> None:
    labels = {**many(200), "alertname": "Zzz"}
    database.alerts.add([WebhookAlert("firing", "Zzz", "r", labels, {}, "s", "e", NOW, "f")])
    [stored] = database.alerts.newest(1)
    assert (stored.alertname, stored.labels["alertname"]) == ("Zzz", "Zzz")
    assert int(stored.labels[LEFT_OUT]) > 100


def test_half_a_surrogate_pair_can_be_stored_and_read(database: SLADatabase) -> None:
    half = json.loads('"a\\ud800b"')  # JSON can hold it, UTF-8 cannot
    whole = json.loads('"\\ud83d\\ude00"')
    odd = WebhookAlert("firing", half, half, {half: half, "n": whole}, {"nul": "a\0b"}, half, half, NOW, half)
    database.alerts.add([odd])
    [stored] = database.alerts.newest(1)
    assert stored.alertname == "a\N{REPLACEMENT CHARACTER}b"
    assert stored.labels == {"a\N{REPLACEMENT CHARACTER}b": "a\N{REPLACEMENT CHARACTER}b", "n": "😀"}
    assert stored.annotations == {"nul": "a\N{REPLACEMENT CHARACTER}b"}
    json.dumps([stored.alertname, stored.labels, stored.starts_at], ensure_ascii=False).encode()


def test_of_the_watchdog_only_the_newest_is_kept(database: SLADatabase) -> None:
    def watchdog(number: int, status: str = "firing") -> WebhookAlert:
        return WebhookAlert(status, "Watchdog", "w", {"n": str(number)}, {}, "s", "e", NOW, "f")

    for number in range(3):
        database.alerts.add([watchdog(number)])
    assert [each.labels["n"] for each in database.alerts.newest(10)] == ["2"]


def test_nothing_to_store_is_nothing_done(database: SLADatabase) -> None:
    database.alerts.add([])
    assert database.alerts.newest(10) == []
