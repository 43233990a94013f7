"""The variables on top of the dashboards. Each dashboard takes those that its queries use.

A variable has the same name everywhere, so that a link to another dashboard carries the choice over.
"""

from __future__ import annotations

# ruff: noqa: FBT003 (the SDK's builders take their flags by position)
from sla_worker.conventions import DAY, MONTH, PERIODS, THIRTY_DAYS

from . import names, sdk

Variable = sdk.dashboard_model.VariableModel

ALL_TEXT, ALL_VALUE = "All", "$__all"


def datasource() -> Variable:
    """Which Prometheus; the provisioned one, unless a person chooses another."""
    chosen = sdk.dashboard_model.VariableOption(
        selected=True, text=names.DATASOURCE_NAME, value=names.DATASOURCE_UID
    )
    return (
        sdk.dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type("prometheus")
        .current(chosen)
        .build()
    )


def category() -> Variable:
    """Categories of the SLAs."""
    return choice("category", "Category", f"label_values({names.OBJECTIVE}, category)")


def sla() -> Variable:
    """SLAs of the chosen categories, by their keys."""
    return choice("sla", "SLA", f'label_values({names.OBJECTIVE}{{category=~"$category"}}, sla)')


def job(metric: str) -> Variable:
    """Programs that export the metric."""
    return choice("job", "Job", f"label_values({metric}, job)")


def window() -> Variable:
    """Over which period compliance, coverage and error budgets are shown."""
    texts = {DAY: "Last 24 hours", THIRTY_DAYS: "Last 30 days", MONTH: "This month"}
    chosen = sdk.dashboard_model.VariableOption(selected=True, text=texts[DAY], value=DAY)
    return (
        sdk.dashboard.CustomVariable("window")
        .label("Period")
        .values(", ".join(f"{texts[each]} : {each}" for each in PERIODS))
        .current(chosen)
        .multi(False)
        .include_all(False)
        .build()
    )


def worker() -> Variable:
    """Agent workers."""
    return choice("worker", "Worker", f"label_values({names.WORKER_HEALTH}, worker_name)")


def agent() -> Variable:
    """Agents."""
    return choice("agent", "Agent", f"label_values({names.REQUESTS}, agent)")


def cache() -> Variable:
    """Caches."""
    return choice("cache", "Cache", f"label_values({names.CACHE_HITS}, cache)")


def breaker() -> Variable:
    """Circuit breakers."""
    return choice("breaker", "Breaker", f"label_values({names.BREAKER_STATE}, breaker)")


def choice(name: str, label: str, query: str) -> Variable:
    """A variable of which a person chooses any number of values; all of them at first.

    All is `.*` rather than a list, so that 36 names do not make every query long.
    """
    everything = sdk.dashboard_model.VariableOption(selected=True, text=[ALL_TEXT], value=[ALL_VALUE])
    return (
        _asked(name, query)
        .label(label)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(everything)
        .sort(sdk.dashboard_model.VariableSort.ALPHABETICAL_ASC)
        .build()
    )


def address(name: str, label: str) -> Variable:
    """An address outside of Grafana, which the sla-worker knows: hidden, and not taken from the URL."""
    built = (
        _asked(name, f"label_values({names.PAGES}, {label})")
        .hide(sdk.dashboard_model.VariableHide.HIDE_VARIABLE)
        .multi(False)
        .include_all(False)
        .build()
    )
    built.skip_url_sync = True
    return built


def _asked(name: str, query: str) -> sdk.dashboard.QueryVariable:
    """A variable whose values Prometheus gives, asked again when the time range changes."""
    return (
        sdk.dashboard.QueryVariable(name)
        .datasource(sdk.common_model.DataSourceRef(type_val="prometheus", uid=names.DATASOURCE))
        .query({"query": query, "refId": "StandardVariableQuery"})
        .refresh(sdk.dashboard_model.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
