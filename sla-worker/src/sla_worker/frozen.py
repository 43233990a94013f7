"""A report over a frozen month says what was frozen, whatever has changed in the ledger since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sla_worker.database import SLADatabase
from sla_worker.model import Breach, Comparison, FrozenMonth, Report, SLAStatus, Status

Document = Mapping[str, Any]


def frozen_period(database: SLADatabase, start: int, end: int) -> tuple[FrozenMonth, Document] | None:
    """The newest revision of the month that is exactly this period; None where none is frozen."""
    for each in reversed(database.months.newest()):
        if (each.start, each.end) == (start, end):
            return each, json.loads(database.months.document(each))
    return None


def as_frozen(report: Report, document: Document) -> Report:
    """The report with the SLAs and the figures of the document; what that does not hold stays as it is."""
    known = {(each.key, each.component): each for each in report.statuses}
    names = {each["sla"]: each["name"] for each in document["slas"]}
    return replace(
        report,
        statuses=tuple(
            _status(each, known.get((each["sla"], each["component"])), names, report)
            for each in document["slas"]
        ),
        period_breaches=document["overall"]["breaches"],
    )


def _status(frozen: Document, known: SLAStatus | None, names: Mapping[str, str], report: Report) -> SLAStatus:
    seconds = report.end - report.start
    objective, held = frozen["objective_ratio"], frozen["held_to_ratio"]
    return SLAStatus(
        key=frozen["sla"],
        name=frozen["name"],
        component=frozen["component"],
        category=frozen["category"],
        severity=frozen["severity"],
        unit=frozen["unit"],
        comparison=Comparison(frozen["comparison"]),
        target=frozen["target"],
        objective_ratio=objective,
        percentile=frozen["percentile"],
        actual=None if known is None else known.actual,
        status=Status.NO_DATA if known is None else known.status,
        slot=None if known is None else known.slot,
        good=frozen["good"],
        total=frozen["total"],
        compliance_ratio=frozen["compliance_ratio"],
        coverage_ratio=frozen["coverage_ratio"],
        in_breach=known is not None and known.in_breach,
        weakest=frozen["weakest"],
        weakest_name=names.get(frozen["weakest"]),
        weakest_ratio=frozen["weakest_ratio"],
        period_objective_ratio=None if held == objective else held,
        changes=tuple(frozen["changes"]),
        excluded_seconds=frozen["excluded_seconds"],
        measured_seconds=seconds * frozen["coverage_ratio"] if known is None else known.measured_seconds,
        period_seconds=seconds if known is None else known.period_seconds,
    )


def breaches_of(document: Document, known: Sequence[Breach]) -> list[Breach]:
    """The breaches of the document, oldest first; one that lasted beyond the month ends as is known now."""
    now = {each.id: each for each in known}
    slas = {(each["sla"], each["component"]): each for each in document["slas"]}
    return [
        _breach(each, slas.get((each["sla"], each["component"])), now.get(each["id"]))
        for each in document["breaches"]
    ]


def _breach(frozen: Document, sla: Document | None, known: Breach | None) -> Breach:
    sla = sla or {"name": frozen["sla"], "unit": "", "comparison": ">="}  # removed, with all that it had
    return Breach(
        id=frozen["id"],
        name=sla["name"],
        key=frozen["sla"],
        component=frozen["component"],
        description="" if known is None else known.description,
        severity=frozen["severity"],
        unit=sla["unit"],
        comparison=Comparison(sla["comparison"]),
        target=frozen["target"],
        worst=frozen["worst"],
        started_at=frozen["started_at"],
        ended_at=known.ended_at if frozen["lasts_beyond"] and known is not None else frozen["ended_at"],
    )
