"""The forms of an SLI, one module each: its values, how it is read, its PromQL, how it is judged.

A new form is a module with a class like the others, and its line in `FORMS`; nothing else asks which form an
SLA has.
"""

from __future__ import annotations

from sla_worker.sli.events import EventsSli
from sla_worker.sli.latency import LatencySli
from sla_worker.sli.uptime import UptimeSli

FORMS: dict[str, type[UptimeSli] | type[EventsSli] | type[LatencySli]] = {
    form.kind: form for form in (UptimeSli, EventsSli, LatencySli)
}
