"""How a call ended, by the exception that ended it."""

from asyncio import CancelledError
from typing import Final

from insa_instruments.requests import ERROR, SUCCESS, TIMEOUT

Exceptions = tuple[type[BaseException], ...]

FAILED: Final = "error"
TIMED_OUT: Final = "timeout"
CANCELLED: Final = "cancelled"
ERROR_KINDS: Final = (FAILED, TIMED_OUT, CANCELLED)
"""How an operation on the database can fail."""


def status_of(error: BaseException | None, timeouts: Exceptions) -> str:
    """Return the status of a request. A cancelled one is a timeout: nobody waits for its answer any more."""
    if _wanted(error):
        return SUCCESS
    return TIMEOUT if isinstance(error, (TimeoutError, CancelledError, *timeouts)) else ERROR


def kind_of(error: BaseException | None, timeouts: Exceptions) -> str | None:
    """Return in which way an operation on the database failed; None when it did not."""
    if _wanted(error):
        return None
    if isinstance(error, CancelledError):
        return CANCELLED
    return TIMED_OUT if isinstance(error, (TimeoutError, *timeouts)) else FAILED


def _wanted(error: BaseException | None) -> bool:
    # A generator is closed by a consumer that has got what it wanted.
    return error is None or isinstance(error, GeneratorExit)
