"""The values that the mechanisms hand to one another."""

from dataclasses import dataclass
from enum import StrEnum

AGENTS = ("sizing", "crm", "research", "support")
WORKERS = ("worker-1", "worker-2", "worker-3", "worker-4")
CRM_API = "crm-api"
LLM = "llm"
DEPENDENCIES = (CRM_API, LLM)
CACHES = ("customer", "knowledge")


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
    """

    number: int
    agent: str
    seed: int
    arrived: float
    deadline: float
    dead_since: float | None = None
