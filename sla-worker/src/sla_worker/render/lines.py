"""What is said of a line of a report beside its figures: how it changed, and what is left of its budget."""

from __future__ import annotations

from sla_worker.conventions import BUDGET_LOW
from sla_worker.model import Line, SoFar
from sla_worker.render.format import AMBER, MINUS, NONE, RED, budget_left, verdict, whole

NOTHING_BEFORE = "none before"  # nothing was measured in the period before: it has no figures to compare with
_LEAST_CHANGE = 0.00005  # what two digits of a percentage can show


def points(change: float | None) -> str:
    """A change of a ratio in percentage points, with its sign: `+0.12 points`."""
    if change is None:
        return NONE
    if change == 0:
        return "no change"
    if abs(change) < _LEAST_CHANGE:
        return f"less than {'+' if change > 0 else MINUS}0.01 points"
    return f"{change * 100:+.2f} points".replace("-", MINUS)


def change(line: Line) -> str:
    """The change of compliance from the period before, or a dash and why it is not known."""
    why = no_change_because(line)
    return points(line.change) if why is None else f"{NONE} ({why})"


def no_change_because(line: Line) -> str | None:
    """Why the change from the period before is not known, in a word or two; None: it is known."""
    if line.change is not None:
        return None
    before = line.before
    if line.status.compliance_ratio is None:
        return verdict(line.status)
    if line.new_version:
        return "new version"
    if before is None or not before.period_seconds:
        return "not there before"
    return f"{verdict(before)} before"


def budget_parts(of: Line | SoFar) -> tuple[str, str]:
    """What is left of an error budget: the share, and how many bad events or minutes it stands for.

    Nothing stands for the share of a composite, which has no events of its own; beside a dash stands why.
    """
    left = of.status.budget_left_ratio
    if left is None:
        return NONE, verdict(of.status)
    share = budget_left(left).replace("-", MINUS)
    if of.kind == "composite":
        return share, ""
    if of.allowed <= 0:
        return "none", f"no bad event is allowed, there were {whole(of.bad)}"
    remaining = of.allowed - of.bad
    if of.is_time:
        each = of.minutes_an_event
        return share, f"{whole(remaining * each)} of {whole(of.allowed * each)} min"
    return share, f"{whole(remaining)} of {whole(of.allowed)} bad events"


def budget(of: Line | SoFar) -> str:
    """The same in one: `-100.00 % (-168 of 168 bad events)`, with minus signs."""
    share, words = budget_parts(of)
    if share == NONE or not words:
        return share
    return f"{share}: {words}" if share == "none" else f"{share} ({words})"


def budget_colour(of: Line | SoFar) -> str | None:
    """Red when more was used than is allowed, amber when little is left; None: like any text."""
    left = of.status.budget_left_ratio
    if left is None or left >= BUDGET_LOW:
        return None
    return RED if left < 0 else AMBER
