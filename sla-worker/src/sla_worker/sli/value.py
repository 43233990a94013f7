"""Value: one event a slot, which is good when the value of an expression reaches the target."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, isnan
from typing import ClassVar

from sla_worker.evaluation import allowance_used, meets
from sla_worker.model import Comparison, Definition, Figures, Input, Judgement, Member, Promise
from sla_worker.needs import Asked, Counts, Expression, Need
from sla_worker.promql_text import in_one_line, with_slot
from sla_worker.selectors import check_expression
from sla_worker.sli import form

_ROUNDING = 1e-12
"""A value this near to its target is on it: an engine's sums and rates are a hair beside their true value."""


@dataclass(frozen=True, slots=True)
class ValueSli:
    """Any PromQL, evaluated at the end of a slot; `objective` is the share of slots that must be good.

    `$slot` in it is the length of a slot, for ranges that reach back to its beginning.
    """

    expression: str
    objective: float

    kind: ClassVar[str] = "value"
    keys: ClassVar[tuple[str, ...]] = ("expression", "objective")
    unit: ClassVar[str | None] = None
    comparison: ClassVar[Comparison | None] = None
    one_event_a_slot: ClassVar[bool] = True

    @classmethod
    def read(cls, source: form.Source, _target: float) -> ValueSli:
        """From the file of definitions; what is wrong is noted there."""
        read = functools.partial(_checked, lines=source.keeps_lines("expression"), grammar=source.thorough)
        expression = source.parsed("expression", read, "", "give PromQL, like sum(sessions_active)")
        return cls(expression, form.objective(source))

    def asked(self, slot_seconds: int) -> str:
        """The expression as it is evaluated."""
        return with_slot(self.expression, slot_seconds)

    @property
    def metric_name(self) -> str:
        """The expression itself."""
        return self.expression

    @property
    def percentile(self) -> float | None:
        """The share of slots that must reach the target."""
        return self.objective

    @property
    def inputs(self) -> tuple[Input, ...]:
        """None that it knows of: the expression names its series."""
        return ()

    @property
    def members(self) -> tuple[Member, ...]:
        """None: it is measured itself."""
        return ()

    def needs(self, _definition: Definition) -> tuple[Need, ...]:
        """No series: an expression says by itself whether it has a value."""
        return ()

    def expressions(self, definition: Definition, slot_seconds: int) -> tuple[Expression, ...]:
        """The expression, split by the labels of the SLA."""
        return (Expression(self.asked(slot_seconds), definition.by),)

    def measure(self, definition: Definition, asked: Asked, counts: Counts) -> Mapping[str, list[Figures]]:
        """One event a slot where there is a value."""
        return {
            component: [self._figures(definition, value) for value in values]
            for component, values in counts.values(asked.expressions[0]).items()
        }

    def _figures(self, definition: Definition, value: float | None) -> Figures:
        if value is None:
            return Figures()
        if isnan(value):  # 0 ÷ 0 of a quiet night: it was measured, and there was nothing to measure
            return Figures(good=0.0, total=0.0, coverage=1.0)
        if isclose(value, definition.target, rel_tol=_ROUNDING):
            value = definition.target
        good = meets(definition.comparison, definition.target, value)
        return Figures(good=float(good), total=1.0, coverage=1.0, actual=value)

    def judge(self, promise: Promise, good: float, total: float, shown: float | None) -> Judgement:
        """Kept when the value reaches the target; `shown` is the value."""
        if shown is None:
            return Judgement(kept=good >= total, actual=None, used=0.0 if good >= total else float("inf"))
        return Judgement(
            kept=meets(promise.comparison, promise.target, shown),
            actual=shown,
            used=allowance_used(promise.comparison, promise.target, shown, promise.unit),
        )


def _checked(text: str, *, lines: bool, grammar: bool) -> str:
    """The expression in one line. Raises ValueError for one that would change those beside it."""
    expression = in_one_line(text, lines=lines)
    if grammar:
        check_expression(with_slot(expression, 1))
    return expression
