"""PromQL that several dashboards share: what is fresh, and zero apart from missing."""

from __future__ import annotations

from sla_worker.conventions import STALE_SLOTS

from . import names


def fresh(selector: str) -> str:
    """The selected series, or none when the sla-worker's last pass is too old to describe the present.

    A worker whose passes fail still exports the figures of the last good one; they must not look current.
    """
    return f"({selector} and on () (time() - {names.LAST_MEASURED} < {STALE_SLOTS} * {names.SLOT_SECONDS}))"


def zero_while_fresh(expr: str) -> str:
    """The expression, 0 when it has no series although statuses are there, nothing when they are not."""
    return zero_while(fresh(names.STATUS), expr)


def zero_while(there: str, expr: str) -> str:
    """The expression, 0 when it has no series although `there` has some, nothing when that has none either.

    For what exists only after it happened: an error's counter, a count of what is down.
    """
    return f"({expr}) or (0 * count({there}))"


def ratio(part: str, whole: str) -> str:
    """Two sums divided; nothing without traffic, as 0 / 0 is neither good nor bad."""
    return f"({part}) / ({whole} > 0)"


def measurement_age() -> str:
    """Slots since the sla-worker's last complete pass; no value before the first one."""
    return f"(time() - ({names.LAST_MEASURED} > 0)) / {names.SLOT_SECONDS}"
