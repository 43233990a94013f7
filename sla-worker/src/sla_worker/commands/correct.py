"""`sla_correct`: other figures for slots than were measured, by whom and why, and how that is taken back."""

from __future__ import annotations

import argparse
import math
from contextlib import closing

from sla_worker import service
from sla_worker.commands.asking import correct
from sla_worker.commands.running import Arguments, epoch, instant, parser, run, whole_number
from sla_worker.maintaining import to_correct, to_revoke
from sla_worker.model import Correction, CountsAs, Wrong
from sla_worker.render.format import moment
from sla_worker.render.tables import text_table
from sla_worker.settings import Settings, read_settings

_MOST = 2**31 - 1
_WORDS = tuple(str(each) for each in CountsAs if each is not CountsAs.COUNTS)


def main(argv: Arguments = None) -> int:
    """Add, list and revoke corrections."""
    options = parser("sla_correct", "Figures that were measured wrong: what counts instead, beside them.")
    actions = options.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="correct slots of an SLA; what was measured stays beside it")
    add.add_argument("sla", metavar="SLA", help="the key of an SLA, like api-error-rate")
    add.add_argument(
        "--from",
        dest="begins",
        type=instant,
        required=True,
        metavar="TIME",
        help="when the first slot begins, like 2026-03-01T09:00 (REPORT_TIMEZONE)",
    )
    add.add_argument(
        "--to", dest="ends", type=instant, metavar="TIME", help="when the last slot ends (that first one)"
    )
    add.add_argument("--component", action="append", default=[], help="only this one of it; repeatable")
    add.add_argument(
        "--counts-as", choices=_WORDS, help="all events that were measured are that; or no event counts"
    )
    add.add_argument("--good", type=_events, metavar="EVENTS", help="so many good events in each slot")
    add.add_argument("--total", type=_events, metavar="EVENTS", help="so many events in each slot")
    revoke = actions.add_parser("revoke", help="let what was measured count again; it stays in the list")
    revoke.add_argument("id", type=whole_number(1, _MOST), help="its number in the list")
    for each in (add, revoke):
        each.add_argument("--author", required=True, help="who says so")
        each.add_argument("--reason", required=True, help="why")
    actions.add_parser("list", help="show all, those that were revoked too")
    arguments = options.parse_args(argv)
    if arguments.action == "add":
        counts = (arguments.good is not None) + (arguments.total is not None)
        if counts != (0 if arguments.counts_as else 2):
            add.error("say what counts: --good and --total, or --counts-as\ngive both of these, or that one")

    def command() -> int:
        settings = read_settings()
        if arguments.action == "list":
            return _list(settings)
        if arguments.action == "add":
            return _add(settings, arguments)
        made = correct(settings, to_revoke(arguments.id, arguments.author, arguments.reason))
        print(f"correction {made.id} revoked: what was measured counts again")
        return 0

    return run(command)


def _events(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"invalid number: {text[:40]!r}\ngive a number of events, like 998")
    return number


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    zone = settings.timezone
    start = epoch(arguments.begins, zone)
    end = start + 1 if arguments.ends is None else epoch(arguments.ends, zone)
    made = correct(
        settings,
        to_correct(
            Wrong(
                sla=arguments.sla,
                start=start,
                end=end,
                counts_as=CountsAs(arguments.counts_as or CountsAs.COUNTS),
                author=arguments.author,
                reason=arguments.reason,
                components=tuple(arguments.component),
                good=arguments.good,
                total=arguments.total,
            )
        ),
    )
    with closing(service.open_database(settings, read_only=True)) as database:
        rows, left = database.corrections.rows(made)
    times = f"{moment(made.start, zone)} to {moment(made.end, zone)}"
    each = ", in each slot" if made.counts_as is CountsAs.COUNTS else ""
    print(f"correction {made.id} of {made.of}, {times}: {made.words}{each}")
    if left:
        print(f"{left} of {rows} slots stay as they are: out of service hours, or without a measured event")
    if made.start != start or (arguments.ends is not None and made.end != end):
        print("its borders were moved outward, to those of slots")
    return 0


def _list(settings: Settings) -> int:
    with closing(service.open_database(settings, read_only=True)) as database:
        found = database.corrections.all()
    if not found:
        print("no corrections")
        return 0
    zone = settings.timezone
    rows = [
        (
            str(each.id),
            "in force" if each.revoked_at is None else "revoked",
            f"{moment(each.start, zone)} to {moment(each.end, zone)}",
            each.of,
            each.words,
            f"{each.author}: {each.reason}",
            _revoked(each, settings),
        )
        for each in found
    ]
    heads = ("No.", "State", "Time", "Of", "Says", "Author and reason", "")
    print(text_table(heads, rows, right=frozenset({0})))
    return 0


def _revoked(each: Correction, settings: Settings) -> str:
    if each.revoked_at is None:
        return ""
    return f"revoked {moment(each.revoked_at, settings.timezone)} by {each.revoked_by}: {each.revoke_reason}"
