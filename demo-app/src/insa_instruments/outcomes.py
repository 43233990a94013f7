"""How a call ended: by the exception that ended it, or by what it returned.

What cannot be imported here, because a program need not have it, is known by its name.
"""

import sys
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError as FutureCancelledError
from enum import IntEnum
from subprocess import TimeoutExpired
from typing import Final

from insa_instruments.requests import ERROR, SUCCESS, TIMEOUT

Exceptions = tuple[type[BaseException], ...]

FAILED: Final = "error"
TIMED_OUT: Final = "timeout"
CANCELLED: Final = "cancelled"
ERROR_KINDS: Final = (FAILED, TIMED_OUT, CANCELLED)
"""How an operation on the database can fail."""


class _End(IntEnum):
    """How a call ended, from good to bad: a group of exceptions ended as the worst of them."""

    WELL = 0
    CANCELLED = 1
    TIMED_OUT = 2
    FAILED = 3


# A cancelled request is a timeout: nobody is waiting for its answer.
_STATUSES: Final = {
    _End.WELL: SUCCESS,
    _End.CANCELLED: TIMEOUT,
    _End.TIMED_OUT: TIMEOUT,
    _End.FAILED: ERROR,
}
_KINDS: Final = {_End.CANCELLED: CANCELLED, _End.TIMED_OUT: TIMED_OUT, _End.FAILED: FAILED}

_GATEWAY_TIMEOUT: Final = 504
_SERVER_ERRORS: Final = range(500, 600)
_HTTP_STATUSES: Final = range(100, 600)


def status_of(error: BaseException, timeouts: Exceptions, expected: Exceptions) -> str:
    """Return the status of a request that the exception ended."""
    return _STATUSES[_end_of(error, timeouts, expected)]


def kind_of(error: BaseException, timeouts: Exceptions, expected: Exceptions) -> str | None:
    """Return in which way an operation on the database failed; None when it did not."""
    return _KINDS.get(_end_of(error, timeouts, expected))


def status_of_result(result: object) -> str:
    """Return the status of a request that ended with this result: by its HTTP status, if it has one."""
    code = _code_of_result(result)
    return SUCCESS if code is None else _STATUSES[_end_of_code(code)]


def _end_of(error: BaseException, timeouts: Exceptions, expected: Exceptions) -> _End:
    # What the program says of its exceptions goes before what is known of them.
    if isinstance(error, expected):
        return _End.WELL
    if isinstance(error, timeouts):
        return _End.TIMED_OUT
    if isinstance(error, BaseExceptionGroup):
        return max(_end_of(each, timeouts, expected) for each in error.exceptions)
    if isinstance(error, SystemExit):
        return _End.WELL if error.code is None or error.code is False or error.code == 0 else _End.FAILED
    for kind, end in _ENDS:
        if isinstance(error, kind):
            return end
    return _end_by_name(error)


_ENDS: Final[tuple[tuple[Exceptions, _End], ...]] = (
    # A generator is closed by a consumer that has got what it wanted.
    ((GeneratorExit,), _End.WELL),
    ((CancelledError, FutureCancelledError), _End.CANCELLED),
    ((TimeoutError, TimeoutExpired), _End.TIMED_OUT),
)


def _end_by_name(error: BaseException) -> _End:
    for kind in type(error).__mro__:
        rule = _BY_NAME.get(f"{kind.__module__}.{kind.__qualname__}")
        if rule is not None:
            return rule(error)
    return _End.FAILED


def _end_of_answer(error: BaseException) -> _End:
    """Take an exception that a web framework turns into its answer, with the status that it holds."""
    response = getattr(error, "response", None)  # Werkzeug's: one that was given goes before the code
    for each in (response, error):
        for name in ("status_code", "code"):
            code = getattr(each, name, None)
            if isinstance(code, int):
                return _end_of_code(code)
    return _End.FAILED


def _end_of_reason(error: BaseException) -> _End:
    """Take the exception of an address that could not be opened: by the reason that it holds."""
    return _End.TIMED_OUT if isinstance(getattr(error, "reason", None), TimeoutError) else _End.FAILED


# Only those that become an answer of this program: an HTTP client's exceptions hold the status of another
# program's answer, and a 404 that we were given may well be our error.
_BY_NAME: Final[Mapping[str, Callable[[BaseException], _End]]] = {
    "starlette.exceptions.HTTPException": _end_of_answer,
    "werkzeug.exceptions.HTTPException": _end_of_answer,
    "multiprocessing.context.TimeoutError": lambda _: _End.TIMED_OUT,
    "urllib.error.URLError": _end_of_reason,
}


def _end_of_code(code: int) -> _End:
    if code == _GATEWAY_TIMEOUT:
        return _End.TIMED_OUT
    return _End.FAILED if code in _SERVER_ERRORS else _End.WELL


def _code_of_result(result: object) -> int | None:
    if result is None or isinstance(result, str):
        return None
    if isinstance(result, tuple):
        return _code_of_tuple(result) if _in_flask_request() else None
    try:
        code = getattr(result, "status_code", None)
    except Exception:  # noqa: BLE001  # an attribute may be computed: then it says nothing, as if it were not there
        return None
    return code if isinstance(code, int) and code in _HTTP_STATUSES else None


def _in_flask_request() -> bool:
    # Elsewhere a tuple of a text and a number may mean anything.
    flask = sys.modules.get("flask")
    return flask is not None and bool(flask.has_request_context())


def _code_of_tuple(result: tuple[object, ...]) -> int | None:
    """Return the status of what a view of Flask returned: body and status, headers, or both."""
    if len(result) not in {2, 3}:
        return None
    match result[1]:
        case int(code):
            return code
        case str(line):  # "500 INTERNAL SERVER ERROR"
            number = line.partition(" ")[0]
            return int(number) if number.isdecimal() else None
        case _:
            return _code_of_result(result[0])
