"""The agents: each asks its upstream for one thing and makes an answer of it.

The upstream is the one part of the system that is not there: it stands for the models and services that
such agents call. A call says how long its answer takes, and the worker waits for it as for any network reply,
without holding its thread. The faults `errors`, `timeouts` and `latency` lie here, in what the upstream does.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from demo_app import faults as known
from demo_app.faults import Faults, struck
from demo_app.model import AGENTS, Request

SILENCE_LIMIT_SECONDS: Final = 6.0
"""An agent gives up when its upstream has sent nothing for so long."""

FASTEST_ANSWER_SECONDS: Final = 0.05
SLOWEST_ANSWER_SECONDS: Final = 1.5

MEDIAN_ANSWER_SECONDS: Final[Mapping[str, float]] = {
    "sizing": 0.35,
    "crm": 0.15,
    "research": 0.7,
    "support": 0.25,
}
SPREAD: Final = 0.4
"""Standard deviation of the logarithm of an answer's time; the answers are log-normal."""


class AgentError(Exception):
    """An agent could not do its task."""


class AgentTimeoutError(AgentError):
    """An agent's upstream stayed silent for too long."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that an agent has under way.

    `seconds` is when the agent goes on: with the answer, or without one when `answered` is false.
    `refused` says that the answer is a failure.
    """

    seconds: float
    answered: bool = True
    refused: bool = False


class Upstream:
    """What the agents depend on, with the faults that can be put into it."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def call(self, request: Request) -> Call:
        """Return the call that this request leads to.

        All draws are made, fault or no fault, so that a fault changes only the calls it strikes.
        """
        draws = random.Random(request.seed)  # noqa: S311  # traffic that repeats, not a secret
        answer = draws.lognormvariate(math.log(MEDIAN_ANSWER_SECONDS[request.agent]), SPREAD)
        seconds = min(max(answer, FASTEST_ANSWER_SECONDS), SLOWEST_ANSWER_SECONDS)
        refusal_draw, silence_draw = draws.random(), draws.random()
        if struck(self._faults.intensity(known.TIMEOUTS), silence_draw):
            return Call(SILENCE_LIMIT_SECONDS, answered=False)
        return Call(
            seconds + (self._faults.intensity(known.LATENCY) or 0.0),
            refused=struck(self._faults.intensity(known.ERRORS), refusal_draw),
        )


class Agent:
    """One agent of the CRM."""

    def __init__(self, name: str, upstream: Upstream) -> None:
        self.name = name
        self._upstream = upstream

    def begin(self, request: Request) -> Call:
        """Send the call that the request needs, and return it for the worker to wait on."""
        return self._upstream.call(request)

    def finish(self, request: Request, call: Call) -> None:
        """Make the answer out of what came back; raises AgentTimeoutError and AgentError."""
        if not call.answered:
            raise AgentTimeoutError(
                f"{self.name}: no answer to request {request.number} in {call.seconds:g} s"
            )
        if call.refused:
            raise AgentError(f"{self.name}: the upstream refused request {request.number}")


def all_agents(faults: Faults) -> dict[str, Agent]:
    """Return the agents of the CRM by name, on one upstream."""
    upstream = Upstream(faults)
    return {name: Agent(name, upstream) for name in AGENTS}
