"""Asks Prometheus which alerts fired when a breach began: the likely cause.

Prometheus' own record (`ALERTS`) says it to the second and for as long as samples are kept. What Alertmanager
sends by webhook is grouped, late, and lacks what was silenced or inhibited.

Counted are the alerts that fired in the breach's first slot, and those that began within ten minutes before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from sla_worker.answers import Series
from sla_worker.conventions import WATCHDOG
from sla_worker.database import SLADatabase
from sla_worker.errors import PrometheusError
from sla_worker.model import BeganBreach, BreachAlert, Causes
from sla_worker.prometheus import PrometheusClient

_BEFORE_SECONDS = 600
_KEPT_ALERTS = 20
_LONGEST_LABEL = 200
_INTERVAL_SECONDS = 60.0  # between two evaluations, where no alert has two samples
_NOT_LABELS = frozenset({"__name__", "alertname", "alertstate", "severity"})
_NO_RECORD = f"Prometheus has no alert of that time on record, not even {WATCHDOG}"


class CauseFinder:
    """`turn` is a chore of the loop: it makes no statement while no breach has begun."""

    def __init__(
        self, database: SLADatabase, client: PrometheusClient, *, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._client = client
        self._clock = clock
        database.causes.asked = True

    def turn(self) -> None:
        """Ask for the newest breaches that were not asked for. Raises DatabaseError."""
        for each in self._database.causes.due():
            self._database.causes.store(each, self.find(each))

    def find(self, breach: BeganBreach) -> Causes:
        """The alerts around the beginning of a breach; trouble instead where Prometheus cannot say."""
        end = breach.started_at + self._database.slot_seconds
        seconds = self._database.slot_seconds + _BEFORE_SECONDS
        now = int(self._clock())
        try:
            fired = self._client.query(f'ALERTS{{alertstate="firing"}}[{seconds}s]', end)
            active = self._client.query(f"last_over_time(ALERTS_FOR_STATE[{seconds}s])", end)
        except PrometheusError as error:
            return Causes(asked_at=now, trouble=str(error).partition(";")[0])
        series = [each for each in fired.series if each.times]
        if not series:
            return Causes(asked_at=now, trouble=_NO_RECORD)
        since = {_identity(each): int(each.values[-1]) for each in active.series if each.values}
        found = list(_causes(series, since, breach.started_at, end - seconds))
        found.sort(key=lambda each: (_distance(each, breach.key), each.since or 0, each.alertname))
        trouble = fired.warnings[0] if fired.warnings else None
        return Causes(tuple(found[:_KEPT_ALERTS]), len(found), now, trouble)


def _distance(alert: BreachAlert, key: str) -> int:
    """Alerts that name the SLA come first; those about another one's budget last: that suffers likewise."""
    return {key: 0, None: 1}.get(alert.labels.get("sla"), 2)


def firing(client: PrometheusClient, now: float) -> list[BreachAlert]:
    """The alerts that fire now, without the Watchdog. Raises PrometheusError."""
    found = client.query('ALERTS{alertstate="firing"}', now)
    return [
        BreachAlert(
            _cut(each.labels.get("alertname", "")),
            _cut(each.labels.get("severity", "")),
            {_cut(key): _cut(value) for key, value in each.labels.items() if key not in _NOT_LABELS},
            None,
        )
        for each in found.series
        if each.labels.get("alertname") != WATCHDOG
    ]


def _causes(
    series: Iterable[Series], since: dict[frozenset[tuple[str, str]], int], began: int, start: int
) -> Iterable[BreachAlert]:
    series = list(series)
    gaps = [after - before for each in series for before, after in pairwise(each.times)]
    interval = min(gaps, default=_INTERVAL_SECONDS)
    for each in series:
        name = each.labels.get("alertname", "")
        first, last = each.times[0], each.times[-1]
        new = first > start + interval
        # Between two evaluations an alert goes on as it was at the one before.
        if name == WATCHDOG or (last + interval <= began and not new):
            continue
        yield BreachAlert(
            _cut(name),
            _cut(each.labels.get("severity", "")),
            {_cut(key): _cut(value) for key, value in each.labels.items() if key not in _NOT_LABELS},
            int(first) if new else since.get(_identity(each)),
        )


def _identity(series: Series) -> frozenset[tuple[str, str]]:
    return frozenset(
        (key, value) for key, value in series.labels.items() if key not in {"__name__", "alertstate"}
    )


def _cut(text: str) -> str:
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return clean if len(clean) <= _LONGEST_LABEL else clean[: _LONGEST_LABEL - 1] + "…"
