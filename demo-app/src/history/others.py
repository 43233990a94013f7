"""The monitoring itself through the month: its targets answer, its rules are evaluated, its mails arrive."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from history.month import Stretch
from history.recording import STEP_SECONDS
from history.story import DAY, REPORT_HOUR, Happened
from simulation.series import PROCESS_START, UP, Metric, Target, counter

_GROUPS = 11
_EVALUATIONS = 4 * 52
"""So many rules are evaluated in a minute."""
_WATCHDOG_SECONDS = 300
_OFFSETS_MS = {"prometheus": 2_107, "alertmanager": 4_871, "grafana": 9_330, "sla-worker": 12_005}


@dataclass(slots=True)
class Other:
    """One of the bundle's own services, as Prometheus scraped it."""

    target: Target
    begin: int
    incidents: Sequence[Happened]
    _carried: dict[Metric, float] = field(default_factory=dict)
    _done: int = 0

    def stretches(self, until: int) -> Iterator[Stretch]:
        """Every series from where the last call ended to before an epoch second."""
        offset = _OFFSETS_MS.get(self.target.job, 0)
        last = max(self._done, (until * 1000 - offset - self.begin * 1000) // (STEP_SECONDS * 1000) + 1)
        steps, self._done = range(self._done, last), last
        at = [(self.begin + step * STEP_SECONDS) * 1000 + offset for step in steps]
        yield Stretch(UP, at, [1] * len(at))
        yield Stretch(PROCESS_START, at, [self.begin - DAY] * len(at))
        for metric, rises in self._counters(steps).items():
            values = list(itertools.accumulate(rises, initial=self._carried.get(metric, 0)))[1:]
            self._carried[metric] = values[-1] if values else self._carried.get(metric, 0)
            yield Stretch(metric, at, values)

    def _counters(self, steps: range) -> dict[Metric, list[int]]:
        seconds = [self.begin + step * STEP_SECONDS for step in steps]
        none = [0] * len(seconds)
        if self.target.job == "prometheus":
            group = ("rule_group", "history")
            return {
                counter("prometheus_rule_evaluations_total", group): [_EVALUATIONS] * len(seconds),
                counter("prometheus_rule_evaluation_failures_total", group): none,
            }
        if self.target.job == "alertmanager":
            told = {(each.begin + 300) // STEP_SECONDS for each in self.incidents}
            told |= {each.end // STEP_SECONDS for each in self.incidents if not each.lasts}
            mails = [2 if second // STEP_SECONDS in told else 0 for second in seconds]
            hooks = [
                mail // 2 + (second % _WATCHDOG_SECONDS == 0)
                for mail, second in zip(mails, seconds, strict=True)
            ]
            found: dict[Metric, list[int]] = {}
            for integration, rises in (("email", mails), ("webhook", hooks)):
                label = ("integration", integration)
                found[counter("alertmanager_notifications_total", label)] = rises
                failed = counter(
                    "alertmanager_notifications_failed_total", label, ("reason", "contextDeadlineExceeded")
                )
                found[failed] = none
            return found
        if self.target.job == "sla-worker":
            daily = [int(second % DAY == REPORT_HOUR * 3600) for second in seconds]
            return {
                counter("sla_notifications_total", ("result", result), ("type", "daily")): rises
                for result, rises in (("success", daily), ("failure", none), ("given_up", none))
            }
        return {}


def others(targets: Mapping[str, str], begin: int, incidents: Sequence[Happened]) -> list[Other]:
    """The services of the bundle by the address under which Prometheus scrapes them."""
    return [Other(Target(job, instance), begin, incidents) for job, instance in targets.items()]
