"""What Alertmanager's webhook sent, bounded in number and in bytes; of what always comes, the newest only."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping

from sla_worker.conventions import WATCHDOG
from sla_worker.database.engine import Engine, Row
from sla_worker.model import AlertEpisode, WebhookAlert

KEPT_ALERTS = 10_000
KEPT_BYTES = 8 * 1024 * 1024
READ_BYTES = 2 * 1024 * 1024
"""What one answer holds at most, however many alerts were asked for."""

ALERT_BYTES = 64 * 1024
TEXT_CHARACTERS = 4096
"""Bounds of one alert, and of one text in it."""

CUT = "… [cut]"
LEFT_OUT = "[left out]"
"""The end of a text that was cut, and the name under which an alert says how much of it was left out."""

_FIRST_YEAR = 1970
_SAME_SECONDS = 120  # the same state of an alert, told again within this, is the same message
_HEARD_SECONDS = 5 * 3600  # Alertmanager repeats what fires every four hours, or more often
_IDENTITY = ("fingerprint", "status", "receiver", "labels", "starts_at", "ends_at")
"""What tells apart two alerts that Alertmanager sends: another state or end is another one."""

_EPISODES = """
SELECT alertname, starts_at, MAX(CASE WHEN status = 'resolved' THEN ends_at END) AS ends_at,
       MAX(received_at) AS heard
FROM webhook_alerts
WHERE alertname <> ? AND labels NOT LIKE '%"drill":%'
GROUP BY fingerprint, alertname, starts_at HAVING MAX(received_at) >= ?
"""
_TRIM = """
DELETE FROM webhook_alerts WHERE id IN (
    SELECT id FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id DESC) AS place,
                           SUM(size_bytes) OVER (ORDER BY id DESC) AS so_far
                    FROM webhook_alerts) AS sized
    WHERE place > ? OR so_far > ?)
"""


class AlertStore:
    """The table webhook_alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stored: tuple[int, int] | None = None  # alerts and bytes, or more than that
        engine.on_reset(self._forget)

    def add(self, alerts: Iterable[WebhookAlert]) -> None:
        """Store the alerts of one call and drop the oldest above the bounds, in one transaction.

        Texts that are too long are cut and say so. An alert that is told again, since Alertmanager repeats
        what fires, takes the place of what was told of it before. So does a Watchdog that fires, whenever
        it began: one a minute would push all others out within a week.
        """
        told = {tuple(row[name] for name in _IDENTITY): row for row in map(_row, alerts)}
        rows = list(told.values())
        if not rows:
            return
        with self._engine.transaction():
            if any(row["alertname"] == WATCHDOG for row in rows):
                self._engine.execute(
                    "DELETE FROM webhook_alerts WHERE alertname = ? AND status = 'firing'", (WATCHDOG,)
                )
            self._forget_repeated(told.keys())
            first = self._engine.next_id("webhook_alerts")
            self._engine.executemany(
                "INSERT INTO webhook_alerts (id, size_bytes, fingerprint, status, alertname, receiver,"
                " labels, annotations, starts_at, ends_at, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(number, *row.values()) for number, row in enumerate(rows, start=first)],
            )
            self._trim(len(rows), sum(row["size_bytes"] for row in rows))

    def _forget_repeated(self, told: Collection[tuple[object, ...]]) -> None:
        """Delete what is stored of alerts that are told again."""
        fingerprints = sorted({str(each[0]) for each in told})
        rows = self._engine.rows(
            f"SELECT id, {', '.join(_IDENTITY)} FROM webhook_alerts"  # noqa: S608 - names and marks
            f" WHERE fingerprint IN ({', '.join('?' * len(fingerprints))})",
            tuple(fingerprints),
        )
        again = [row for row in rows if tuple(row[name] for name in _IDENTITY) in told]
        if again:
            self._engine.executemany(
                "DELETE FROM webhook_alerts WHERE id = ?", [(row["id"],) for row in again]
            )
            self._forget()

    def unknown(self, alerts: Iterable[WebhookAlert]) -> list[WebhookAlert]:
        """Those that were not stored a moment ago: two workers that are told the same store it once."""
        alerts = list(alerts)
        if not alerts:
            return []
        rows = self._engine.rows(
            "SELECT fingerprint, status, receiver, starts_at, ends_at FROM webhook_alerts"
            " WHERE received_at > ? AND received_at < ?",
            (
                min(each.received_at for each in alerts) - _SAME_SECONDS,
                max(each.received_at for each in alerts) + _SAME_SECONDS,
            ),
        )
        known = {tuple(row.values()) for row in rows}
        return [
            each
            for each in alerts
            if tuple(
                _text(text)
                for text in (each.fingerprint, each.status, each.receiver, each.starts_at, each.ends_at)
            )
            not in known
        ]

    def newest(self, limit: int) -> list[WebhookAlert]:
        """The newest alerts, newest first: at most `limit`, and at most READ_BYTES of them."""
        sizes = self._engine.rows(
            "SELECT id, size_bytes FROM webhook_alerts ORDER BY id DESC LIMIT ?", (limit,)
        )
        oldest, so_far = None, 0
        for row in sizes:
            so_far += row["size_bytes"]
            if oldest is not None and so_far > READ_BYTES:
                break
            oldest = row["id"]
        if oldest is None:
            return []
        return [
            WebhookAlert(
                status=row["status"],
                alertname=row["alertname"],
                receiver=row["receiver"],
                labels=json.loads(row["labels"]),
                annotations=json.loads(row["annotations"]),
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                received_at=row["received_at"],
                fingerprint=row["fingerprint"],
            )
            for row in self._engine.rows(
                "SELECT * FROM webhook_alerts WHERE id >= ? ORDER BY id DESC LIMIT ?", (oldest, limit)
            )
        ]

    def episodes(self, start: int, end: int) -> list[AlertEpisode]:
        """The alerts that fired in [start, end), without the Watchdog and drills, oldest first.

        One whose end has not come yet lasts as long as it was heard of, to the end if that is not long ago.
        """
        found = []
        for row in self._engine.rows(_EPISODES, (WATCHDOG, start)):
            began, ended = _moment(row["starts_at"]), _moment(row["ends_at"])
            if began is None or began >= end:
                continue
            until = ended if ended is not None and ended >= began else max(row["heard"], began)
            if ended is None and row["heard"] >= end - _HEARD_SECONDS:
                until = end
            if until >= start:
                found.append(AlertEpisode(row["alertname"], began, until, ended is not None and ended < end))
        return sorted(found, key=lambda each: (each.start, each.alertname))

    def known_since(self) -> int | None:
        """When the oldest alert that is kept came, if older ones had to go; None: none had to."""
        row = self._engine.row("SELECT MIN(id) AS first, MIN(received_at) AS since FROM webhook_alerts")
        stored = self._engine.row(
            "SELECT COUNT(*) AS alerts, COALESCE(SUM(size_bytes), 0) AS size FROM webhook_alerts"
        )
        full = stored["alerts"] >= KEPT_ALERTS or stored["size"] >= KEPT_BYTES - ALERT_BYTES
        return int(row["since"]) if full else None

    def _trim(self, alerts: int, size_bytes: int) -> None:
        """Drop the oldest; the table is counted when it may have grown above a bound, not at every call."""
        if self._stored is not None:
            self._stored = self._stored[0] + alerts, self._stored[1] + size_bytes
        if self._stored is None or self._stored[0] > KEPT_ALERTS or self._stored[1] > KEPT_BYTES:
            self._engine.execute(_TRIM, (KEPT_ALERTS, KEPT_BYTES))
            row = self._engine.row(
                "SELECT COUNT(*) AS alerts, COALESCE(SUM(size_bytes), 0) AS size FROM webhook_alerts"
            )
            self._stored = row["alerts"], row["size"]

    def _forget(self) -> None:
        self._stored = None


