"""A made-up year of the shipped SLAs or of many more, hour by hour, with outages: always the same."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement

SHIPPED = Path(__file__).parents[2] / "sla-worker" / "sla_thresholds.yml"
ZONE = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600, 86_400
END = int(dt.datetime(2026, 11, 23, tzinfo=ZONE).timestamp())
"""A Monday, so that the last whole week ends here, and the last whole month is October."""

_OWN = ("graph", "public", "credits")  # what copies do without
_EVENTS = {"uptime": 240, "time": 240, "value": 1}
_COMPONENTS = {
    "worker_name": ("worker-1", "worker-2"),
    "breaker": ("model-api", "search"),
    "cache": ("responses", "embeddings"),
    "job": ("demo-app", "prometheus"),
}


def components(definition: Definition) -> tuple[str, ...]:
    """What an SLA is divided into."""
    return _COMPONENTS[definition.by[0]] if definition.by else (definition.component,)


def _luck(*parts: int) -> float:
    """A number from 0 to 1 that looks like chance and is none."""
    found = 2166136261
    for each in parts:
        found = (found ^ each) * 16_777_619 % 2**32
    return (found ^ found >> 15) % 10_007 / 10_007


def bad_share(definition: Definition, number: int, slot: int) -> float:
    """Which share of an hour's events is bad: a background within the target, and now and then an outage."""
    allowed = 1 - definition.objective_ratio
    day, hour = divmod(slot // HOUR, 24)
    if outage(number, slot):
        return min(allowed * (20 + 300 * _luck(number, day)), 1.0)
    return allowed * 0.6 * _luck(number, day, hour)


def outage(number: int, slot: int) -> bool:
    """Whether the hour is one of an outage: some SLAs have one of two hours in some weeks."""
    day, hour = divmod(slot // HOUR, 24)
    begin = 6 + int(_luck(number, day // 9) * 14)
    return _luck(number, day // 9, 7) < 0.2 and day % 9 == number % 9 and hour in (begin, begin + 1)


def _rows(definitions: Sequence[Definition], slot: int) -> Iterator[Measurement]:
    number = 0
    for definition in definitions:
        for component in components(definition):
            number += 1
            if definition.key == "api-timeout-rate" and slot // DAY % 31 == 11:
                yield evaluate(definition, slot, Figures(None, None, 0), component=component)
                continue
            total = _EVENTS.get(definition.sli.kind, 9000 + int(_luck(number, slot) * 3000))
            bad = bad_share(definition, number, slot) * total
            if definition.sli.members:
                yield evaluate(
                    definition, slot, Figures(1 - bad / total, 1, 1, 1 - bad / total), component=component
                )
                continue
            bad = float(math.ceil(bad) if outage(number, slot) else int(bad))
            yield evaluate(definition, slot, Figures(total - bad, total, 1), component=component)


def many(file: Path, slas: int) -> Path:
    """A file of definitions with so many SLAs: the shipped ones, and copies of those but composites."""
    content = yaml.load(SHIPPED.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    shipped = content["slas"]
    alike = [each for each in shipped if each["sli"]["kind"] != "composite"]
    for number in range(slas - len(shipped)):
        copied = {name: value for name, value in alike[number % len(alike)].items() if name not in _OWN}
        made = number // len(alike) + 2
        shipped.append({**copied, "key": f"{copied['key']}-{made}", "name": f"{copied['name']} {made}"})
    content["slas"] = shipped[:slas]
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper), encoding="utf-8")
    return file


def year(place: Path | str, days: int = 365, end: int = END, definitions_file: Path = SHIPPED) -> SLADatabase:
    """The ledger of so many days before `end`, open for writing; old slots are deleted as the worker does."""
    clock = [float(end - days * DAY)]
    database = SLADatabase(place, grid=Grid(HOUR, 15), zone=ZONE, clock=lambda: clock[0])
    definitions = read_definitions(definitions_file)
    database.sync_definitions(definitions, begin=end - days * DAY)
    for begin in range(end - days * DAY, end, DAY):
        clock[0] = begin + DAY + 45.0
        slots = range(begin + HOUR, begin + DAY + 1, HOUR)
        database.store([row for slot in slots for row in _rows(definitions, slot)])
        while database.trim():
            pass
    return database
