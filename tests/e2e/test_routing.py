"""Routing on the running Alertmanager: every row of routes.yml is posted, and read where it must arrive."""

from __future__ import annotations

import datetime as dt
import html
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.live import Mail, Stack
from waiting import poll, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

TABLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "contract" / "routes.yml").read_text(encoding="utf-8")
)
ROWS = [*TABLE["alerts"], *TABLE["other"]]
PATIENCE_SECONDS = 30


def posted(row: dict[str, Any], job: str, *, ended: bool = False) -> dict[str, Any]:
    """An alert with the labels of a row, as Prometheus would send it; or its end."""
    labels = {name: row[name] for name in ("severity", "component") if name in row}
    now = dt.datetime.now(dt.UTC)
    end = now if ended else now + dt.timedelta(minutes=10)
    return {
        "labels": labels | {"alertname": row.get("alert", "AnythingElse"), "job": job},
        "annotations": {"summary": f"Row {job}", "description": "Impact: none, this tests the routes."},
        "startsAt": (now - dt.timedelta(seconds=5)).isoformat(),
        "endsAt": end.isoformat(),
    }


@pytest.fixture(scope="module")
def jobs(stack: Stack) -> Iterator[list[str]]:
    """Every row was posted, each with a job of its own, so that none mutes another; ended afterwards."""
    run = uuid.uuid4().hex[:8]
    names = [f'routing-{run}-{number:03} <b>"&' for number, _ in enumerate(ROWS)]
    stack.post_alerts([posted(row, job) for row, job in zip(ROWS, names, strict=True)])
    yield names
    stack.post_alerts([posted(row, job, ended=True) for row, job in zip(ROWS, names, strict=True)])


def mails_about(stack: Stack, jobs: list[str]) -> dict[str, list[Mail]]:
    """The mails in whose text each job stands."""
    mails = stack.all_mails()
    return {job: [mail for mail in mails if f"job = {job}" in mail.text] for job in jobs}


def test_every_row_is_mailed_to_its_receivers_alone(stack: Stack, jobs: list[str]) -> None:
    expected = {
        job: {TABLE["receivers"][name] for name in row["reaches"]} - {"none"}
        for row, job in zip(ROWS, jobs, strict=True)
    }

    def seen() -> dict[str, set[str]]:
        about = mails_about(stack, jobs)
        return {job: {to for mail in about[job] for to in mail.recipients} for job in jobs}

    wait_for(expected, seen, f"the mails of {len(ROWS)} rows", seconds=PATIENCE_SECONDS)


def test_every_row_reaches_the_webhook_for_its_receivers_alone(stack: Stack, jobs: list[str]) -> None:
    expected = {job: set(row["reaches"]) for row, job in zip(ROWS, jobs, strict=True)}

    def seen() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {job: set() for job in jobs}
        for stored in stack.get(f"{stack.sla_worker}/api/alerts", limit=1000)["alerts"]:
            if (job := stored["labels"].get("job")) in found:
                found[job].add(stored["receiver"])
        return found

    wait_for(expected, seen, f"the webhooks of {len(ROWS)} rows", seconds=PATIENCE_SECONDS)


def test_what_a_label_holds_is_escaped(stack: Stack, jobs: list[str]) -> None:
    poll(
        lambda: all(mails_about(stack, jobs[:1]).values()),
        "the first row's mail",
        seconds=PATIENCE_SECONDS,
    )
    for mail in mails_about(stack, jobs[:1])[jobs[0]]:
        assert "<b>&#34;&amp;" not in mail.html  # the tag of the label would be one
        assert html.escape(jobs[0]).replace("&quot;", "&#34;") in mail.html
