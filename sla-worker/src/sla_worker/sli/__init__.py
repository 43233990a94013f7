"""The forms of an SLI, one module each: its values, how it is read, what it counts, how it is judged.

A new form is a module with a class like the others, and its line in `FORMS`; nothing else asks which form an
SLA has.
"""

from __future__ import annotations

from sla_worker.sli.composite import CompositeSli
from sla_worker.sli.events import EventsSli
from sla_worker.sli.latency import LatencySli
from sla_worker.sli.time import TimeSli
from sla_worker.sli.uptime import UptimeSli
from sla_worker.sli.value import ValueSli

Form = (
    type[UptimeSli] | type[EventsSli] | type[LatencySli] | type[TimeSli] | type[ValueSli] | type[CompositeSli]
)

FORMS: dict[str, Form] = {
    form.kind: form for form in (UptimeSli, EventsSli, LatencySli, TimeSli, ValueSli, CompositeSli)
}
