"""How often Prometheus scrapes what an SLA reads, as Prometheus itself says it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from sla_worker import queries
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.prometheus import PrometheusClient

_log = logging.getLogger(__name__)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_TRUSTED_SECONDS = 3600
_DEFAULT = "1m"  # Prometheus' own, where its configuration names no interval


@dataclass(frozen=True, slots=True)
class Intervals:
    """Seconds between two scrapes, by job, and between two evaluations of the rules."""

    jobs: Mapping[str, float]
    evaluation: float

    def differing(self, scrape_seconds: int) -> dict[str, float]:
        """The jobs that are not scraped every `scrape_seconds`."""
        return {job: each for job, each in self.jobs.items() if each != scrape_seconds}


def seconds(duration: str) -> float:
    """A duration of Prometheus' configuration, like `1m30s`, in seconds. Raises ValueError."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is not a duration")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def read_intervals(text: str) -> Intervals:
    """The intervals of a prometheus.yml. Raises ValueError."""
    try:
        tree: Any = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
        top = tree.get("global") or {}
        usual = str(top.get("scrape_interval") or _DEFAULT)
        jobs = {
            str(job["job_name"]): seconds(str(job.get("scrape_interval") or usual))
            for job in tree.get("scrape_configs") or []
        }
        return Intervals(jobs, seconds(str(top.get("evaluation_interval") or _DEFAULT)))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is not a configuration of Prometheus ({type(error).__name__})") from error


# The C loader where there is one: the configuration is read again whenever it changes.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scraping:
    """Holds the grid against the intervals that Prometheus has.

    The configuration is asked for at first, hourly, and whenever a caller sees reason to doubt it.
    """

    def __init__(self, client: PrometheusClient, grid: Grid) -> None:
        self._client = client
        self._grid = grid
        self._read_for: int | None = None
        self._text: str | None = ""
        self._intervals: Intervals | None = None
        self._concern: str | None = None

    def refused(
        self, definitions: Iterable[Definition], slot_end: int, *, doubt: bool = False
    ) -> dict[str, str]:
        """Why an SLA cannot be measured on this grid, in one line, by its key; empty when all can.

        Only when a job's interval differs is it asked which SLAs read that job. A job that the configuration
        does not have (federated, pushed) cannot be checked. Raises PrometheusError.
        """
        if doubt or self._read_for is None or not 0 <= slot_end - self._read_for < _TRUSTED_SECONDS:
            self._read()
            self._read_for = slot_end
        scrape = self._grid.scrape_seconds
        differing = {} if self._intervals is None else self._intervals.differing(scrape)
        if not differing:
            return {}
        query = queries.jobs_query(definitions, self._grid)
        found: dict[str, str] = {}
        for series in self._client.query(query, self._grid.direct_at(slot_end)).series:
            job = series.labels.get("job", "")
            if job in differing:
                key = series.labels.get("sla", "")
                found[key] = (
                    f"SLA {key} reads the job {job}, which Prometheus scrapes every {differing[job]:g} s, not"
                    f" every {scrape} s; set its scrape_interval to {scrape}s, or"
                    f" SLA_SCRAPE_INTERVAL_SECONDS={differing[job]:g} and run `make generate`"
                )
        return found

    def concerns(self) -> list[str]:
        """What could not be checked, or slows the worker down, one line each."""
        return [] if self._concern is None else [self._concern]

    def _read(self) -> None:
        text = self._client.configuration()
        if text != self._text:
            self._text = text
            self._intervals, self._concern = self._understood(text)
            if self._concern is not None:
                _log.warning("%s", self._concern)

    def _understood(self, text: str | None) -> tuple[Intervals | None, str | None]:
        scrape = self._grid.scrape_seconds
        assumed = f"a scrape every {scrape} s is assumed (SLA_SCRAPE_INTERVAL_SECONDS)"
        if text is None:
            return None, f"Prometheus does not show its configuration: {assumed}"
        try:
            intervals = read_intervals(text)
        except ValueError as error:
            return None, f"the configuration of Prometheus cannot be read ({error}): {assumed}"
        if intervals.evaluation == scrape:
            return intervals, None
        return intervals, (
            f"Prometheus evaluates its rules every {intervals.evaluation:g} s, not every {scrape} s: slots"
            f" that no evaluation fits are computed from raw series; set evaluation_interval to {scrape}s"
        )
