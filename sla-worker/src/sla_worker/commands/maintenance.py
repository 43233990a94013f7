"""`sla_maintenance`: excludes time from the SLAs, before or after the fact, and takes that back."""

from __future__ import annotations

import argparse
import time
from contextlib import closing
from dataclasses import replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sla_worker import service
from sla_worker.commands.asking import maintain
from sla_worker.commands.running import Arguments, epoch, instant, parser, run, whole_number
from sla_worker.errors import SLAWorkerError
from sla_worker.maintaining import Done, to_add, to_end, to_import, to_revoke
from sla_worker.model import Exclusion, Planned, Scope
from sla_worker.occurrences import occurrences
from sla_worker.render.format import moment
from sla_worker.render.tables import text_table
from sla_worker.settings import Settings, read_settings

_MOST = 2**31 - 1


def main(argv: Arguments = None) -> int:
    """Add, list, end and revoke maintenance windows."""
    options = parser("sla_maintenance", "Time that does not count: maintenance, planned or after the fact.")
    actions = options.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="exclude a time of SLAs; its borders move outward to those of slots")
    for name, word in (("--from", "begins"), ("--to", "ends")):
        add.add_argument(
            name,
            dest=word,
            type=instant,
            required=True,
            metavar="TIME",
            help=f"when it {word}, like 2026-03-01T09:00 (REPORT_TIMEZONE)",
        )
    _take_scope(add)
    add.add_argument("--rrule", help="again and again, like FREQ=WEEKLY;BYDAY=SU;COUNT=10")
    add.add_argument(
        "--timezone",
        type=_zone,
        metavar="ZONE",
        help="whose wall clock --from, --to and --rrule keep (REPORT_TIMEZONE)",
    )
    bring = actions.add_parser(
        "import", help="exclude what the events of an iCalendar file say; a second import changes nothing"
    )
    bring.add_argument("file", metavar="FILE.ics", help="the file; - is standard input")
    _take_scope(bring)
    bring.add_argument(
        "--from", dest="begins", type=instant, metavar="TIME", help="leave alone what is over by then"
    )
    bring.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    bring.add_argument("--reason", help="why, in place of the SUMMARY of each event")
    end = actions.add_parser("end", help="end one that is active, now")
    revoke = actions.add_parser("revoke", help="let the time of one count again; it stays in the list")
    for each in (end, revoke):
        each.add_argument("id", type=whole_number(1, _MOST), help="its number in the list")
    for each in (add, bring, end, revoke):
        each.add_argument("--author", required=True, help="who says so")
    for each in (add, revoke):
        each.add_argument("--reason", required=True, help="why")
    actions.add_parser("list", help="show all, those that were revoked too")
    arguments = options.parse_args(argv)
    if arguments.action == "add" and not (arguments.all or arguments.sla or arguments.category):
        add.error("say of what: --sla, --category or --all is missing\ngive one of them")

    return run(lambda: _do(arguments))


def _do(arguments: argparse.Namespace) -> int:
    settings = read_settings()
    if arguments.action == "list":
        return _list(settings)
    if arguments.action == "add":
        return _add(settings, arguments)
    if arguments.action == "import":
        return _import(settings, arguments)
    if arguments.action == "end":
        done = maintain(settings, to_end(arguments.id, arguments.author))
        _tell(f"maintenance {done.made.id} ended", done)
    else:
        done = maintain(settings, to_revoke(arguments.id, arguments.author, arguments.reason))
        _tell(f"maintenance {done.made.id} revoked: its time counts again", done)
    return 0


def _take_scope(options: argparse.ArgumentParser) -> None:
    options.add_argument("--sla", action="append", default=[], metavar="KEY", help="of this SLA; repeatable")
    options.add_argument("--category", action="append", default=[], help="of all SLAs of it; repeatable")
    options.add_argument("--all", action="store_true", help="of all SLAs")
    options.add_argument("--component", action="append", default=[], help="only this one of them; repeatable")


def _import(settings: Settings, arguments: argparse.Namespace) -> int:
    from sla_worker.commands import calendar_file  # noqa: PLC0415 - only who imports one

    calendar = calendar_file.read(settings, arguments, time.time())
    done = maintain(settings, to_import(calendar))
    for line in (*calendar_file.lines(calendar, done.imported, settings.timezone), *done.remarks):
        print(line)
    return 0


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(
            f"invalid timezone: {text[:40]!r}\ngive one like Europe/Berlin"
        ) from None


def _add(settings: Settings, arguments: argparse.Namespace) -> int:
    zone = arguments.timezone or settings.timezone
    start, end = (epoch(each, zone) for each in (arguments.begins, arguments.ends))
    if start >= end:
        raise SLAWorkerError(
            f"--from {moment(start, zone)} --to {moment(end, zone)}: ends before it begins;"
            " give the earlier time first"
        )
    scope = Scope() if arguments.all else Scope(tuple(arguments.sla), tuple(arguments.category))
    scope = Scope(scope.slas, scope.categories, tuple(arguments.component))
    planned = Planned(scope, start, end, arguments.author, arguments.reason)
    times = None
    if arguments.rrule:
        times = occurrences(arguments.rrule, start, end, zone)
        if not times:
            raise SLAWorkerError(f"--rrule {arguments.rrule}: never happens; give another rule")
        planned = replace(planned, rule=arguments.rrule, zone=zone.key)
    done = maintain(settings, to_add(planned, times))
    made = done.made
    _tell(f"maintenance {made.id} of {made.planned.scope.words}: {_times(made, zone)}", done)
    if times is not None:
        last = moment(times[-1][0], zone)
        print(f"{len(times)} times, by the wall clock of {zone.key}; the last one begins {last}")
        return 0
    if (made.begins, made.ends) != (start, end):
        print(
            f"its borders were moved outward, to those of slots: you gave {moment(start, zone)}"
            f" to {moment(end, zone)}"
        )
    return 0


def _tell(line: str, done: Done) -> None:
    print(line)
    for each in done.remarks:
        print(each)


def _times(exclusion: Exclusion, zone: ZoneInfo) -> str:
    times = f"{moment(exclusion.begins, zone)} to {moment(exclusion.ends, zone)}"
    if exclusion.planned.rule:
        rule = f"{exclusion.planned.rule} ({exclusion.planned.zone})"
        return f"{rule} from {times}"
    if len(exclusion.spans) > 1:
        return f"{len(exclusion.spans)} times from {times}"
    return times


def _list(settings: Settings) -> int:
    with closing(service.open_database(settings, read_only=True)) as database:
        found = database.maintenance.all()
    if not found:
        print("no maintenance")
        return 0
    now, zone = time.time(), settings.timezone
    rows = [
        (
            str(each.id),
            each.state(now),
            _times(each, zone),
            each.planned.scope.words,
            f"{each.planned.author}: {each.planned.reason}",
            _afterwards(each, zone),
        )
        for each in found
    ]
    print(text_table(("No.", "State", "Time", "Of", "Author and reason", ""), rows, right=frozenset({0})))
    return 0


def _afterwards(exclusion: Exclusion, zone: ZoneInfo) -> str:
    said = []
    if exclusion.created_at > exclusion.planned.start:
        said.append(f"added afterwards, {moment(exclusion.created_at, zone)}")
    if exclusion.ended_at is not None:
        said.append(f"ended by {exclusion.ended_by}")
    if exclusion.revoked_at is not None:
        said.append(
            f"revoked {moment(exclusion.revoked_at, zone)} by {exclusion.revoked_by}:"
            f" {exclusion.revoke_reason}"
        )
    return "; ".join(said)
