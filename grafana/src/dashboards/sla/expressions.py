"""The PromQL of the SLA dashboard. Figures of the sla-worker are shown only while its last pass is fresh."""

from __future__ import annotations

from .. import names
from ..definitions import Sla
from ..selectors import fresh, zero_while_fresh

MET = 'status=~"excellent|good"'
MISSED = 'status=~"poor|critical"'
MEASURED = 'status=~"excellent|good|poor|critical"'
UNMEASURED = 'status!~"excellent|good|poor|critical"'


def overall_compliance() -> str:
    """Share of the measured SLAs that keep their target over the worker's period; 0 to 1.

    `>= 0` drops what is not a number, so that an SLA without events does not count.
    """
    compliance = f"max by (sla, component) ({fresh(names.COMPLIANCE)} >= 0)"
    objective = f"max by (sla, component) ({fresh(names.OBJECTIVE)})"
    return f"avg({compliance} >= bool {objective})"


def active_breaches() -> str:
    """Breaches that are open now, of every severity."""
    return f"sum{fresh(names.BREACHES)}"


def breach_trend() -> str:
    """Open breaches by severity; the highest of each step, so that a short one is not lost."""
    return f"sum by (severity) (max_over_time({names.BREACHES}[$__rate_interval]))"


def slas_meeting() -> str:
    """SLAs of which a component meets its target and none misses it."""
    missed = f"max by (sla) ({names.STATUS}{{{MISSED}}}) == 1"
    met = f"max by (sla) {fresh(f'{names.STATUS}{{{MET}}}')} == 1"
    return zero_while_fresh(f"count(({met}) unless on (sla) ({missed}))")


def slas_missing() -> str:
    """SLAs of which a component misses its target."""
    return zero_while_fresh(f"count(max by (sla) {fresh(f'{names.STATUS}{{{MISSED}}}')} == 1)")


def slas_unmeasured() -> str:
    """SLAs of which no component could be measured: no data, or no traffic."""
    measured = f"max by (sla) ({names.STATUS}{{{MEASURED}}}) == 1"
    unmeasured = f"max by (sla) {fresh(f'{names.STATUS}{{{UNMEASURED}}}')} == 1"
    return zero_while_fresh(f"count(({unmeasured}) unless on (sla) ({measured}))")


def budget_remaining() -> str:
    """What is left of each error budget: 1 untouched, 0 used up, below 0 overspent."""
    return f"min by (sla) {fresh(names.BUDGET)}"


def table_column(metric: str, matcher: str = "") -> str:
    """One figure for each SLA and component, with those two labels alone so that columns join."""
    return f"max by (sla, component) {fresh(metric + matcher)}"


def table_targets() -> str:
    """A row for each SLA; its label `target` holds the SLA's key, shown as the target by a mapping."""
    rows = f"max by (sla, component) {fresh(names.OBJECTIVE)}"
    return f'label_replace({rows}, "target", "$1", "sla", "(.*)")'


def table_statuses() -> str:
    """The status that each SLA has now, as the label `status`."""
    return f"max by (sla, component, status) ({fresh(names.STATUS)} == 1)"


def actual(sla: Sla) -> str:
    """The SLA's actual value of the newest slot, in its unit; nothing without data or traffic."""
    return f"{worst(sla)} by (component) {measured(sla)}"


def measured(sla: Sla) -> str:
    """What the SLA's newest slot showed."""
    return fresh(f'{names.ACTUAL}{{sla="{sla.key}"}}')


def worst(sla: Sla) -> str:
    """The aggregation that gives the worst of several values."""
    return "min" if sla.higher_is_better else "max"


def coverage() -> str:
    """Share of the expected scrapes that were there in the newest slot."""
    return f"min by (sla) {fresh(names.COVERAGE)}"


def requests_by_status() -> str:
    """Requests a second."""
    return f"sum by (status) (rate({names.REQUESTS}[$__rate_interval]))"


def worker_health() -> str:
    """1 healthy, 0 not; the lowest of each step, so that a short outage is not lost."""
    return f"min by (worker_name) (min_over_time({names.WORKER_HEALTH}[$__rate_interval]))"
