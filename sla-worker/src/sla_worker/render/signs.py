"""What a day says of an SLA, as one sign: a colour is never the only one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from sla_worker.conventions import MINIMUM_COVERAGE
from sla_worker.render.format import GREEN, GREY, RED

MET, SO_FAR, MISSED, UNKNOWN, QUIET = "✓", "~", "✗", "?", "·"
SIGNS: Final = (
    f"{MET} target kept, {SO_FAR} kept as far as measured, {MISSED} missed, {UNKNOWN} no data,"
    f" {QUIET} nothing to judge"
)
COLOURS: Final = {MET: GREEN, SO_FAR: GREY, MISSED: RED, UNKNOWN: GREY, QUIET: GREY}
WORDS: Final = {
    MET: "kept",
    SO_FAR: "kept as far as measured",
    MISSED: "missed",
    UNKNOWN: "no data",
    QUIET: "nothing to judge",
}
_WORST_FIRST = (MISSED, UNKNOWN, SO_FAR, MET, QUIET)


class Judged(Protocol):
    """An SLA over a day."""

    @property
    def meets_target(self) -> bool | None: ...
    @property
    def coverage_ratio(self) -> float: ...
    @property
    def period_seconds(self) -> int: ...


def sign(status: Judged | None) -> str:
    """The sign of a day. One that ended before the SLA began lacks no data: there is nothing to judge."""
    if status is None:
        return QUIET
    if status.meets_target is None:
        return UNKNOWN if status.coverage_ratio == 0 and status.period_seconds > 0 else QUIET
    if not status.meets_target:
        return MISSED
    return MET if status.coverage_ratio >= MINIMUM_COVERAGE else SO_FAR


def worst(signs: Iterable[str]) -> str:
    """The sign of an SLA from those of its components."""
    found = set(signs)
    return next((each for each in _WORST_FIRST if each in found), QUIET)


def runs(signs: Sequence[str]) -> list[tuple[str, str]]:
    """The strip as runs of the same sign, each with its colour."""
    found: list[str] = []
    for each in signs:
        if found and found[-1][0] == each:
            found[-1] += each
        else:
            found.append(each)
    return [(each, COLOURS[each[0]]) for each in found]


def counted(signs: Sequence[str]) -> str:
    """The strip in a sentence, for who cannot see it: `90 days: 88 kept, 2 no data`."""
    counts = [f"{signs.count(each)} {words}" for each, words in WORDS.items() if each in signs]
    return f"{len(signs)} days: {', '.join(counts)}"
