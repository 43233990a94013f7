"""A worker that something fails, and one that nothing fails: their ledgers must be equal in the end."""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from logged import lines
from sla_worker.delivery.smtp import Refusal
from sla_worker.errors import DatabaseError
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Setting

Contents = dict[str, list[tuple[Any, ...]]]


class Sender:
    """A mail server that takes everything, and keeps what it is about."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def send(self, made: EmailMessage, recipients: Sequence[str]) -> Mapping[str, Refusal]:
        self.sent += [(str(made["Message-ID"]), each) for each in recipients]
        return {}


def worker(directory: Path, **environ: str) -> Setting:
    """A worker in whose world 900 of 1,000 requests of each slot are good, too few for its three SLAs."""
    setting = Setting(directory, sender=Sender(), **environ)
    setting.prometheus.values[GOOD] = 900.0
    return setting


def turn(setting: Setting, at: float) -> None:
    """A turn so long after the first pass."""
    setting.now = SLOT + 45 + at
    with contextlib.suppress(DatabaseError):  # of the mails: their thread says it once and goes on
        setting.step()


def health(setting: Setting) -> str | None:
    """Why it is unhealthy; None when it is not. The metric says the same."""
    status, body = setting.ask("/healthz")
    reason: str | None = json.loads(body).get("reason")
    up = "1.0" if reason is None else "0.0"
    assert f"\nsla_worker_database_up {up}\n" in setting.ask("/metrics")[1]
    assert status == ("200 OK" if reason is None else "503 Service Unavailable")
    return reason


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return lines(caplog, "sla_worker", logging.ERROR)


def contents(setting: Setting, query: Callable[[str], list[tuple[Any, ...]]]) -> Contents:
    """What counts in the ledger of a worker and of its mails: all but when and how late it was stored."""
    return {
        "slots": query(
            "SELECT sla_id, component_id, slot, good_events, total_events, coverage, state"
            " FROM sla_measurements ORDER BY slot, sla_id, component_id"
        ),
        "breaches": query(
            "SELECT sla_id, started_at, ended_at, worst_value FROM sla_breaches ORDER BY sla_id, started_at"
        ),
        "mails": sorted(setting.sender.sent),
    }


def contents_of(setting: Setting) -> Contents:
    """The contents of a ledger in a file, once its worker has ended; the file is whole."""
    setting.close()
    with contextlib.closing(sqlite3.connect(setting.environ["SLA_DATABASE_PATH"])) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return contents(setting, lambda sql: ledger.execute(sql).fetchall())


def undisturbed_in(directory: Path) -> Contents:
    """The ledger of a worker whom nothing fails, with the slots 0 to 5."""
    setting = worker(directory)
    for slot in range(6):
        turn(setting, slot * 300)
    found = contents_of(setting)
    # 3 SLAs; each of them is in breach from the beginning of slot 0 on. Each is mailed, being critical or
    # high, to two recipients.
    assert len(found["slots"]) == 18
    assert [(start, end) for _, start, end, _ in found["breaches"]] == [(SLOT - 300, None)] * 3
    assert len(found["mails"]) == 6
    return found
