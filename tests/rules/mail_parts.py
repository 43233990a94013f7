"""Alerts as Prometheus sends them, and what a mail program sees of the HTML part of a mail about them."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from typing import Any

LINKS = {
    "runbook_url": "http://sla-worker.example.com/runbooks/WorkerUnhealthy",
    "dashboard_url": "http://grafana.example.com/d/insa-worker-health?viewPanel=21",
}
DESCRIPTION = "Impact: Tasks wait.\nLikely causes: It has died.\nFirst steps: Restart it."


def alert(name: str = "WorkerUnhealthy", *, ended: bool = False, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus sends it: begun just now, or over after 90 seconds.

    Alertmanager sends a group at once whose alert is older than its group_wait, so firing ones are new.
    """
    now = dt.datetime.now(dt.UTC)
    body = {
        "labels": {"alertname": name, "severity": "critical", "component": "worker", "team": "platform"}
        | labels,
        "annotations": {"summary": "Worker worker-1 is down", "description": DESCRIPTION} | LINKS,
        "startsAt": (now - dt.timedelta(seconds=90 if ended else 0)).isoformat(),
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }
    return body | ({"endsAt": now.isoformat()} if ended else {})


def lost(name: str = "WorkerUnhealthy", **labels: str) -> dict[str, Any]:
    """An alert whose last report ran out, as Prometheus would leave it: 0.4 s beside the whole seconds."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    begin, end = (
        now - dt.timedelta(seconds=300),
        now - dt.timedelta(seconds=1) + dt.timedelta(milliseconds=400),
    )
    return alert(name, **labels) | {"startsAt": begin.isoformat(), "endsAt": end.isoformat()}


DRILL = {"drill": "true"}


def with_labels(labels: dict[str, str]) -> dict[str, Any]:
    """An alert with these labels beside its own."""
    body = alert()
    return body | {"labels": body["labels"] | labels}


class Page(HTMLParser):
    """What a mail program sees of the HTML part: tags, links by their text, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: dict[str, str] = {}
        self.styles: list[str] = []
        self.text = ""
        self._href: str | None = None
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = {name: value or "" for name, value in attrs}
        assert not [name for name in values if name.startswith("on")], f"an event handler in <{tag}>"
        self.styles += [values[name] for name in ("style", "bgcolor") if name in values]
        self._href = values.get("href") if tag == "a" else None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._href is not None:
            self.links[data] = self._href
            self._href = None
