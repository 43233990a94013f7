"""Reads the samples of all SLAs over a stretch of slots with few requests."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from sla_worker.counting import DAY
from sla_worker.errors import NotSettledError
from sla_worker.grid import Grid
from sla_worker.needs import Expression, Kind, Need
from sla_worker.prometheus import Answer, ListeningClient, PrometheusClient
from sla_worker.reading import earlier
from sla_worker.reading.expressions import evaluate, joined
from sla_worker.reading.patterns import one_of
from sla_worker.reading.plan import BOUND, NAME, STARTED, UP, Plan, Target
from sla_worker.reading.targets import Raw, Targets
from sla_worker.reading.window import Samples, Window, merged
from sla_worker.selectors import Matcher

_log = logging.getLogger(__name__)
_MARGIN_SCRAPES = 3  # the last sample before a slot is no older than that, as a rule
_LONGEST_MARGIN = 600
_MOST_POINTS = 10_000  # of a range; engines refuse 11,000
_REMEMBERED_SECONDS = 3600
_TOGETHER = 50  # selectors, or instances, in one query
_TAG = "sla_need"
_NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?|\+?[Ii]nf")


class Reader:
    """`read` gives the samples of a stretch of slots. It remembers series and jobs between two calls.

    `portion` says that it reads a part of all needs; `most_series` is how many series the largest of its
    last answers had, those of all targets apart.
    """

    def __init__(self, client: PrometheusClient, grid: Grid, *, portion: bool = False) -> None:
        self._client: PrometheusClient = ListeningClient(client, self._hear)
        self._partial = False
        self._grid = grid
        self._portion = portion
        self._plan: Plan | None = None
        self.most_series = 0
        self._margin = _MARGIN_SCRAPES * grid.scrape_seconds
        self._jobs: dict[int, tuple[int, frozenset[str]]] = {}  # by the number of a need
        self._known_jobs: dict[frozenset[str], frozenset[str]] = {}
        self._buckets: dict[Need, tuple[int, str]] = {}
        self._warned: set[str] = set()
        self.requests = 0
        self.refused: dict[Expression, str] = {}

    def read(self, needs: tuple[Need, ...], expressions: Sequence[Expression], slots: range) -> Window:
        """The samples of these slots. Raises PrometheusError; then there is no figure at all."""
        plan = self._plan
        if plan is None or plan.needs is not needs:
            plan = self._plan = Plan(needs, portion=self._portion)
            self._jobs.clear()
        self.requests, self._partial = 0, False
        window = self._samples(plan, slots)
        found, refused, answers = evaluate(self._client, expressions, slots)
        self.requests += len(answers)
        window.found.update(found)
        self._tell(refused)
        self._look_back(window)
        window.join_families()
        window.partial = self._partial
        if self._partial:  # what they lack is not to be remembered
            self._jobs.clear()
            self._buckets.clear()
        return window

    def first_scrape(self, start: int, end: int) -> float | None:
        """When something was first scraped from `start` on, up to `end`, both ends of slots; None: never.

        To the slot, of as many as engines give points; else a little too early.
        """
        slot = self._grid.slot_seconds
        step = slot * max(ceil((end - start) / (_MOST_POINTS * slot)), 1)
        answer = self._client.query_range(f"count({UP})", start, end, step)
        times = [at for series in answer.series for at in series.times]
        if not times:
            return None
        return min(times) - (step - slot)

    def _samples(self, plan: Plan, slots: range) -> Window:
        seconds = slots[-1] - (slots.start - slots.step) + self._margin
        by_need: list[list[Samples]] = [[] for _ in plan.needs]
        seen = []
        about_targets: list[Raw] = []
        self.most_series = 0
        for number, query in enumerate(plan.queries):
            answer = self._client.query(f"{query}[{seconds}s]", slots[-1])
            self.requests += 1
            self._check_time(answer, slots[-1])
            seen.append(len(answer.series))
            for series in answer.series:
                if not series.times:
                    continue
                known = plan.known(number, series.labels)
                if number == plan.targets and known.name in {UP, STARTED}:
                    about_targets.append((series.labels, series.times, series.values))
                if known.needs:
                    samples = Samples(known, series.times, series.values)
                    for place in known.needs:
                        by_need[place].append(samples)
            others = len(answer.series) - (len(about_targets) if number == plan.targets else 0)
            self.most_series = max(self.most_series, others)
        targets = Targets(about_targets, self._grid)
        plan.forget(seen)
        self._margin = self._margin_for(targets)
        for place, each in enumerate(plan.needs):
            if each.bound is not None:
                by_need[place] = merged(by_need[place])
        return Window(slots, plan, targets, by_need)

    def _margin_for(self, targets: Targets) -> int:
        """Targets that are scraped seldom need a longer look back, or all their series seem to be new."""
        usual = _MARGIN_SCRAPES * self._grid.scrape_seconds
        return max(usual, min(ceil(2.2 * targets.intervals()), _LONGEST_MARGIN))

    def _look_back(self, window: Window) -> None:
        """Ask for what the stretch itself does not tell: the day before new, failed and silent series."""
        orphans = window.orphans()
        if orphans:
            self.requests += earlier.look_back(self._client, orphans, window.targets)
        self._shown(window)
        self._silent(window)
        self._bounds(window)

    def _shown(self, window: Window) -> None:
        """Which series a target that failed scrapes has shown in the day before the stretch."""
        names = sorted(
            {
                need.selector.name
                for need in window.plan.needs
                if need.kind is Kind.STATE and need.selector.name != UP
            }
        )
        failed = [
            key
            for key, target in window.targets.by_key.items()
            if names and target.failed(window.start, window.slots[-1])
        ]
        if not failed:
            return
        for number, query in enumerate(window.plan.queries):
            wanted = [name for name in names if name in query.names]
            regexes = [each for each in query.matchers if each.label != BOUND]
            if not wanted:
                continue
            for job, instances in _by_job(failed):
                where = [one_of(NAME, wanted), Matcher("job", "=", job), one_of("instance", instances)]
                text = f"{{{', '.join(str(each) for each in (*where, *regexes))}}}"
                answer = self._ask(f"last_over_time({text}[{DAY}s])", window.start)
                for series in answer.series:
                    known = window.plan.known(number, series.labels)
                    window.shown.setdefault(known.target, []).append(known)

    def _silent(self, window: Window) -> None:
        """The jobs of needs that name none: those of their series, else of the day before the stretch."""
        unknown: list[int] = []
        newest = window.slots[-1]
        for number in window.plan.without_job:
            there = window.by_need[number]
            if there:
                jobs = self._same_jobs(frozenset([each.known.target[0] for each in there]))
                window.jobs[number] = jobs
                self._jobs[number] = (newest, jobs)
                continue
            at, jobs = self._jobs.get(number, (-DAY, frozenset()))
            if abs(newest - at) > _REMEMBERED_SECONDS:
                unknown.append(number)
            else:
                window.jobs[number] = jobs
        if not unknown:
            return
        parts = [
            f"label_replace(group by (job) (last_over_time({window.plan.needs[number].selector}[{DAY}s])),"
            f' "{_TAG}", "{number}", "", "")'
            for number in unknown
        ]
        found: dict[str, set[str]] = {}
        answers = [
            self._ask(joined(parts[first : first + _TOGETHER]), window.start)
            for first in range(0, len(parts), _TOGETHER)
        ]
        for series in (series for answer in answers for series in answer.series):
            found.setdefault(series.labels.get(_TAG, ""), set()).add(series.labels.get("job", ""))
        for number in unknown:
            window.jobs[number] = frozenset(found.get(str(number), ()))
            self._jobs[number] = (newest, window.jobs[number])

    def _same_jobs(self, jobs: frozenset[str]) -> frozenset[str]:
        """Always the same object for the same jobs."""
        return self._known_jobs.setdefault(jobs, jobs)

    def _bounds(self, window: Window) -> None:
        """The buckets of histograms that have none at the bound that was asked for, to name them."""
        for need, series in zip(window.plan.needs, window.by_need, strict=True):
            if need.bound is None or series:
                continue
            at, bounds = self._buckets.get(need, (-DAY, ""))
            if abs(window.slots[-1] - at) > _REMEMBERED_SECONDS:
                text = f"group by ({BOUND}) (last_over_time({need.selector}[{DAY}s]))"
                answer = self._ask(text, window.slots[-1])
                bounds = _nearest([each.labels.get(BOUND, "") for each in answer.series], need.bound)
                self._buckets[need] = (window.slots[-1], bounds)
            window.buckets[need] = bounds

    def _ask(self, text: str, at: int) -> Answer:
        self.requests += 1
        return self._client.query(text, at)

    def _check_time(self, answer: Answer, slot: int) -> None:
        """Refuse an answer that was given before the slot was final by the clock of Prometheus."""
        final = slot + self._grid.scrape_seconds
        # The Date header has whole seconds, cut off.
        if answer.server_time is not None and answer.server_time + 1 < final:
            raise NotSettledError(
                f"the clock of Prometheus is {final - answer.server_time:.0f} s behind what slot {slot}"
                " needs; set the clocks of both machines, the slot is computed later"
            )

    def _hear(self, answer: Answer) -> None:
        """Note of any answer whether it may lack series; say once what the engine warns of."""
        for warning in answer.warnings:
            if warning not in self._warned:
                _log.warning("prometheus warns message=%r", warning)
                self._warned.add(warning)
        self._partial = self._partial or answer.partial

    def _tell(self, refused: dict[Expression, str]) -> None:
        for expression, why in refused.items():
            if expression not in self.refused:
                _log.warning("expression refused expression=%r error=%s", expression.text, why)
        self.refused = refused


def _by_job(targets: Iterable[Target]) -> Iterator[tuple[str, list[str]]]:
    """Instances of one job, so many as fit into one query."""
    found: dict[str, list[str]] = {}
    for job, instance in targets:
        found.setdefault(job, []).append(instance)
    for job, instances in found.items():
        for first in range(0, len(instances), _TOGETHER):
            yield job, instances[first : first + _TOGETHER]


def _nearest(bounds: Sequence[str], wanted: float) -> str:
    """The two bounds around the one that was wanted."""
    known = sorted(float(each) for each in bounds if _NUMBER.fullmatch(each))
    below, above = [each for each in known if each < wanted], [each for each in known if each > wanted]
    return " and ".join(f"{each:g}" for each in (*below[-1:], *above[:1]))
