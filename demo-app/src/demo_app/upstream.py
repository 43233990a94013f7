"""What the agents depend on: the one part of the system that is simulated.

It stands in for the models and services that such agents call. A call says how long its answer takes and what
it is; the agent's worker waits for it as for any network reply. The faults of the dependencies are here.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from demo_app import catalogue as known
from demo_app.clock import Clock
from demo_app.faults import Faults, struck
from demo_app.model import CRM_API, DEPENDENCIES, LLM, Request

SILENCE_LIMIT_SECONDS: Final = 6.0
"""An agent gives up when its upstream has sent nothing for so long."""

FASTEST_ANSWER_SECONDS: Final = 0.05
"""Also the time of every answer that needs no work: busy, not there, cannot read that."""

SLOWEST_ANSWER_SECONDS: Final = 1.5

MEDIAN_ANSWER_SECONDS: Final[Mapping[str, float]] = {
    "sizing": 0.35,
    "crm": 0.15,
    "research": 0.7,
    "support": 0.25,
}
SPREAD: Final = 0.4
"""Standard deviation of the logarithm of an answer's time; the answers are log-normal."""

DEPENDENCY_OF: Final[Mapping[str, str]] = {"sizing": LLM, "crm": CRM_API, "research": LLM, "support": LLM}
"""What each agent calls."""

MAXIMUM_ATTEMPTS: Final = 4
"""How often the agents try a call, in all."""

BUSY_SHARE: Final = 0.01
"""Share of the calls that find their dependency busy once, on the best of days."""

POISONED_WITH_REPLAY_SHARE: Final = 0.02
"""Share of the messages that nobody can read while the replay of dead letters fails."""


class Outcome(Enum):
    """What came back from a call."""

    ANSWERED = auto()
    REFUSED = auto()
    """A failure that another attempt would not fix."""
    SILENT = auto()
    """Nothing came back until the agent gave up."""
    BUSY = auto()
    """The dependency is there and asks for another attempt."""
    UNREADABLE = auto()
    """The dependency cannot read the message; the caller cannot know whether a retry would help."""
    DOWN = auto()
    """The dependency cannot be reached."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call under way: after `seconds` the caller knows its outcome."""

    seconds: float
    outcome: Outcome = Outcome.ANSWERED


class Upstream:
    """The dependencies of the agents, with the faults that can be put into them."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self._faults = faults
        self._clock = clock

    def call(self, request: Request, attempt: int = 1) -> Call:
        """Return the call that this attempt, counted from 1, leads to.

        All draws are made, fault or no fault, so that a fault changes only the calls it strikes; every
        attempt of a request has the same draws.
        """
        draws = random.Random(request.seed)  # noqa: S311  # traffic that repeats, not a secret
        answer = draws.lognormvariate(math.log(MEDIAN_ANSWER_SECONDS[request.agent]), SPREAD)
        seconds = min(max(answer, FASTEST_ANSWER_SECONDS), SLOWEST_ANSWER_SECONDS)
        refusal_draw, silence_draw, busy_draw, poison_draw = (draws.random() for _ in range(4))
        if self._down(DEPENDENCY_OF[request.agent]):
            return Call(FASTEST_ANSWER_SECONDS, Outcome.DOWN)
        if self._strikes(known.TIMEOUTS, silence_draw):
            return Call(SILENCE_LIMIT_SECONDS, Outcome.SILENT)
        seconds_late = seconds + (self._faults.intensity(known.LATENCY) or 0.0)
        if self._strikes(known.ERRORS, refusal_draw):
            return Call(seconds_late, Outcome.REFUSED)
        if self._poisoned(poison_draw):
            return Call(FASTEST_ANSWER_SECONDS, Outcome.UNREADABLE)
        if self._busy(attempt, busy_draw):
            return Call(FASTEST_ANSWER_SECONDS, Outcome.BUSY)
        return Call(seconds_late)

    def _strikes(self, fault: str, draw: float) -> bool:
        return struck(self._faults.intensity(fault), draw)

    def _down(self, dependency: str) -> bool:
        down = self._faults.intensity(known.DEPENDENCY_DOWN)
        if down is not None and DEPENDENCIES.index(dependency) < down:
            return True
        period = self._faults.intensity(known.BREAKER_FLAPPING)
        return dependency == LLM and period is not None and self._clock.monotonic() % period < period / 2

    def _poisoned(self, draw: float) -> bool:
        # The replay is to fail with something to replay: a few messages die while it is broken.
        some = self._faults.intensity(known.REPLAY_FAILURE) is not None and draw < POISONED_WITH_REPLAY_SHARE
        return some or self._strikes(known.POISONED_MESSAGES, draw)

    def _busy(self, attempt: int, draw: float) -> bool:
        return (
            (attempt == 1 and draw < BUSY_SHARE)
            or (attempt < MAXIMUM_ATTEMPTS and self._strikes(known.RETRY_STORM, draw))
            or self._strikes(known.RETRY_FAILURE, draw)
        )
