"""A ledger of March 2026 in Berlin, in which an hour is missing: 743 slots of an hour."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import (
    Comparison,
    CountsAs,
    CreditTerms,
    Definition,
    Figures,
    Measurement,
    Member,
    Planned,
    Policy,
    Reason,
    Scope,
    Tier,
    Wrong,
)
from sla_worker.months import Months
from sla_worker.sli.composite import CompositeSli
from unit.sla_worker.fake_prometheus import THREE

BERLIN = ZoneInfo("Europe/Berlin")
STEP = 3600
UPTIME, LATENCY, ERRORS = read_definitions(THREE)
SCORE = replace(
    UPTIME,
    key="score",
    name="Score",
    category="composite",
    comparison=Comparison.AT_LEAST,
    target=0.95,
    unit="ratio",
    sli=CompositeSli((Member(60, sla=ERRORS.key), Member(40, sla=UPTIME.key))),
)
DEFINITIONS = (UPTIME, LATENCY, ERRORS, SCORE)
TIERS = (Tier(Decimal("99.95"), Decimal("10")), Tier(Decimal("99.9"), Decimal("25")))
CAPPED = CreditTerms(yearly_cap=Decimal(60), least_amount=Decimal(10), claim_days=30)


def with_credits(terms: CreditTerms = CAPPED) -> list[Definition]:
    """Errors have tiers, and latency, which had no traffic."""
    policy = replace(Policy(), credits=TIERS, credit_terms=terms)
    return [
        replace(each, policy=policy) if each.key in {ERRORS.key, LATENCY.key} else each
        for each in DEFINITIONS
    ]


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


START, END = at("2026-03-01"), at("2026-04-01")
SLOTS = range(START + STEP, END + 1, STEP)
BAD = at("2026-03-10T12:00")  # the slot in which 40 of 100 requests fail


class March:
    """A database whose clock and unread slots a test sets; SLAs are defined in February."""

    def __init__(
        self,
        location: str | Path,
        *,
        zone: ZoneInfo = BERLIN,
        definitions: Sequence[Definition] = DEFINITIONS,
    ) -> None:
        self.now = at("2026-02-28")
        self.location = location
        self.unread: dict[str, set[int]] = {}
        self.provisional: dict[str, set[int]] = {}
        self.busy = False
        self.open(zone)
        self.define(definitions)

    def open(self, zone: ZoneInfo = BERLIN) -> None:
        self.database = SLADatabase(self.location, grid=Grid(STEP, 15), zone=zone, clock=lambda: self.now)
        self.months = Months(
            self.database,
            zone,
            unread=lambda: self.unread,
            provisional=lambda _slot: self.provisional,
            busy=lambda: self.busy,
        )

    def define(self, definitions: Sequence[Definition]) -> None:
        self.database.sync_definitions(definitions)

    def fill(self, slots: Iterable[int] = SLOTS) -> None:
        """Errors of crm and web: 100 requests a slot each; uptime of 120 scrapes; latency without traffic."""
        rows = [each for slot in slots for each in self.rows(slot)]
        self.now = max(self.now, max(row.slot for row in rows) + 60)
        self.database.store(rows)

    def rows(self, slot: int, bad: float = 40) -> list[Measurement]:
        failed = bad if slot == BAD else 0
        return [
            evaluate(ERRORS, slot, Figures(100 - failed, 100, 1), component="crm"),
            evaluate(ERRORS, slot, Figures(100, 100, 1), component="web"),
            evaluate(UPTIME, slot, Figures(120, 120, 1)),
            evaluate(LATENCY, slot, Figures(0, 0, 1)),
            evaluate(SCORE, slot, Figures(1, 1, 1, actual=1.0)),
        ]

    def turn(self, now: int | None = None) -> None:
        self.now = now or self.now
        self.months.turn(self.now)

    def again(self, slot: int, bad: float) -> None:
        self.database.store(self.rows(slot, bad), reason=Reason.RECOMPUTE)
        self.months.changed()

    def exclude(self, start: int, end: int, *slas: str) -> int:
        planned = Planned(Scope(slas), start, end, "ann", "disks")
        found = self.database.maintenance.add(planned, self.now).id
        self.months.changed()
        return found

    def correct(self, start: int, end: int, counts_as: CountsAs, *components: str) -> int:
        wrong = Wrong(ERRORS.key, start, end, counts_as, "eve", "the probe lied", components)
        found = self.database.corrections.add(wrong, self.now).id
        self.months.changed()
        return found

    def revoke(self, number: int) -> None:
        self.database.maintenance.revoke(number, "bob", "the wrong day", self.now)
        self.months.changed()

    def revisions(self) -> list[tuple[str, int, str]]:
        return [(each.month, each.revision, each.reason) for each in self.database.months.all()]

    def printed(self, revision: int | None = None, month: str = "2026-03") -> tuple[str, str]:
        found = self.database.months.get(month, revision)
        assert found is not None
        return self.database.months.document(found), self.database.months.content(found)

    def document(self, revision: int | None = None) -> Any:
        return json.loads(self.printed(revision)[0])

    def sla(self, key: str, component: str = "all", revision: int | None = None) -> Any:
        found = self.document(revision)["slas"]
        [one] = [each for each in found if (each["sla"], each["component"]) == (key, component)]
        return one

    def close(self) -> None:
        self.database.close()
