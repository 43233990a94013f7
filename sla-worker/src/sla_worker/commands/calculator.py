"""`sla_calculator`: calculates the SLAs, or shows what was calculated."""

from __future__ import annotations

import datetime as dt
import os
import time
from contextlib import closing

from sla_worker import service, serving
from sla_worker.again import Wish
from sla_worker.commands.asking import measure_again
from sla_worker.commands.running import Arguments, epoch, instant, parser, run, whole_number
from sla_worker.compliance import compliance
from sla_worker.errors import SLAWorkerError
from sla_worker.render.format import moment, ratio
from sla_worker.render.tables import text_report, text_table
from sla_worker.reports import period_report
from sla_worker.settings import Settings, read_settings

_LONGEST_HOURS = 1_000_000
_HOURS = 24


def main(argv: Arguments = None) -> int:
    """Calculate once, continuously or again, or print the report."""
    options = parser("sla_calculator", "Calculate the SLAs once, continuously, or show what was calculated.")
    mode = options.add_mutually_exclusive_group()
    mode.add_argument("--continuous", action="store_true", help="calculate every interval, until stopped")
    mode.add_argument("--report", action="store_true", help="print the report and calculate nothing")
    mode.add_argument(
        "--recompute",
        nargs=2,
        type=instant,
        metavar=("FROM", "TO"),
        help="read the slots between two times again, like 2026-03-01 or 2026-03-01T09:00 (REPORT_TIMEZONE)",
    )
    options.add_argument(
        "--sla", action="append", default=[], metavar="KEY", help="only this SLA of --recompute; repeatable"
    )
    options.add_argument(
        "--interval", type=whole_number(1, 3600), metavar="SECONDS", help="length of a slot (default: 300)"
    )
    options.add_argument(
        "--hours",
        type=whole_number(1, _LONGEST_HOURS),
        help="period of --report (default: 24)",
    )
    options.add_argument(
        "--window",
        metavar="PERIOD",
        help="period of --report, with error budgets: 30d, month, quarter, 12m, 2026-03 (REPORT_TIMEZONE)",
    )
    options.add_argument(
        "--without-exclusions", action="store_true", help="--report as it was measured, maintenance included"
    )
    arguments = options.parse_args(argv)
    if arguments.without_exclusions and not arguments.report:
        options.error("--without-exclusions without --report\ngive --report as well")
    if arguments.window and (not arguments.report or arguments.hours):
        options.error("--window goes with --report, instead of --hours\ngive --report --window month, say")
    if arguments.sla and not arguments.recompute:
        options.error("--sla without --recompute\ngive --recompute FROM TO as well")

    def command() -> int:
        settings = read_settings(_with_interval(arguments.interval))
        if arguments.recompute:
            start, end = arguments.recompute
            return _recompute(settings, start, end, arguments.sla)
        if arguments.continuous:
            serving.calculate_continuously(settings)
            return 0
        if arguments.report:
            exclusions = not arguments.without_exclusions
            if arguments.window:
                return _print_window(settings, arguments.window, exclusions=exclusions)
            return _print_report(settings, arguments.hours or _HOURS, exclusions=exclusions)
        return _calculate(settings)

    return run(command)


def _with_interval(seconds: int | None) -> dict[str, str]:
    """The environment with --interval put in, so that it is checked like the variable."""
    return dict(os.environ) | ({} if seconds is None else {"SLA_INTERVAL_SECONDS": str(seconds)})


def _recompute(settings: Settings, start: dt.datetime, end: dt.datetime, keys: list[str]) -> int:
    begin, until = (epoch(each, settings.timezone) for each in (start, end))
    if begin >= until:
        raise SLAWorkerError(f"--recompute {start} {end}: ends before it begins; give the earlier time first")
    rows, by = measure_again(settings, Wish(begin, until, tuple(keys)))
    span = f"{moment(begin, settings.timezone)} to {moment(until, settings.timezone)}"
    print(f"{span}: {rows} rows added or changed{by}; the former ones are in sla_measurement_audit")
    return 0


def _calculate(settings: Settings) -> int:
    result = service.calculate_once(settings)
    rows = [
        (
            each.key,
            moment(each.slot, settings.timezone),
            f"{each.good:g}",
            f"{each.total:g}",
            ratio(each.coverage),
            each.state.word,
            each.status.word,
            "late" if each.late else "",
        )
        for each in result.measurements
    ]
    if rows:
        header = ("SLA", "Slot ends", "Good", "Total", "Coverage", "State", "Status", "")
        print(text_table(header, rows, right=frozenset({2, 3, 4})))
    print(f"{result.stored} measurements stored, {result.late} of them late")
    return 0


def _print_window(settings: Settings, window: str, *, exclusions: bool) -> int:
    title = f"SLA report, {window}" + ("" if exclusions else ", without exclusions")
    with closing(service.open_database(settings, read_only=True)) as database:
        found = compliance(
            database, window, settings.timezone, time.time(), title=title, exclusions=exclusions
        )
    print(text_report(found.report, settings.timezone, found.budgets), end="")
    return 0


def _print_report(settings: Settings, hours: int, *, exclusions: bool) -> int:
    title = f"SLA report, {hours} hours" + ("" if exclusions else ", without exclusions")
    with closing(service.open_database(settings, read_only=True)) as database:
        report = period_report(
            database, title=title, hours=hours, now=int(time.time()), exclusions=exclusions
        )
    print(text_report(report, settings.timezone), end="")
    return 0
