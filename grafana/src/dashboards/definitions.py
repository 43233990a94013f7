"""The SLAs as dashboards need them: how a target is shown, and where green, yellow and red begin."""

from __future__ import annotations

import dataclasses
import decimal
import pathlib

from sla_worker.definitions import read_definitions
from sla_worker.errors import DefinitionError
from sla_worker.model import Comparison, Definition

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
DEFINITIONS_FILE = REPOSITORY / "sla-worker" / "sla_thresholds.yml"

NOTHING, ALL = decimal.Decimal(0), decimal.Decimal(1)


class DashboardError(Exception):
    """What keeps the dashboards from being made; the message names the file, the value and the mend."""


@dataclasses.dataclass(frozen=True)
class Sla:
    """One SLA. `target` is in `unit`: a share from 0 to 1 for `ratio`, seconds for `seconds`."""

    key: str
    name: str
    category: str
    unit: str
    target: decimal.Decimal
    higher_is_better: bool

    @property
    def target_text(self) -> str:
        """The target as people write it: ≥ 99.9 %, ≤ 5 s."""
        sign = "≥" if self.higher_is_better else "≤"
        if self.unit == "ratio":
            return f"{sign} {plain(self.target * 100)} %"
        return f"{sign} {plain(self.target)} {'s' if self.unit == 'seconds' else self.unit}"

    @property
    def warning(self) -> decimal.Decimal:
        """The value at which half of what is allowed is used: there green ends and yellow begins.

        Allowed is 1 - target for a share that must be high, the target itself for a value that must be low,
        and target / actual for a value (not a share) that must be high.
        """
        if not self.higher_is_better:
            return self.target / 2
        return self.target + (ALL - self.target) / 2 if self.unit == "ratio" else self.target * 2


def plain(number: decimal.Decimal) -> str:
    """The number without an exponent and without trailing zeros: 99.90 gives 99.9."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def load(file: pathlib.Path = DEFINITIONS_FILE) -> list[Sla]:
    """The SLAs in the file's order; DashboardError with file, line and mend when the file is wrong."""
    try:
        return [shown(definition) for definition in read_definitions(file)]
    except DefinitionError as error:
        raise DashboardError(str(error)) from error


def shown(definition: Definition) -> Sla:
    """The definition as dashboards need it; decimals keep 0.001 * 5 from becoming 0.0050000000000000001."""
    return Sla(
        key=definition.key,
        name=definition.name,
        category=definition.category,
        unit=definition.unit,
        target=decimal.Decimal(str(definition.target)),
        higher_is_better=definition.comparison is Comparison.AT_LEAST,
    )
