"""The PromQL of the SLA dashboard. Figures of the sla-worker are shown only while its last pass is fresh."""

from __future__ import annotations

from sla_worker.conventions import DAY, MINIMUM_COVERAGE, MONTH, THIRTY_DAYS

from .. import names
from ..definitions import Sla
from ..selectors import fresh, zero_while_fresh

WINDOW = 'window="$window"'
SHOWN = 10
"""So many SLAs, the worst, have a bar in a panel of bars."""

STATUS_RANKS = {
    "critical": 9,
    "poor": 8,
    "no_data": 7,
    "partial": 6,
    "good": 5,
    "excellent": 4,
    "low_traffic": 3,
    "no_traffic": 2,
    "out_of_hours": 1,
    "excluded": 0,
}
"""An SLA with several components has the status of the worst, which is the highest number."""

SECONDS_OF_30_DAYS = 30 * 86_400
FOUR_WEEKS = 28 * 86_400


def chosen(expr: str) -> str:
    """Of the expression, by SLA, those that the variables name."""
    wanted = f'max by (sla) ({names.OBJECTIVE}{{sla=~"$sla", category=~"$category"}})'
    return f"({expr}) and on (sla) {wanted}"


def named(expr: str) -> str:
    """The expression, by SLA, with the label `name` for people."""
    return f"({expr}) * on (sla) group_left (name) max by (sla, name) ({names.INFO})"


def worst_sla(aggregation: str, metric: str, matchers: str = "") -> str:
    """A figure of each chosen SLA: that of its worst component, by `min` or `max`."""
    return chosen(f"{aggregation} by (sla) {fresh(metric + matchers)}")


# --- overview


def slas(result: str, window: str = "$window") -> str:
    """How many SLAs of the chosen categories have one of these results over the window."""
    matchers = f'window="{window}", result=~"{result}", category=~"$category"'
    return f"sum{fresh(f'{names.WINDOW_SLAS}{{{matchers}}}')}"


def overall_compliance() -> str:
    """Share of the measured SLAs that keep their target over the period; 0 to 1, as in the reports."""
    return f"{slas('met')} / ({slas('met|missed')} > 0)"


def active_breaches() -> str:
    """Breaches that are open now, of every severity."""
    return f"sum{fresh(names.BREACHES)}"


def breach_trend(severities: str = ".*") -> str:
    """Open breaches; the highest of each step, so that a short one is not lost."""
    return f'sum(max_over_time({names.BREACHES}{{severity=~"{severities}"}}[$__rate_interval]))'


# --- the table, a row for each SLA


def table_targets() -> str:
    """A row for each SLA; its label `target` holds the SLA's key, shown as the target by a mapping."""
    rows = chosen(f"max by (sla) {fresh(names.OBJECTIVE)}")
    return f'label_replace({rows}, "target", "$1", "sla", "(.*)")'


def table_statuses() -> str:
    """The status of the newest slot as its rank, which a mapping shows as a word."""
    ranked = " or ".join(
        f'({names.STATUS}{{status="{status}"}} == 1) * {rank}' for status, rank in STATUS_RANKS.items()
    )
    return chosen(f"max by (sla) {fresh(f'({ranked})')}")


def table_actuals() -> str:
    """The newest value of the worst component as its target is written: percent for a share."""
    found = f'({names.ACTUAL}{{unit="ratio"}} * 100 or {names.ACTUAL}{{unit!="ratio"}})'
    high, low = (
        f'{aggregation} by (sla) {fresh(f"""({found} and on (sla) {names.INFO}{{comparison="{sign}"}})""")}'
        for aggregation, sign in (("min", ">="), ("max", "<="))
    )
    return chosen(f"{high} or {low}")


def table_verdicts() -> str:
    """0 missed, 1 met so far (less than 90 % measured), 2 met, over the period and every component."""
    objective = f"on (sla, component) max by (sla, component) ({names.OBJECTIVE})"
    kept = f"min by (sla) ({fresh(f'{names.WINDOW_COMPLIANCE}{{{WINDOW}}}')} >= bool {objective})"
    sure = f"(min by (sla) ({names.WINDOW_COVERAGE}{{{WINDOW}}}) >= bool {MINIMUM_COVERAGE})"
    return chosen(f"{kept} * on (sla) (1 + {sure})")


def compliance() -> str:
    """Good events ÷ all over the period, of the worst component."""
    return worst_sla("min", names.WINDOW_COMPLIANCE, f"{{{WINDOW}}}")


def budget_left() -> str:
    """What is left of each error budget of the period: 1 untouched, 0 used up, below 0 overspent."""
    return worst_sla("min", names.WINDOW_BUDGET, f"{{{WINDOW}}}")


def burn_rate(window: str = "1h") -> str:
    """How fast each error budget is used up: 1 uses up exactly all of it over its period."""
    return worst_sla("max", names.BURN_RATE, f'{{window="{window}"}}')


def period_coverage() -> str:
    """Measured share of the period, of the worst component."""
    return worst_sla("min", names.WINDOW_COVERAGE, f"{{{WINDOW}}}")


def table_order() -> str:
    """Worst first: those that miss their target now, then those that were not measured, then by budget."""
    missed = f"(({table_statuses()}) >= bool {STATUS_RANKS['poor']})"
    budget = f"clamp({budget_left()}, -1, 1)"
    unmeasured = f"0 * ({chosen(f'max by (sla) {fresh(names.OBJECTIVE)}')})"
    return f"(({budget}) or ({unmeasured})) - 10 * {missed}"


