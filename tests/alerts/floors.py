"""How soon an alert can be told at best: its `for`, its route's group_wait, one scrape and one evaluation.

Scrapes, evaluations and group_wait are those of the running stack, as its servers tell them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml
from amlint.routing import Router

from alerts.proof import Proof
from alerts.shipped import Alert
from compression.durations import parsed
from e2e.live import Stack
from waiting import patience

TOLERANCE_SECONDS = 10.0
"""A mail that comes later than its floor by more is a finding, on a machine with nothing else to do.

Alertmanager gives up a mail that hangs after 10 seconds and sends it again: a busy machine needs a multiple.
"""


@dataclasses.dataclass(frozen=True)
class Floors:
    """The waits of one running stack, in seconds; `group_wait_seconds` is by alert, of its first receiver."""

    factor: float
    scrape_seconds: float
    evaluation_seconds: float
    group_wait_seconds: Mapping[str, float]
    tolerance_seconds: float = dataclasses.field(default_factory=lambda: patience(TOLERANCE_SECONDS))

    def floor_seconds(self, alert: Alert) -> float:
        """From the cause to the first mail, if the rule's condition holds at once."""
        held = alert.for_seconds / self.factor
        waits = self.group_wait_seconds[alert.name] + self.scrape_seconds + self.evaluation_seconds
        return held + waits

    def overrun_seconds(self, proof: Proof) -> float | None:
        """By how much the first mail (or webhook) came later than its floor, counted from the condition.

        The scrape came before the condition and does not count. Below zero it came within the floor, and
        None says that it has not come.
        """
        if proof.told_at is None or proof.condition_at is None:
            return None
        floor = self.floor_seconds(proof.alert) - self.scrape_seconds
        return proof.told_at - proof.condition_at - floor


def floors_of(stack: Stack, alerts: Mapping[str, Alert]) -> Floors:
    """Read the waits of a running stack."""
    prometheus = yaml.safe_load(stack.get(f"{stack.prometheus}/api/v1/status/config")["data"]["yaml"])
    status = stack.get(f"{stack.alertmanager}/api/v2/status")
    router = Router(yaml.safe_load(status["config"]["original"])["route"])

    def group_wait(alert: Alert) -> float:
        matches = router.match(dict(alert.labels) | {"alertname": alert.name})
        return min(_seconds(match.opts.group_wait) for match in matches)

    return Floors(
        factor=stack.factor,
        scrape_seconds=_seconds(prometheus["global"]["scrape_interval"]),
        evaluation_seconds=_seconds(prometheus["global"]["evaluation_interval"]),
        group_wait_seconds={name: group_wait(alert) for name, alert in alerts.items()},
    )


def _seconds(duration: Any) -> float:  # as the parsed YAML has it
    return parsed(str(duration)).total_seconds()
