"""The table of all SLAs, a row each, the worst first: status, verdict, target, actual, budget, coverage."""

from __future__ import annotations

from sla_worker.conventions import BURN_FAST, MINIMUM_COVERAGE, STATUS_LIMITS

from .. import sdk
from ..definitions import Sla
from ..panels import (
    BUDGET_STEPS,
    GREEN,
    MISSING,
    RED,
    YELLOW,
    Text,
    nothing_measured,
    setting,
    threshold_setting,
    words,
)
from . import expressions as ql
from .kinds import almost_all, exhausted, field, rows, sla_link

# Shown beside their colour, so that the word alone is enough.
STATUSES: dict[str, tuple[str, str]] = {
    "excellent": ("Excellent", GREEN),
    "good": ("Good", GREEN),
    "poor": ("Poor", YELLOW),
    "critical": ("Critical", RED),
    "no_data": ("No data", MISSING),
    "no_traffic": ("No traffic", MISSING),
    "partial": ("Partly measured", MISSING),
    "low_traffic": ("Low traffic", MISSING),
    "out_of_hours": ("Out of hours", MISSING),
    "excluded": ("Excluded", MISSING),
}
VERDICTS = {"0": ("Fail", RED), "1": ("Pass so far", YELLOW), "2": ("Pass", GREEN)}

TARGET, STATUS, VERDICT, ACTUAL, COMPLIANCE, BUDGET, BURN, COVERAGE, ORDER = map(field, range(9))


def sla_table(panel_id: int, slas: list[Sla]) -> sdk.table.Panel:
    """A row for each SLA; one with several components shows the worst of them."""
    text = Text(
        "All SLAs, worst first",
        "Every SLA with its status now and what it did over the chosen period. One with several components "
        "shows the worst of them; its name leads to all of them over time.",
        "from the sla-worker's ledger: compliance is good events / all events, the verdict holds it against "
        f"the objective ({MINIMUM_COVERAGE:.0%} must be measured for a Pass); the status goes by the share "
        "of the allowance that the newest slot used: up to {:g} excellent, {:g} good, {:g} poor. "
        "Actual is in the target's unit; burn rate is that of the last hour, 1 uses up exactly the "
        "budget.".format(*STATUS_LIMITS),
        "begin at the top. No data: see whether its metrics come in.",
        "-",
    )
    titles = {
        "sla": "SLA",
        STATUS: "Status",
        VERDICT: "Verdict",
        "target": "Target",
        ACTUAL: "Actual",
        COMPLIANCE: "Compliance",
        BUDGET: "Budget left",
        BURN: "Burn rate",
        COVERAGE: "Measured",
    }
    queries = [
        ql.table_targets(),
        ql.table_statuses(),
        ql.table_verdicts(),
        ql.table_actuals(),
        ql.compliance(),
        ql.budget_left(),
        ql.burn_rate(),
        ql.period_coverage(),
        ql.table_order(),
    ]
    panel = rows(panel_id, text, titles, queries, sort=ORDER)
    return overrides(panel, slas)


def overrides(panel: sdk.table.Panel, slas: list[Sla]) -> sdk.table.Panel:
    """Units, colours, widths and words of the columns."""
    names_of_slas = words({sla.key: (sla.name, None) for sla in slas})
    targets = words({sla.key: (sla.target_text, None) for sla in slas})
    statuses = words({str(ql.STATUS_RANKS[key]): said for key, said in STATUSES.items()})
    budget = [threshold_setting(BUDGET_STEPS), setting("mappings", [nothing_measured("-"), exhausted()])]
    burn = threshold_setting([(None, MISSING), (1, YELLOW), (BURN_FAST, RED)])
    measured = threshold_setting([(None, MISSING), (0, YELLOW), (MINIMUM_COVERAGE, MISSING)])
    coloured = setting("custom.displayMode", "color-text")
    # The oldest Grafana knows these names of cells only; newer ones turn them into their own on loading.
    filled = setting("custom.displayMode", "color-background-solid")
    columns: dict[str, list[sdk.dashboard_model.DynamicConfigValue]] = {
        "SLA": [setting("mappings", [names_of_slas]), setting("custom.minWidth", 220), sla_link()],
        "Status": [setting("mappings", [statuses]), filled],
        "Verdict": [setting("mappings", [words(VERDICTS)]), coloured],
        "Target": [setting("mappings", [targets])],
        "Actual": [setting("decimals", 3)],
        "Compliance": [
            setting("unit", "percentunit"),
            setting("decimals", 3),
            setting("mappings", [almost_all()]),
        ],
        "Budget left": [setting("unit", "percentunit"), setting("decimals", 1), coloured, *budget],
        "Burn rate": [setting("unit", "suffix: x"), setting("decimals", 1), coloured, burn],
        "Measured": [setting("unit", "percentunit"), setting("decimals", 1), coloured, measured],
    }
    for title, settings in columns.items():
        own = settings if title == "SLA" else [*settings, setting("custom.minWidth", 95)]
        panel = panel.override_by_name(title, own)
    return panel
