"""The values that the mechanisms pass to each other."""

import math
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

AGENTS = ("sizing", "crm", "research", "support")
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4")
CRM_API = "crm-api"
LLM = "llm"
DEPENDENCIES = (CRM_API, LLM)
CACHES = ("customer", "knowledge")

REQUESTS: Final = "requests"
CUSTOMERS: Final = "customers"
TOPICS: Final = (REQUESTS, CUSTOMERS)
"""Of the message bus: one message for every request that ended, and one for every visit written down."""

SMALLEST_BYTES: Final = 100
MEDIAN_BYTES: Final = 1500
LARGEST_BYTES: Final = 100_000
SIZE_SPREAD: Final = 1.0
"""Standard deviation of the logarithm of a request's size; the sizes are log-normal."""


class Status(StrEnum):
    """How a request ended."""

    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Request:
    """One request on its way through the system.

    `seed` feeds every random choice made for this request, so that a run repeats whatever the threads do.
    `arrived` and `deadline` are seconds of the monotonic clock; the sender leaves at the deadline.
    `dead_since` is when the message of a replayed request died first, None for one that never did.
    A task of the batch client has this shape too, without a deadline; it is counted by that client alone.
    """

    number: int
    agent: str
    seed: int
    arrived: float
    deadline: float
    dead_since: float | None = None

    @property
    def size_bytes(self) -> int:
        """How large the request is, between 100 bytes and 100 kB; most are of a few kB."""
        draws = random.Random(f"size {self.seed}")  # noqa: S311  # traffic that repeats, not a secret
        size = draws.lognormvariate(math.log(MEDIAN_BYTES), SIZE_SPREAD)
        return int(min(max(size, SMALLEST_BYTES), LARGEST_BYTES))
