"""Where a value begins to be bad, read out of the alert rules and the SLAs: colours, lines, and their words.

A limit is written once, in the rule that alerts on it. Dashboards read it there.
"""

from __future__ import annotations

import dataclasses
import decimal
import functools
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

import promql_parser as promql
import yaml

from .definitions import REPOSITORY, DashboardError, Sla, plain
from .panels import GREEN, MISSING, RED, YELLOW, Step

RULES = REPOSITORY / "prometheus" / "rules"
SLA_UNITS: Final = {"percentunit": "ratio", "s": "seconds", "h": "hours", "reqpm": "requests/min"}
"""Units of panels, and how the definitions of SLAs name them; the others are plain counts."""
RISING: Final = frozenset({">", ">="})
FALLING: Final = frozenset({"<", "<="})


@dataclasses.dataclass(frozen=True)
class Alert:
    """A hand-written alert: its expression, and where its link to a dashboard leads."""

    name: str
    expr: str
    dashboard_url: str
    file: str


@dataclasses.dataclass(frozen=True)
class Limit:
    """A value from which on (or below which, if `low_is_bad`) a figure is bad, and who says so."""

    value: decimal.Decimal
    low_is_bad: bool
    alerting: bool
    source: str
    unit: str = ""  # of an SLA's target; an alert's number is in the unit of its expression


