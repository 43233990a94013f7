"""`sla_backtest`: what other targets or policies would have meant, replayed from the ledger."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker import service
from sla_worker.backtest import Backtest, Month, Other, Replayed, backtest
from sla_worker.commands.running import Arguments, epoch, instant, parser, run, whole_number
from sla_worker.conventions import ALERT_WINDOWS
from sla_worker.credits import Credit
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_file
from sla_worker.errors import SLAWorkerError
from sla_worker.render.format import NONE, length, moment, ratio, verdict
from sla_worker.render.tables import text_table
from sla_worker.settings import Settings, read_settings

_DAYS = 30
_MOST = 1000


def main(argv: Arguments = None) -> int:
    """Replay the ledger, and print a table or JSON."""
    options = parser("sla_backtest", "Replay the ledger for other targets or policies. Writes nothing.")
    options.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another target of an SLA, as the file has it or in percent: 0.9995, 99.95%%; repeatable",
    )
    options.add_argument("--file", type=Path, metavar="FILE.yml", help="other definitions, by the same keys")
    options.add_argument("--breach-after", type=whole_number(1, _MOST), metavar="SLOTS", help="of each SLA")
    options.add_argument("--recover-after", type=whole_number(1, _MOST), metavar="SLOTS", help="of each SLA")
    options.add_argument(
        "--sla", action="append", default=[], metavar="KEY", help="only this one; repeatable"
    )
    options.add_argument(
        "--from", dest="begins", type=instant, metavar="TIME", help=f"default: {_DAYS} days ago"
    )
    options.add_argument("--to", dest="ends", type=instant, metavar="TIME", help="default: now")
    options.add_argument("--json", action="store_true", help="print JSON, times in epoch seconds")
    arguments = options.parse_args(argv)
    slots = arguments.breach_after or arguments.recover_after
    if not (arguments.target or arguments.file or slots):
        options.error(
            "nothing is different\ngive --target KEY=VALUE, --file FILE, --breach-after or --recover-after"
        )

    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            others = _others(arguments, settings, database)
            start, end = _period(arguments, settings.timezone, database)
            found = backtest(database, others, start, end, settings.timezone)
        print(json.dumps(_values(found), indent=2) if arguments.json else _text(found, settings.timezone))
        return 0

    return run(command)


def _period(arguments: argparse.Namespace, zone: ZoneInfo, database: SLADatabase) -> tuple[int, int]:
    last, step = database.period_end(time.time()), database.slot_seconds
    end = last if arguments.ends is None else min(epoch(arguments.ends, zone) // step * step, last)
    start = end - _DAYS * 86_400 if arguments.begins is None else epoch(arguments.begins, zone)
    start = max(-(-start // step) * step, database.begun_at() or 0)
    if start >= end:
        raise SLAWorkerError(
            f"nothing was measured from {moment(start, zone)} to {moment(end, zone)}; give another period"
        )
    return start, end


def _others(arguments: argparse.Namespace, settings: Settings, database: SLADatabase) -> dict[str, Other]:
    """What is different, by the keys of the SLAs."""
    stored = {key: each for key, each in database.definitions().items() if each.enabled}
    for key in arguments.sla:
        _require(key, "--sla", stored)
    found: dict[str, Other] = {}
    if arguments.file is not None:
        for each in read_file(arguments.file, settings.grid, of_team=None).definitions:
            if each.enabled and each.key in stored:
                found[each.key] = Other(definition=each)
        if not found:
            raise SLAWorkerError(f"{arguments.file}: has no SLA of the ledger; give one with the same keys")
    for text in arguments.target:
        key, sign, value = text.partition("=")
        if not sign:
            raise SLAWorkerError(f"--target {text}: is not KEY=VALUE; give one like platform-uptime=99.95%")
        _require(key, "--target", stored)
        unit = database.version_at(key, database.period_end(time.time())).unit
        found[key] = replace(found.get(key, Other()), target=_target(text, value, unit))
    if arguments.breach_after or arguments.recover_after:
        for key in arguments.sla or stored:
            found[key] = replace(
                found.get(key, Other()),
                breach_after=arguments.breach_after,
                recover_after=arguments.recover_after,
            )
    return {key: each for key, each in found.items() if not arguments.sla or key in arguments.sla}


def _require(key: str, option: str, known: Mapping[str, object]) -> None:
    if key not in known:
        raise SLAWorkerError(f"{option} {key}: there is no such SLA; give one of {', '.join(known)}")


def _target(text: str, value: str, unit: str) -> float:
    fix = "give one like 99.95% or 0.9995" if unit == "ratio" else f"give a number of {unit}"
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        raise SLAWorkerError(f"--target {text}: {value!r} is not a number; {fix}") from None
    if value.endswith("%"):
        number = round(number / 100, 12) if unit == "ratio" else math.nan
    if not math.isfinite(number) or number < 0 or (unit == "ratio" and number > 1):
        raise SLAWorkerError(f"--target {text}: {value!r} cannot be the target; {fix}")
    return number


# --- words


def _text(found: Backtest, zone: ZoneInfo) -> str:
    lines = [
        f"Backtest of {moment(found.start, zone)} to {moment(found.end, zone)}, as it was → as it would be"
    ]
    rows = [_row(each, found.end) for each in found.replayed]
    if rows:
        head = (
            "SLA",
            "Target",
            "Months missed",
            "Breaches",
            "In breach",
            "Credits",
            "Pages",
            "Warnings",
            "Steady",
            "Early",
        )
        lines += ["", text_table(head, rows, right=frozenset())]
        lines += [
            "",
            "Pages are alerts of SLABudgetBurnFast, Warnings of SLABudgetBurnSlow,"
            " Steady of SLABudgetBurnSteady. Early is the least time from the first of them to the end of a"
            f" month's budget. Alerts are evaluated once a slot ({length(found.slot_seconds)}).",
        ]
    if found.slots_from > found.start:
        lines += [
            f"Breaches and alerts are those since {moment(found.slots_from, zone)}: only sums are older"
            " (SLA_KEEP_SLOTS)."
        ]
    months = [(each, month) for each in found.replayed for month in each.months if _differs(month)]
    if months:
        lines += ["", "Months that would have been other ones", ""]
        lines += [f"{each.title}, {_month_words(month, zone)}" for each, month in months]
    if found.refused:
        lines += ["", "Not replayed", "", *(f"{key}: {reason}" for key, reason in found.refused.items())]
    return "\n".join(lines)


def _row(each: Replayed, end: int) -> tuple[str, ...]:
    alerts = {alerted.name: len(alerted.times) for alerted in each.alerts}
    was = [(breach.started_at, breach.ended_at) for breach in each.was]
    then = [(span.started_at, span.ended_at) for span in each.then]
    early = each.early_seconds
    return (
        each.title,
        _pair(*_targets(each.months)),
        _pair(_missed(month.was for month in each.months), _missed(month.then for month in each.months)),
        _pair(str(len(was)), str(len(then))),
        _pair(*(length(_seconds(spans, end)) for spans in (was, then))),
        _pair(_percent(m.credit_was for m in each.months), _percent(m.credit_then for m in each.months)),
        *(str(alerts[name]) if name in alerts else NONE for name in ALERT_WINDOWS),
        NONE if early is None else f"{'-' if early < 0 else ''}{length(abs(early))}",
    )


def _pair(was: str, then: str) -> str:
    return was if was == then else f"{was} → {then}"


def _targets(months: Iterable[Month]) -> tuple[str, str]:
    last = next(reversed(list(months)), None)
    if last is None:  # slots without any component of its own: no figure is theirs
        return NONE, NONE
    return f"{last.was.target:g}", f"{(last.then or last.was).target:g}"


def _missed(statuses: Iterable[Any]) -> str:
    found = list(statuses)
    unknown = sum(each is None for each in found)
    missed = sum(each is not None and each.meets_target is False for each in found)
    return f"{missed}" + (f" ({unknown} not known)" if unknown else "")


def _percent(owed: Iterable[Credit | None]) -> str:
    """The credits of several months, each in percent of its own fee."""
    found = [each.percent for each in owed if each is not None and each.percent]
    return ", ".join(f"{each.normalize():f} %" for each in found) or NONE


def _seconds(spans: Iterable[tuple[int, int | None]], end: int) -> int:
    return sum((end if until is None else min(until, end)) - begin for begin, until in spans)


def _differs(month: Month) -> bool:
    if month.then is None:
        return True
    return verdict(month.was) != verdict(month.then) or (
        month.credit_then is not None and month.credit_was.percent != month.credit_then.percent
    )


def _month_words(month: Month, zone: ZoneInfo) -> str:
    words = f"{moment(month.start, zone)} to {moment(month.end, zone)}: {ratio(month.was.compliance_ratio)}"
    if month.then is None or month.credit_then is None:
        return f"{words}: not known, its slots are gone"
    then = (
        ""
        if month.then.compliance_ratio == month.was.compliance_ratio
        else ratio(month.then.compliance_ratio)
    )
    said = f"{words} {verdict(month.was)} → {then + ' ' if then else ''}{verdict(month.then)}"
    if month.credit_was.percent == month.credit_then.percent:
        return said
    return f"{said}, credit {_percent([month.credit_was])} → {_percent([month.credit_then])}"


def _values(found: Backtest) -> dict[str, Any]:
    return {
        "start": found.start,
        "end": found.end,
        "slots_from": found.slots_from,
        "resolution_seconds": found.slot_seconds,
        "slas": [_sla(each) for each in found.replayed],
        "refused": dict(found.refused),
    }


def _sla(each: Replayed) -> dict[str, Any]:
    return {
        "sla": each.key,
        "component": each.component,
        "months": [
            {
                "start": month.start,
                "end": month.end,
                "was": _figures(month.was, month.credit_was),
                "then": None if month.then is None else _figures(month.then, month.credit_then),
            }
            for month in each.months
        ],
        "breaches": {
            "was": [[breach.started_at, breach.ended_at] for breach in each.was],
            "then": [[span.started_at, span.ended_at] for span in each.then],
        },
        "alerts": {alerted.name: [list(times) for times in alerted.times] for alerted in each.alerts},
        "budget_spent_at": list(each.spent_at),
        "early_seconds": each.early_seconds,
    }


def _figures(status: Any, credit: Credit | None) -> dict[str, Any]:
    return {
        "target": status.target,
        "objective_ratio": status.held_to_ratio,
        "compliance_ratio": status.compliance_ratio,
        "coverage_ratio": status.coverage_ratio,
        "verdict": verdict(status),
        "credit_percent": None if credit is None or credit.percent is None else str(credit.percent),
    }