# --- error budgets


def smallest_budgets() -> str:
    """The SLAs that have least left."""
    return f"sort(bottomk({SHOWN}, {named(budget_left())}))"


def fastest_burning() -> str:
    """The SLAs whose budget is used up fastest."""
    return f"sort_desc(topk({SHOWN}, {named(burn_rate())}))"


def budget_lasts() -> str:
    """Seconds until the 30 days' budget is gone at the rate of six hours, four weeks at most."""
    left = fresh(f'{names.WINDOW_BUDGET}{{window="{THIRTY_DAYS}"}}')
    burn = f'on (sla, component) clamp_min({names.BURN_RATE}{{window="6h"}}, 1e-9)'
    lasts = f"clamp_max(min by (sla) (({left} > 0) * {SECONDS_OF_30_DAYS} / {burn}), {FOUR_WEEKS})"
    return f"sort(bottomk({SHOWN}, {named(chosen(lasts))}))"


def by_category(aggregation: str, metric: str, window: str) -> str:
    """A figure of each category: that of its worst SLA."""
    # Aggregated first: what is fresh is asked of seven series in place of fifty.
    selector = f'{metric}{{window="{window}", category=~"$category"}}'
    return fresh(f"{aggregation} by (category) ({selector})")


# --- categories


def actual(sla: Sla) -> str:
    """The SLA's actual value of the newest slot, in its unit; nothing without data or traffic."""
    return f"{worst(sla)} by (component) {measured(sla)}"


def measured(sla: Sla) -> str:
    """What the SLA's newest slot showed."""
    return fresh(f'{names.ACTUAL}{{sla="{sla.key}"}}')


def worst(sla: Sla) -> str:
    """The aggregation that gives the worst of several values."""
    return "min" if sla.higher_is_better else "max"


def worker_health() -> str:
    """1 healthy, 0 not; the lowest of each step, so that a short outage is not lost."""
    health = f'{names.WORKER_HEALTH}{{worker_name=~"$worker"}}'
    return f"min by (worker_name) (min_over_time({health}[$__rate_interval]))"


def kept_by_category(window: str) -> str:
    """Share of the measured SLAs of each category that keep their target."""
    counts = f'{names.WINDOW_SLAS}{{window="{window}", result=~"%s", category=~"$category"}}'
    met, judged = (f"sum by (category) ({counts % each})" for each in ("met", "met|missed"))
    return fresh(f"{met} / ({judged} > 0)")


def daily_compliance() -> str:
    """Share of each category's SLAs that kept their target in the 24 hours up to each moment."""
    return kept_by_category(DAY)


def weakest() -> str:
    """The member of each composite whose compliance is lowest, as a label."""
    return f"max by (sla, member) {fresh(names.WEAKEST)}"


# --- month


def month_breaches(metric: str) -> str:
    """A figure of the five SLAs that were longest in breach this month; without any, one row says so."""
    longest = chosen(f"sum by (sla) {fresh(names.MONTH_BREACH_SECONDS)}")
    aggregation = "max" if metric == names.MONTH_BREACH_LONGEST else "sum"
    found = f"{aggregation} by (sla, severity) {fresh(metric)} and on (sla) topk(5, {longest})"
    none = f'label_replace(0 * count{fresh(names.STATUS)}, "sla", "No breach this month", "", "")'
    return f"({found}) or on () {none}"


def month_time_in_breach() -> str:
    """Seconds in breach this month, all SLAs together; 0 when there was none."""
    return zero_while_fresh(f"sum{fresh(names.MONTH_BREACH_SECONDS)}")


def month_slas(result: str) -> str:
    """How many SLAs have that result so far this month."""
    return slas(result, MONTH)


# --- details


def detail(metric: str, unit: str) -> str:
    """The series of the chosen SLAs whose unit matches."""
    return fresh(f'max by (sla, component) ({metric}{{sla=~"$sla", {unit}}})')


def by_window(aggregation: str, metric: str) -> str:
    """A figure over each window, of the chosen SLAs: that of the worst one."""
    return fresh(f'{aggregation} by (window) ({metric}{{sla=~"$sla", category=~"$category"}})')


def targets() -> str:
    """The targets of the chosen SLAs, in the unit of their values."""
    return fresh(f'max by (sla) ({names.TARGET}{{sla=~"$sla"}})')


# --- quality of the measurement


def coverage() -> str:
    """Share of the expected scrapes that were there in the newest slot, of the worst SLA of each category."""
    return fresh(f'min by (category) ({names.COVERAGE}{{category=~"$category"}})')


def lowest_coverage() -> str:
    """The SLAs with the lowest coverage of the newest slot."""
    return f"sort(bottomk({SHOWN}, {named(worst_sla('min', names.COVERAGE))}))"


def pass_seconds() -> str:
    """Mean time of the passes of an hour."""
    total, count = (f"sum(increase({names.PASS_DURATION}_{part}[1h]))" for part in ("sum", "count"))
    return f"{total} / ({count} > 0)"


def pass_seconds_p95() -> str:
    """The time that 95 of 100 passes of an hour took at most."""
    return f"histogram_quantile(0.95, sum by (le) (increase({names.PASS_DURATION}_bucket[1h])))"


def late_rows() -> str:
    """Rows of an hour that were stored after their slot was due."""
    return f"sum(increase({names.LATE_ROWS}[1h]))"


def slots_missing() -> str:
    """Slots that are due and not stored."""
    return f"max({names.SLOTS_MISSING})"
