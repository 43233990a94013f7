"""Fifteen days of what the dashboards ask for, as the bundle's own programs would have exported it.

The demo-app's series are those of the real one after some minutes; the sla-worker's are made from the
definitions that ship; those of Prometheus and Alertmanager from the list of what the bundle relies on. As far
back as a panel looks, there is a sample every 15 seconds; before that one every five minutes, which fills
blocks and index and is read by nothing.
"""

from __future__ import annotations

import itertools
import subprocess
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import yaml

from contract.exported import ROOT, SCRAPED, known_metrics, others
from simulation.openmetrics import number
from sla_worker import conventions as names
from sla_worker.conventions import BURN_WINDOWS, MEASURED_RESULTS, PERIODS, THIRTY_DAYS
from sla_worker.definitions import read_definitions
from sla_worker.model import CATEGORIES, SEVERITIES, Definition, Status
from sla_worker.sla_metrics import LABELS
from unit.demo_app.simulation import Simulation
from unit.sla_worker.prometheus_server import binary

DAYS = 15
SCRAPE_SECONDS, SPARSE_SECONDS, SLOT_SECONDS = 15, 300, 300
WARM_SECONDS = 180
COMPONENTS = 4
"""Of an SLA that is split by a label: workers, agents, caches, breakers."""
IN_BREACH = 3
COUNTERS = ("_total", "_count", "_sum", "_bucket")
APP = {"job": "demo-app", "instance": "demo-app:9091"}
WORKER = {"job": "sla-worker", "instance": "sla-worker:8080"}

Labels = Mapping[str, str]
Chosen = Mapping[tuple[str, str], str]
"""(Metric, label) → the value that a query asks for."""


@dataclass(frozen=True, slots=True)
class Series:
    """A name, labels, and the value that it has at the end."""

    name: str
    labels: Labels
    value: float

    @property
    def text(self) -> str:
        """Name and labels as the format has them."""
        inside = ",".join(f'{key}="{escaped(value)}"' for key, value in self.labels.items())
        return f"{self.name}{{{inside}}}"


def escaped(value: str) -> str:
    """A label's value between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def everything(chosen: Chosen) -> Iterator[Series]:
    """Every series that the bundle has; `chosen` are values of labels that somebody asks for."""
    yield from of_the_app()
    yield from of_the_worker(chosen)
    yield from of_others(chosen)
    yield from of_rules(chosen)


def made_up(name: str, labels: Iterable[str], chosen: Chosen, number: int = 0) -> dict[str, str]:
    """Labels of a series of which nothing but their names is known."""
    return {label: chosen.get((name, label), f"value-{number}") for label in sorted(labels)}


def of_the_app() -> Iterator[Series]:
    """The real demo-app's, some minutes after its start."""
    simulation = Simulation()
    simulation.run(WARM_SECONDS)
    for family in simulation.registry.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                yield Series(sample.name, {**sample.labels, **APP}, sample.value)


def of_the_worker(chosen: Chosen) -> Iterator[Series]:
    """The sla-worker's, for the SLAs that ship: those of the SLAs, and those of itself."""
    definitions = read_definitions(ROOT / "sla-worker" / "sla_thresholds.yml")
    for name, labels in LABELS.items():
        for each in label_sets(name, labels, definitions):
            value = 0.999 if "status" not in labels else each["status"] == Status.GOOD.label
            yield Series(name, {**each, **WORKER}, float(value))
    for name, has in known_metrics().items():
        if name.startswith("sla_") and name not in LABELS:
            own = made_up(name, has - SCRAPED, chosen)
            for bucket in ("0.1", "1.0", "+Inf") if "le" in has else ("",):
                yield Series(name, {**own, **({"le": bucket} if bucket else {}), **WORKER}, 1)


