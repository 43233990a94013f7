"""Uptime: good events are scrapes at which something was up, of all scrapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sla_worker.needs import Kind
from sla_worker.sli import form
from sla_worker.sli.held import HeldForm


@dataclass(frozen=True, slots=True)
class UptimeSli(HeldForm):
    """Samples of `up`, or of a gauge that is 1 while something works; a failed scrape is a bad one."""

    kind: ClassVar[str] = "uptime"
    samples: ClassVar[Kind] = Kind.STATE

    @classmethod
    def read(cls, source: form.Source, _target: float) -> UptimeSli:
        """From the file of definitions; what is wrong is noted there."""
        condition = form.condition(source) if source.has("condition") else form.IS_ONE
        return cls(form.selector(source, "selector"), condition)
