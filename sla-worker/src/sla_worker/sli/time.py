"""Time: good events are samples of a gauge for which a condition holds, of all samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker.needs import Kind
from sla_worker.sli import form
from sla_worker.sli.held import HeldForm


@dataclass(frozen=True, slots=True)
class TimeSli(HeldForm):
    """The samples of a gauge. A scrape that failed is a gap here, not a bad sample."""

    kind: ClassVar[str] = "time"
    samples: ClassVar[Kind] = Kind.GAUGE

    @classmethod
    def read(cls, source: form.Source, _target: float) -> TimeSli:
        """From the file of definitions; what is wrong is noted there."""
        return cls(form.selector(source, "selector"), form.condition(source))
