"""The SLAs as dashboards need them: how a target is shown, and where green, yellow and red begin."""

from __future__ import annotations

import dataclasses
import decimal
import pathlib

from sla_worker.conventions import STATUS_LIMITS
from sla_worker.definitions import read_all, read_files
from sla_worker.errors import DefinitionError
from sla_worker.model import CATEGORIES, Comparison, Definition
from sla_worker.selectors import Selector
from sla_worker.sli import FORMS
from sla_worker.sli.form import Condition

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DEFINITIONS_FILE = REPOSITORY / "sla-worker" / "sla_thresholds.yml"

NOTHING, ALL = decimal.Decimal(0), decimal.Decimal(1)
EXCELLENT = decimal.Decimal(str(STATUS_LIMITS[0]))
"""Share of the allowance up to which a value is excellent, and green."""


class DashboardError(Exception):
    """What keeps the dashboards from being made; the message names the file, the value and the fix."""


@dataclasses.dataclass(frozen=True)
class Sla:
    """One SLA. `target` is in `unit`: a share from 0 to 1 for `ratio`, seconds for `seconds`.

    `kind` is the form of its SLI, `metric` what that is measured with, `percentile` of which latency, `reads`
    the selectors, the expression and the condition in its definition. `graph`: it has a graph of its own.
    """

    key: str
    name: str
    category: str
    description: str
    severity: str
    unit: str
    target: decimal.Decimal
    higher_is_better: bool
    kind: str
    metric: str
    percentile: decimal.Decimal | None
    reads: tuple[str, ...] = ()
    graph: bool = False

    @property
    def target_text(self) -> str:
        """The target as people write it: ≥ 99.9 %, ≤ 5 s."""
        sign = "≥" if self.higher_is_better else "≤"
        if self.unit == "ratio":
            return f"{sign} {plain(self.target * 100)} %"
        return f"{sign} {plain(self.target)} {'s' if self.unit == 'seconds' else self.unit}"

    @property
    def warning(self) -> decimal.Decimal:
        """The value up to which a slot is excellent: there green ends and yellow begins.

        That is a share of the allowance (sla_worker.conventions), which is 1 - target for a share that must
        be high, the target itself for a value that must be low, and target / actual for a value (not a
        share) that must be high.
        """
        if not self.higher_is_better:
            return self.target * EXCELLENT
        if self.unit == "ratio":
            return ALL - (ALL - self.target) * EXCELLENT
        return self.target / EXCELLENT


def plain(number: decimal.Decimal) -> str:
    """The number without an exponent and without trailing zeros: 99.90 gives 99.9."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def load(file: pathlib.Path = DEFINITIONS_FILE) -> list[Sla]:
    """The SLAs of the file and of those of teams beside it; DashboardError with file, line and fix."""
    try:
        return [shown(definition) for definition in read_all(file)]
    except DefinitionError as error:
        raise DashboardError(str(error)) from error


def sources(file: pathlib.Path = DEFINITIONS_FILE) -> dict[str, pathlib.Path]:
    """The files that are read, by their path below the repository."""
    found = read_files(file)
    teams = {f"{file.parent.name}/{found.directory.name}/{name}": name for name in found.names or ()}
    return {f"{file.parent.name}/{file.name}": file} | {
        path: found.directory / name for path, name in teams.items()
    }


def shown(definition: Definition) -> Sla:
    """The definition as dashboards need it; decimals keep 0.001 * 5 from becoming 0.0050000000000000001."""
    return Sla(
        key=definition.key,
        name=definition.name,
        category=definition.category,
        description=definition.description,
        severity=definition.severity,
        unit=definition.unit,
        target=decimal.Decimal(str(definition.target)),
        higher_is_better=definition.comparison is Comparison.AT_LEAST,
        kind=next(kind for kind, form in FORMS.items() if form is type(definition.sli)),
        metric=definition.sli.metric_name,
        percentile=None if definition.percentile is None else decimal.Decimal(str(definition.percentile)),
        reads=read_by(definition.sli),
        graph=definition.graph,
    )


def read_by(sli: object) -> tuple[str, ...]:
    """The selectors of the SLI, its expression and its condition."""
    values = (getattr(sli, field.name) for field in dataclasses.fields(sli))  # type: ignore[arg-type]  # every form is one
    return tuple(str(value) for value in values if isinstance(value, str | Selector | Condition))


def by_category(slas: list[Sla]) -> dict[str, list[Sla]]:
    """The SLAs of each category that has any, in the order of categories, then of the file."""
    found = {category: [sla for sla in slas if sla.category == category] for category in CATEGORIES}
    return {category: members for category, members in found.items() if members}
