"""What of hundreds of SLAs a mail has room for: mail programs cut HTML that is longer than 102 kB.

Lists of up to 60 stand in a mail as they are, and of longer ones the first 40. Where that is too long for
HTML, since names are, fewer do. CSV, JSON and the status page have all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sla_worker.model import SEVERITIES, Breach, Line, LongReport, SLAStatus
from sla_worker.render.format import verdict

MOST_BYTES: Final = 98_000
"""Of the HTML; the row with the sender's name comes to it."""

WHERE: Final = "All are in the CSV and the JSON, and on the status page."
_VERDICTS = ("fail", "no data", "pass so far", "pass")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """For lists of up to `most` as they are, and for the first `few` of longer ones; None: for all."""

    most: int | None = None
    few: int = 0

    def of(self, found: Sequence[T]) -> Sequence[T]:
        """What there is room for."""
        return found if self.most is None or len(found) <= self.most else found[: self.few]

    def rest(self, found: Sequence[object]) -> int:
        """How many there is no room for."""
        return len(found) - len(self.of(found))

    def lines(self, found: Sequence[str]) -> list[str]:
        """Sentences, the last of which says how many there is no room for."""
        rest = self.rest(found)
        return [*self.of(found), *([f"… and {rest:,} more."] if rest else [])]

    def breaches(self, found: Sequence[Breach]) -> Sequence[Breach]:
        """Those that there is room for: where not for all, the most severe first."""
        if not self.rest(found):
            return found
        return self.of(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))

    def worst(self, report: LongReport) -> frozenset[tuple[str, str]]:
        """The SLAs and components that there is room for: those that are to be looked at first."""
        return frozenset((each.status.key, each.status.component) for each in self.of(report.worst_first))


WHOLE: Final = Room()
_ROOMS = (Room(60, 40), *(Room(few, few) for few in (40, 25, 15, 8, 4)))


def fitted(made: Callable[[Room], str]) -> tuple[str, Room]:
    """The HTML of a mail with as much room as it may take, and how much that is."""
    for room in _ROOMS:
        html = made(room)
        if len(html.encode("utf-8", "replace")) <= MOST_BYTES:
            break
    return html, room


@dataclass(frozen=True, slots=True)
class Group:
    """The SLAs of a category that there is room for, and a sentence about the others, if there are any."""

    category: str
    lines: Sequence[Line]
    more: str


def groups(report: LongReport, room: Room) -> list[Group]:
    """The categories of a report, as far as there is room."""
    shown = room.worst(report)
    found = []
    for category, lines in report.by_category:
        some = [each for each in lines if (each.status.key, each.status.component) in shown]
        rest = [each.status for each in lines if (each.status.key, each.status.component) not in shown]
        found.append(Group(category, some, more(rest, beside=bool(some))))
    return found


def more(rest: Sequence[SLAStatus], *, beside: bool = True) -> str:
    """What became of those that are not shown: `560 more: 2 no data, 558 pass.`; empty without any."""
    if not rest:
        return ""
    what = "more" if beside else "SLA or component" if len(rest) == 1 else "SLAs and components"
    return f"{len(rest):,} {what}: {_counts(map(verdict, rest))}."


def _counts(verdicts: Iterable[str]) -> str:
    counts = Counter(verdicts)
    order = [each for each in _VERDICTS if each in counts]
    others = sorted(set(counts) - set(_VERDICTS))
    return ", ".join(f"{counts[each]:,} {each}" for each in [*order, *others])
