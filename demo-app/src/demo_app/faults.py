"""The active faults: when they start, how strong they are and when they end.

This module only says which fault is active. Each mechanism asks it at the place where the cause lies
(a worker before it takes work, an upstream before it answers), and the metrics follow from what then happens.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from demo_app.catalogue import SPECS, FaultSpec
from demo_app.clock import Clock

log = logging.getLogger(__name__)

DEFAULT_DURATION_SECONDS: Final = 300.0
MINIMUM_DURATION_SECONDS: Final = 1.0
MAXIMUM_DURATION_SECONDS: Final = 86_400.0


class FaultEvents(Protocol):
    """Notified when a fault starts or ends."""

    def fault_changed(self, fault: str, *, active: bool) -> None:
        """Take note that `fault` is now active, or no longer."""
        ...


class UnknownFaultError(Exception):
    """No fault has this name; the message lists the known ones."""


class FaultValueError(Exception):
    """An intensity or a duration out of its range; the message holds the range."""


@dataclass(frozen=True, slots=True)
class FaultState:
    """The current state of a fault; `intensity` and `remaining_seconds` are None while it is not active."""

    spec: FaultSpec
    intensity: float | None
    remaining_seconds: float | None

    @property
    def active(self) -> bool:
        """Whether the fault is active."""
        return self.intensity is not None


@dataclass(frozen=True, slots=True)
class _Active:
    intensity: float
    ends_at: float


class Faults:
    """Which faults are active; safe to use from every thread."""

    def __init__(self, clock: Clock, events: FaultEvents, specs: Sequence[FaultSpec] = SPECS) -> None:
        self._clock = clock
        self._events = events
        self._specs = {spec.name: spec for spec in specs}
        self._active: dict[str, _Active] = {}
        self._lock = threading.Lock()

    def spec(self, name: str) -> FaultSpec:
        """Return what is known about a fault; raises UnknownFaultError."""
        try:
            return self._specs[name]
        except KeyError:
            raise UnknownFaultError(
                f"unknown fault: {name!r}; the known faults are {', '.join(self._specs)}"
            ) from None

    def intensity(self, name: str) -> float | None:
        """Return the intensity of a fault in its unit, or None while it is not active."""
        spec = self.spec(name)
        if not self._active:  # every turn of every thread asks, and nearly always in vain: no lock for that
            return None
        with self._lock:
            ended = self._end_due()
            active = self._active.get(spec.name)
        _log_ended(ended)
        return active.intensity if active else None

    def start(
        self, name: str, intensity: float | None = None, duration_seconds: float | None = None
    ) -> FaultState:
        """Start a fault, or change an active one, and return its state.

        None takes the fault's default intensity, or 300 seconds.
        Raises UnknownFaultError and FaultValueError.
        """
        spec = self.spec(name)
        strength = spec.default if intensity is None else intensity
        duration = DEFAULT_DURATION_SECONDS if duration_seconds is None else duration_seconds
        if not spec.minimum <= strength <= spec.maximum or (spec.whole and not float(strength).is_integer()):
            raise FaultValueError(f"invalid intensity of {name}: {strength!r}; {intensity_range(spec)}")
        if not MINIMUM_DURATION_SECONDS <= duration <= MAXIMUM_DURATION_SECONDS:
            raise FaultValueError(f"invalid duration_seconds: {duration!r}; {duration_range()}")
        with self._lock:
            self._active[name] = _Active(strength, self._clock.monotonic() + duration)
            self._events.fault_changed(name, active=True)
            state = self._state(spec)
        log.info("fault started fault=%s intensity=%g duration_seconds=%g", name, strength, duration)
        return state

    def stop(self, name: str) -> FaultState:
        """End a fault, active or not, and return its state; raises UnknownFaultError."""
        spec = self.spec(name)
        with self._lock:
            ended = self._end(name)
            state = self._state(spec)
        _log_ended(ended)
        return state

    def stop_all(self) -> None:
        """End every fault."""
        with self._lock:
            ended = [name for each in self._specs for name in self._end(each)]
        _log_ended(ended)

    def expire(self) -> None:
        """End the faults whose time is over, so that listeners hear of it without a question being asked."""
        with self._lock:
            ended = self._end_due()
        _log_ended(ended)

    def states(self) -> list[FaultState]:
        """Return the current state of every known fault."""
        with self._lock:
            ended = self._end_due()
            states = [self._state(spec) for spec in self._specs.values()]
        _log_ended(ended)
        return states

    def _state(self, spec: FaultSpec) -> FaultState:
        active = self._active.get(spec.name)
        if active is None:
            return FaultState(spec, None, None)
        remaining = max(0.0, active.ends_at - self._clock.monotonic())
        return FaultState(spec, active.intensity, remaining)

    def _end(self, name: str) -> list[str]:
        """End a fault and return it; nothing when it was not active. Whoever holds the lock logs it later."""
        if self._active.pop(name, None) is None:
            return []
        self._events.fault_changed(name, active=False)
        return [name]

    def _end_due(self) -> list[str]:
        now = self._clock.monotonic()
        due = [name for name, active in self._active.items() if active.ends_at <= now]
        return [name for each in due for name in self._end(each)]


def _log_ended(faults: Sequence[str]) -> None:
    # Never while the lock is held: a log handler may ask which faults are active.
    for fault in faults:
        log.info("fault ended fault=%s", fault)


def intensity_range(spec: FaultSpec) -> str:
    """Return in words what a fault takes as its intensity."""
    kind = "a whole number" if spec.whole else "a number"
    return f"give {kind} from {spec.minimum:g} to {spec.maximum:g} ({spec.unit})"


def duration_range() -> str:
    """Return in words what every fault takes as its duration."""
    return f"give a number from {MINIMUM_DURATION_SECONDS:g} to {MAXIMUM_DURATION_SECONDS:g} (seconds)"


def struck(share: float | None, draw: float) -> bool:
    """Return whether a request whose draw from [0, 1) is given belongs to the share that a fault takes."""
    return share is not None and draw < share