@functools.cache
def alerts(directory: pathlib.Path = RULES) -> Mapping[str, Alert]:
    """Every alert by its name."""
    found = {}
    for file in sorted(directory.rglob("*.yml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    found[rule["alert"]] = Alert(
                        name=rule["alert"],
                        expr=rule["expr"],
                        dashboard_url=rule["annotations"]["dashboard_url"],
                        file=f"prometheus/rules/{file.relative_to(directory)}",
                    )
    return found


def of_alert(name: str) -> Limit:
    """The limit of an alert; DashboardError when there is no such alert, or it compares with no number."""
    alert = alerts().get(name)
    if alert is None:
        raise no_alert(name)
    comparison = outermost_comparison(promql.parse(alert.expr))
    if comparison is None:
        raise DashboardError(f"{alert.file}: {name} compares with no number: {alert.expr!r}")
    operator, value = comparison
    return Limit(value, operator in FALLING, alerting=True, source=f"alert {name}")


def no_alert(name: str) -> DashboardError:
    """What is wrong when a dashboard draws the limit of an alert that is not there."""
    return DashboardError(
        f"prometheus/rules: no alert {name}, whose limit a dashboard draws: "
        "take it out of grafana/src/dashboards too"
    )


@dataclasses.dataclass(frozen=True)
class Measure:
    """What an SLA measures, by which its target finds the panel that shows the same: no key is known here.

    `percentile` is that of a latency; that of other forms is one of slots, and does not matter here.
    `complement`: the SLA promises a share of successes, and the panel shows the failures.
    `texts` are its selectors and its condition, all of them, or a part of its expression if that is its form.
    """

    kind: str
    texts: tuple[str, ...]
    percentile: decimal.Decimal | None = None
    complement: bool = False

    def of(self, sla: Sla) -> bool:
        """Whether the SLA measures this."""
        if sla.kind != self.kind:
            return False
        if self.percentile is not None and sla.percentile != self.percentile:
            return False
        if self.kind == "value":
            return all(any(text in read for read in sla.reads) for text in self.texts)
        return sorted(sla.reads) == sorted(self.texts)


def events(*selectors: str) -> Measure:
    """Two of total, good and bad."""
    return Measure("events", selectors)


def latency(histogram: str, percentile: str) -> Measure:
    """A percentile (0.95) of all that a histogram observed."""
    return Measure("latency", (histogram,), decimal.Decimal(percentile))


def value(part: str) -> Measure:
    """An expression that asks for that metric."""
    return Measure("value", (part,))


def of_sla(sla: Sla, *, complement: bool = False) -> Limit:
    """The target of an SLA: missing it for a moment costs error budget, and is no alert yet."""
    return Limit(
        value=1 - sla.target if complement else sla.target,
        low_is_bad=sla.higher_is_better is not complement,
        alerting=False,
        source=f"SLA {sla.name}",
        unit=sla.unit,
    )


def outermost_comparison(node: promql.Expr) -> tuple[str, decimal.Decimal] | None:
    """The comparison with a number that decides whether the expression has a result: operator, number.

    Of alternatives (`or`) and of what is restricted further (`and`, `unless`) the first one counts.
    """
    match node:
        case promql.ParenExpr():
            return outermost_comparison(node.expr)
        case promql.BinaryExpr() if isinstance(node.rhs, promql.NumberLiteral):
            operator = str(node.op)
            number = decimal.Decimal(repr(node.rhs.val)).normalize()
            return (operator, number) if operator in RISING | FALLING else None
        case promql.BinaryExpr() if str(node.op) in {"or", "and", "unless"}:
            return outermost_comparison(node.lhs)
        case _:
            return None


@dataclasses.dataclass(frozen=True)
class Scale:
    """The limits of one figure, the mildest first; without any, no value of it is good or bad."""

    limits: tuple[Limit, ...] = ()

    @property
    def low_is_bad(self) -> bool:
        """Whether the figure is bad below its limits."""
        return any(limit.low_is_bad for limit in self.limits)

    @property
    def values(self) -> tuple[float, ...]:
        """The limits' values, the mildest first."""
        return tuple(float(limit.value) for limit in self.limits)

    def shown_in(self, unit: str) -> Scale:
        """The limits that can be drawn on a panel of that unit: a target in days is no line in hours."""
        wanted = SLA_UNITS.get(unit)
        return Scale(
            tuple(
                each
                for each in self.limits
                if not each.unit
                or each.unit == wanted
                or (wanted is None and each.unit not in SLA_UNITS.values())
            )
        )

    def graph_steps(self) -> list[Step]:
        """Steps for a graph, which draws a dashed line at each."""
        if not self.limits:
            return [(None, MISSING)]
        return self._steps(lowest=None)

    def number_steps(self) -> list[Step]:
        """Steps for a number: nothing measured is in a neutral colour, never green."""
        if not self.limits:
            return [(None, MISSING)]
        return [(None, MISSING), *self._steps(lowest=0)]

    def _steps(self, lowest: float | None) -> list[Step]:
        colors = self._colors()
        if not self.low_is_bad:
            return [(lowest, GREEN), *zip(self.values, colors, strict=True)]
        # From the bottom up: the worst colour, and at each limit the colour of what lies above it.
        above = [GREEN, *colors]
        return [
            (lowest, colors[-1]),
            *((value, above[place]) for place, value in reversed(list(enumerate(self.values)))),
        ]

    def _colors(self) -> list[str]:
        """What each limit makes of a value that is beyond it: red beyond the last alert, else yellow."""
        alerting = any(limit.alerting for limit in self.limits)
        return [*[YELLOW] * (len(self.limits) - 1), RED if alerting else YELLOW]

    def words(self, unit: str) -> str:
        """The limits as a sentence for the description; empty without any."""
        if not self.limits:
            return ""
        side = "below" if self.low_is_bad else "from"
        parts = [
            f"{color} {side} {written(limit.value, unit)} ({limit.source})"
            for limit, color in zip(self.limits, self._colors(), strict=True)
        ]
        return ", ".join(parts)


def scale(slas: Iterable[Sla], *alert_names: str, sla: Measure | None = None) -> Scale:
    """The limits of these alerts and, if the definitions hold one, of the first SLA that measures this.

    Limits with the same value are one. A figure cannot be bad on both sides: DashboardError then.
    """
    same = [of_sla(each, complement=sla.complement) for each in slas if sla is not None and sla.of(each)]
    found = same[:1] + [of_alert(name) for name in alert_names]
    if len({limit.low_is_bad for limit in found}) > 1:
        sources = " and ".join(limit.source for limit in found)
        raise DashboardError(f"{sources}: one is a lower limit, one an upper, for the same figure")
    merged: dict[decimal.Decimal, Limit] = {}
    for limit in found:
        other = merged.get(limit.value)
        merged[limit.value] = (
            limit
            if other is None
            else dataclasses.replace(
                other, alerting=other.alerting or limit.alerting, source=f"{other.source} and {limit.source}"
            )
        )
    ordered = sorted(merged.values(), key=lambda limit: limit.value, reverse=any(f.low_is_bad for f in found))
    return Scale(tuple(ordered))


def written(value: decimal.Decimal, unit: str) -> str:
    """A limit as people write it."""
    if unit == "percentunit":
        return f"{plain(value * 100)} %"
    return f"{plain(value)} {unit}" if unit in {"s", "h"} else plain(value)


def first_of(name: str) -> Scale:
    """The limit of an alert that fires at the first of its kind."""
    if name not in alerts():
        raise no_alert(name)
    return Scale((Limit(decimal.Decimal(1), low_is_bad=False, alerting=True, source=f"alert {name}"),))


def window(name: str) -> str:
    """The window over which an alert counts an increase, as written in its rule: 15m."""
    expression = alerts()[name].expr if name in alerts() else ""
    found: set[str] = set(re.findall(r"\bincrease\([^()]*\[(\d+[smhd])\]\)", expression))
    if len(found) == 1:
        return found.pop()
    raise DashboardError(f"prometheus/rules: no alert {name} with one window, which a dashboard uses")