def label_sets(name: str, labels: tuple[str, ...], definitions: tuple[Definition, ...]) -> Iterator[Labels]:
    """The label sets of one of the metrics of SLAs."""
    windows = (*BURN_WINDOWS, THIRTY_DAYS) if name == names.BURN_RATE else PERIODS
    free = {
        "window": windows,
        "result": MEASURED_RESULTS,
        "status": [each.label for each in Status],
        "category": CATEGORIES,
        "severity": SEVERITIES,
    }
    if "sla" not in labels:
        for values in itertools.product(*(free.get(label, ("value",)) for label in labels)):
            yield dict(zip(labels, values, strict=True))
        return
    in_breach = name in {names.BREACH_START, names.MONTH_BREACHES, names.MONTH_BREACH_SECONDS}
    for definition in definitions[: IN_BREACH if in_breach else None]:
        fixed = {
            "sla": definition.key,
            "name": definition.name,
            "category": definition.category,
            "severity": definition.severity,
            "unit": definition.unit,
            "member": definition.key,
            "comparison": definition.comparison.value,
        }
        several = [f"part-{number}" for number in range(COMPONENTS)] if definition.by else []
        rest = [label for label in labels if label not in fixed and label != "component"]
        for component in ["all", *several] if "component" in labels else [""]:
            for values in itertools.product(*(free.get(label, ("value",)) for label in rest)):
                whole = {**fixed, "component": component, **dict(zip(rest, values, strict=True))}
                yield {label: whole[label] for label in labels}


def of_others(chosen: Chosen) -> Iterator[Series]:
    """What Prometheus and Alertmanager export of themselves, what Prometheus makes of scrapes, and alerts."""
    jobs = ("demo-app", "sla-worker", "prometheus", "alertmanager", "grafana")
    for program, listed in others().items():
        for name, labels in listed.items():
            if name == "ALERTS":
                for index, component in enumerate(alert_components()):
                    of = {"severity": SEVERITIES[index % 2], "component": component}
                    yield Series(name, made_up(name, labels, chosen, index) | of, 1)
                continue
            for job in jobs if program == "synthetic" else (program,):
                several = [made_up(name, labels, chosen, index) for index in range(4 if labels else 1)]
                for of in {
                    tuple(each.items()): each for each in several
                }.values():  # a chosen value makes them one
                    yield Series(name, {**of, "job": job, "instance": f"{job}:1"}, 1)


def alert_components() -> list[str]:
    """What the alerts that ship are about: one alert of each fires."""
    files = (ROOT / "prometheus" / "rules").glob("*.yml")
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    return sorted(
        {rule["labels"]["component"] for group in groups for rule in group["rules"] if "alert" in rule}
    )


def of_rules(chosen: Chosen) -> Iterator[Series]:
    """What recording rules leave."""
    for name, labels in known_metrics().items():
        if ":" in name:
            yield Series(name, made_up(name, labels, chosen), 1)


def write(file: TextIO, reach: Mapping[str, int], chosen: Chosen, end: int) -> tuple[int, int]:
    """Write the samples of the metrics in `reach`, which holds how many seconds of each are full.

    Returns the number of series and of samples.
    """
    series = samples = 0
    sparse = range(end - DAYS * 86_400, end, SPARSE_SECONDS)
    for each in everything(chosen):
        if each.name not in reach:
            continue
        full = (end - reach[each.name]) // SCRAPE_SECONDS * SCRAPE_SECONDS
        moments = [at for at in sparse if at < full]
        moments += range(full, end + 1, SCRAPE_SECONDS)
        file.writelines(lines(each, moments, end))
        series, samples = series + 1, samples + len(moments)
    file.write("# EOF\n")
    return series, samples


def lines(series: Series, moments: list[int], end: int) -> Iterator[str]:
    """The series' samples: a counter that rises at a pace of its own, a clock, or a value that wavers."""
    text, pace = series.text, zlib.crc32(series.text.encode()) % 5 + 1
    if series.name.endswith(COUNTERS):
        begin = end - DAYS * 86_400
        return (f"{text} {(at - begin) // SCRAPE_SECONDS * pace} {at}\n" for at in moments)
    if series.name == names.LAST_PASS:
        return (f"{text} {at // SLOT_SECONDS * SLOT_SECONDS} {at}\n" for at in moments)
    if series.name == names.SLOT_SECONDS:
        return (f"{text} {SLOT_SECONDS} {at}\n" for at in moments)
    values = [number(series.value), number(series.value * (1 - pace / 10_000))]
    return (f"{text} {values[at // SLOT_SECONDS % 2]} {at}\n" for at in moments)


def store(directory: str, data: Path, reach: Mapping[str, int], chosen: Chosen, end: int) -> tuple[int, int]:
    """Have the promtool of that directory make blocks of it; returns the number of series and of samples."""
    file = data.with_suffix(".om")
    with file.open("w", encoding="utf-8") as text:
        written = write(text, reach, chosen, end)
    words = ("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=162h", "--quiet")
    subprocess.run([binary(directory, "promtool"), *words, file, data], check=True, stdout=subprocess.DEVNULL)
    file.unlink()
    return written
