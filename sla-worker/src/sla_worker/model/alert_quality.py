"""How good the alerts of a period were, as far as they arrived by webhook."""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.model.breach import Breach


@dataclass(frozen=True, slots=True)
class AlertEpisode:
    """One alert from its beginning to its end, in epoch seconds. `resolved`: the end is known."""

    alertname: str
    start: int
    end: int
    resolved: bool


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """All episodes of one alert in a period.

    `seconds` is the time in which at least one fired, `median_seconds` that of one that was resolved.
    `burned` is the largest share of its period's error budget that any SLA burned meanwhile, `burned_by` that
    SLA; None: none burned any, or that is not known. `harmless` are those beside which no SLA was in breach.
    """

    alertname: str
    fired: int
    seconds: int
    median_seconds: int | None
    harmless: int
    burned: float | None
    burned_by: str | None


@dataclass(frozen=True, slots=True)
class AlertQuality:
    """The alerts of a period, the noisiest first, and the breaches that no alert told of.

    `known_since`: alerts before that moment are not kept any more. `down_seconds`: so long no alert would
    have arrived, as the Watchdog did not.
    """

    alerts: tuple[AlertRecord, ...]
    untold: tuple[Breach, ...]
    known_since: int | None
    down_seconds: int
