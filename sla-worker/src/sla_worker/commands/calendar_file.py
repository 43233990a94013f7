"""`sla_maintenance import`: the windows of an iCalendar file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.calendars import Wanted, read_calendar
from sla_worker.commands.running import epoch
from sla_worker.database.importing import Calendar, Imported
from sla_worker.definitions import read_files
from sla_worker.errors import SLAWorkerError
from sla_worker.importing import ADDED, LEFT, NOT_PLANNED, REMOVED, UNCHANGED
from sla_worker.model import Scope
from sla_worker.render.format import moment
from sla_worker.settings import Settings

_MOST_TIMES = 5000  # of an event
_MOST_TOGETHER = 50_000


def read(settings: Settings, arguments: argparse.Namespace, now: float) -> Calendar:
    """What the file that was named asks for. Raises SLAWorkerError."""
    file, content = _content(arguments.file)
    since = 0 if arguments.begins is None else epoch(arguments.begins, settings.timezone)
    wanted = Wanted(
        zone=settings.timezone,
        scope_of=_Covers(settings, arguments).of,
        now=int(now),
        most=_MOST_TIMES,
        since=since,
        reason=arguments.reason,
    )
    events = tuple(read_calendar(content, file, wanted))
    times = sum(len(each.spans) for each in events)
    if times > _MOST_TOGETHER:
        raise SLAWorkerError(
            f"{file}: its events have {times} times, more than {_MOST_TOGETHER};"
            " give --from, or import parts of it"
        )
    return Calendar(
        file=file,
        events=events,
        author=arguments.author,
        reason=arguments.reason or f"import of {Path(file).name}",
        since=since,
        dry=arguments.dry_run,
    )


def _content(named: str) -> tuple[str, bytes]:
    """The name of a file and what is in it; `-` is what is piped in."""
    if named == "-":
        return "(standard input)", sys.stdin.buffer.read()
    try:
        return named, Path(named).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SLAWorkerError(f"{named}: cannot be read ({reason}); give an .ics file") from error


class _Covers:
    """Of which SLAs an event is: what the command says, else what its CATEGORIES name."""

    def __init__(self, settings: Settings, arguments: argparse.Namespace) -> None:
        self._given: Scope | None = None
        if arguments.all or arguments.sla or arguments.category:
            self._given = Scope() if arguments.all else Scope(tuple(arguments.sla), tuple(arguments.category))
        self._components = tuple(arguments.component)
        files = read_files(settings.definitions_path, settings.grid, thorough=False)
        definitions = files.apart().definitions
        self._keys = {each.key.casefold(): each.key for each in definitions}
        self._categories = {each.category.casefold(): each.category for each in definitions}

    def of(self, words: Sequence[str]) -> Scope:
        """Of what an event with these CATEGORIES is. Raises ValueError."""
        return replace(self._given or self._named(words), components=self._components)

    def _named(self, words: Sequence[str]) -> Scope:
        if not words:
            raise ValueError(
                "the event has no CATEGORIES that say of what it is; give --sla, --category or --all"
            )
        slas, categories = [], []
        for each in words:
            if each.casefold() in self._keys:
                slas.append(self._keys[each.casefold()])
            elif each.casefold() in self._categories:
                categories.append(self._categories[each.casefold()])
            else:
                raise ValueError(
                    f"CATEGORIES {each[:60]!r}: names neither an SLA nor a category of SLAs;"
                    f" correct it ({', '.join(self._categories.values())} or the key of an SLA),"
                    " or give --sla, --category or --all"
                )
        return Scope(tuple(slas), tuple(categories))


def lines(calendar: Calendar, imported: Sequence[Imported], zone: ZoneInfo) -> list[str]:
    """What became of the events, one line each; those that changed nothing only as a number."""
    quiet = [each for each in imported if each.what in {UNCHANGED, NOT_PLANNED}]
    said = [_line(each, zone) for each in imported if each not in quiet]
    counts = [
        f"{len(some)} {words}"
        for words, some in (
            ("unchanged", [each for each in quiet if each.what == UNCHANGED]),
            ("with no time to exclude", [each for each in quiet if each.what == NOT_PLANNED]),
        )
        if some
    ]
    changed = len([each for each in imported if each.what not in {UNCHANGED, NOT_PLANNED, LEFT, REMOVED}])
    verb = "would change" if calendar.dry else "changed"
    events = len(calendar.events)
    total = f"{calendar.file}: {events} event{'s' * (events != 1)}, of which {changed} {verb} something"
    return [*said, "; ".join([total, *counts])]


def _line(each: Imported, zone: ZoneInfo) -> str:
    number = "" if each.number is None else f"maintenance {each.number} of "
    words = f"{each.what}: {number}{each.of}: {each.reason} (UID {each.uid})"
    if each.start is not None and each.end is not None and each.what not in {LEFT, REMOVED}:
        words += f", {moment(each.start, zone)} to {moment(each.end, zone)}"
        words += f", one of {each.times} times" if each.times > 1 else ""
    if each.what == REMOVED:
        return f"{words}; if it is not planned any more: sla maintenance revoke {each.number}"
    if each.what == LEFT:
        return f"{words}; it was ended or revoked by hand, and the event has not changed"
    old = [
        *(f"maintenance {number} revoked" for number in each.revoked),
        *(f"maintenance {number} ended" for number in each.ended),
    ]
    words = "; ".join([words, *old])
    if each.until is not None:
        words += f"; its rule goes on: planned up to {moment(each.until, zone)}, import it again before"
    if each.past:
        words += "; time that is over counts otherwise now" if each.what != ADDED else "; added afterwards"
    return words