def _row(alert: WebhookAlert) -> Row:
    """The alert as it is stored: every text storable and bounded, what does not fit left out and said so."""
    texts = {
        "fingerprint": _text(alert.fingerprint),
        "status": _text(alert.status),
        "alertname": _text(alert.alertname),
        "receiver": _text(alert.receiver),
    }
    ends = {"starts_at": _text(alert.starts_at), "ends_at": _text(alert.ends_at)}
    left = ALERT_BYTES - sum(len(each.encode()) for each in (*texts.values(), *ends.values()))
    labels, left = _fitting(alert.labels, left)
    annotations, left = _fitting(alert.annotations, left)
    maps = {"labels": labels, "annotations": annotations}
    size = ALERT_BYTES - left
    return {"size_bytes": size, **texts, **maps, **ends, "received_at": alert.received_at}


def _fitting(values: Mapping[str, str], left: int) -> tuple[str, int]:
    """As JSON, as many pairs as fit into the bytes that are left; and what is left then."""
    kept: dict[str, str] = {}
    room = left - len(json.dumps({LEFT_OUT: str(len(values))}))
    # The name comes first: it is what everybody looks for.
    for name in sorted(values, key=lambda name: (name != "alertname", name)):
        pair = {_text(name): _text(values[name])}
        size = len(json.dumps(pair))
        if size <= room:
            kept |= pair
            room -= size
    if len(kept) < len(values):
        kept[LEFT_OUT] = str(len(values) - len(kept))
    text = json.dumps(kept, sort_keys=True)
    return text, left - len(text)


def _moment(text: str | None) -> int | None:
    """Epoch seconds of a time as Alertmanager writes it; None for one that is not set, or is no time."""
    try:
        moment = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year < _FIRST_YEAR:  # 0001-01-01: not set
        return None
    return int(moment.timestamp())


def _text(text: str) -> str:
    """Bounded, and without what cannot be stored as UTF-8: half a surrogate pair, which JSON can hold."""
    text = (
        text.encode("utf-16", "surrogatepass")
        .decode("utf-16", "replace")
        .replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
    return text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - len(CUT)] + CUT
