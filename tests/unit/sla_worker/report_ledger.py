"""A ledger whose reports are known: three SLAs from September 2026 to 23 November, hour by hour, in Berlin.

Every hour has 1,000 events (the uptime 240 scrapes), all good but:

    10 October, 12:00-13:00    149 errors
    20 October, 03:00-04:00    no scrape succeeds
    18 November                the latency is not measured
    21 November, 10:00-11:00   336 errors
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Figures, Measurement
from unit.sla_worker.fake_prometheus import THREE

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600
UPTIME, LATENCY, ERRORS = "platform-uptime", "api-response-time-p95", "api-error-rate"
HOSTILE = "<b>{{ 7*7 }}</b>\r\nBcc: x@example.com =1+1 \u202eabc\u202c 🦊 " + "long" * 30


def epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


NOW = epoch("2026-11-26T13:00")


def figures(key: str, slot: int) -> Figures:
    """What one hour counted."""
    bad = {
        (ERRORS, epoch("2026-10-10T13:00")): 149,
        (ERRORS, epoch("2026-11-21T11:00")): 336,
        (UPTIME, epoch("2026-10-20T04:00")): 240,
    }.get((key, slot), 0)
    if key == LATENCY and epoch("2026-11-18T00:00") < slot <= epoch("2026-11-19T00:00"):
        return Figures(None, None, 0)
    total = 240 if key == UPTIME else 1000
    return Figures(total - bad, total, 1)


def ledger(
    path: Path, *, names: dict[str, str] | None = None, begin: str = "2026-09-01T00:00"
) -> SLADatabase:
    """The ledger, open for writing; `names` are other names for some SLAs."""
    first, last = epoch(begin), epoch("2026-11-23T12:00")
    database = SLADatabase(path, grid=Grid(HOUR, 15), zone=BERLIN, clock=lambda: NOW)
    definitions = [
        replace(each, name=(names or {}).get(each.key, each.name)) for each in read_definitions(THREE)
    ]
    database.sync_definitions(definitions, begin=first)
    rows: list[Measurement] = [
        evaluate(each, slot, figures(each.key, slot))
        for slot in range(first + HOUR, last + 1, HOUR)
        for each in definitions
    ]
    database.store(rows)
    return database
