"""How a call ended: the status of a request and the kind of a query's error, by exception and by result."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import subprocess
import sys
import urllib.error
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import fastapi
import flask
import httpx
import pytest
import werkzeug.exceptions
from fastapi.responses import JSONResponse

from unit.instruments.recorded import Recorded
from waiting import patience


class Known(Exception):  # noqa: N818  # what a program expects is not an error
    """An exception that a test names as expected or as a timeout."""


def exit_of(code: object) -> BaseException:
    return SystemExit(code)


def group(*errors: BaseException) -> BaseException:
    return BaseExceptionGroup("several", errors)


TIMED_OUT = TimeoutError("late")
FAILED = RuntimeError("no")
CANCELLED = asyncio.CancelledError()
EXPIRED = subprocess.TimeoutExpired("sleep", 1)

EXCEPTIONS: list[tuple[str, BaseException, str, str | None]] = [
    # Libraries whose timeouts and cancellations are no TimeoutError and no CancelledError of asyncio.
    ("subprocess", EXPIRED, "timeout", "timeout"),
    ("multiprocessing", multiprocessing.TimeoutError(), "timeout", "timeout"),
    ("urllib, late", urllib.error.URLError(TIMED_OUT), "timeout", "timeout"),
    ("urllib, refused", urllib.error.URLError(ConnectionRefusedError()), "error", "error"),
    ("a cancelled future", concurrent.futures.CancelledError(), "timeout", "cancelled"),
    # The end of a program.
    ("exit", exit_of(None), "success", None),
    ("exit 0", exit_of(0), "success", None),
    ("exit 1", exit_of(1), "error", "error"),
    ("exit with words", exit_of("no file"), "error", "error"),
    # A group ended as the worst of what it holds: error, timeout, cancellation, success.
    ("group of timeouts", group(TIMED_OUT, EXPIRED), "timeout", "timeout"),
    ("group in a group", group(TIMED_OUT, group(TIMED_OUT)), "timeout", "timeout"),
    ("timeouts and an error", group(TIMED_OUT, group(FAILED)), "error", "error"),
    ("cancellations", group(CANCELLED, CANCELLED), "timeout", "cancelled"),
    ("a cancellation and a timeout", group(CANCELLED, TIMED_OUT), "timeout", "timeout"),
    ("exits", group(exit_of(0), exit_of(0)), "success", None),
    # The client's mistakes, and what the server answers for itself.
    ("FastAPI 404", fastapi.HTTPException(404), "success", None),
    ("FastAPI 500", fastapi.HTTPException(500), "error", "error"),
    ("FastAPI 504", fastapi.HTTPException(504), "timeout", "timeout"),
    ("Flask 401", werkzeug.exceptions.Unauthorized(), "success", None),
    ("Flask, a missing field", werkzeug.exceptions.BadRequestKeyError("q"), "success", None),
    ("Flask 503", werkzeug.exceptions.ServiceUnavailable(), "error", "error"),
    (
        "Flask, a response of its own",
        werkzeug.exceptions.HTTPException(response=flask.Response("no", 409)),
        "success",
        None,
    ),
    (
        "Flask, a response in place of the code",
        werkzeug.exceptions.NotFound(response=flask.Response("no", 500)),
        "error",
        "error",
    ),
    ("group of 404 and a timeout", group(fastapi.HTTPException(404), TIMED_OUT), "timeout", "timeout"),
    # The status of another server's answer is not that of ours.
    (
        "httpx 404",
        httpx.HTTPStatusError("no", request=httpx.Request("GET", "http://a"), response=httpx.Response(404)),
        "error",
        "error",
    ),
]


@pytest.mark.parametrize(
    ("error", "status", "kind"), [row[1:] for row in EXCEPTIONS], ids=[row[0] for row in EXCEPTIONS]
)
def test_an_exception_has_its_status_and_kind(error: BaseException, status: str, kind: str | None) -> None:
    assert ended_by(error) == (status, kind)


def ended_by(error: BaseException, **how: tuple[type[BaseException], ...]) -> tuple[str, str | None]:
    """The status of a request and the kind of a query's error, of calls that the exception ended."""
    recorded = Recorded()

    def fail() -> None:
        raise error

    for track in (
        recorded.recorder.track_request_metrics("crm", **how),
        recorded.recorder.track_database_operation("read", **how),
    ):
        with pytest.raises(type(error)) as raised:
            track(fail)()
        assert raised.value is error
    (status,) = recorded.requests("crm")
    kinds = [*recorded.errors()]
    # A query counts as an error, of one kind, or as a success of none.
    assert recorded.queries("read") == {"error" if kinds else "success": 1}
    assert recorded.in_flight("crm") == 0
    return status, kinds[0] if kinds else None


def test_what_a_program_expects_is_a_success() -> None:
    assert ended_by(Known()) == ("error", "error")
    assert ended_by(Known(), expected=(Known,)) == ("success", None)
    assert ended_by(group(Known(), Known()), expected=(Known,)) == ("success", None)
    assert ended_by(group(Known(), TIMED_OUT), expected=(Known,)) == ("timeout", "timeout")
    assert ended_by(Known(), timeouts=(Known,)) == ("timeout", "timeout")


def test_what_is_named_goes_before_what_is_known() -> None:
    assert ended_by(TIMED_OUT, expected=(TimeoutError,)) == ("success", None)
    assert ended_by(fastapi.HTTPException(404), timeouts=(fastapi.HTTPException,)) == ("timeout", "timeout")
    assert ended_by(Known(), expected=(Known,), timeouts=(Known,)) == ("success", None)


RESULTS: list[tuple[str, Any, str]] = [
    ("nothing", None, "success"),
    ("a text", "done", "success"),
    ("Starlette 500", JSONResponse({}, 500), "error"),
    ("Starlette 404", JSONResponse({}, 404), "success"),
    ("Starlette 504", JSONResponse({}, 504), "timeout"),
    ("Flask 502", flask.Response("no", 502), "error"),
    ("any response", SimpleNamespace(status_code=500), "error"),
    ("a code of HTTPStatus", SimpleNamespace(status_code=HTTPStatus.BAD_GATEWAY), "error"),
    ("a status that is not a code", SimpleNamespace(status_code="500"), "success"),
    ("a status of another protocol", SimpleNamespace(status_code=5000), "success"),
    # Outside a request of Flask a tuple may mean anything, such as a text and its length.
    ("a tuple", ("done", 500), "success"),
]


@pytest.mark.parametrize(("result", "status"), [row[1:] for row in RESULTS], ids=[row[0] for row in RESULTS])
def test_a_result_has_its_status(result: object, status: str) -> None:
    assert status_after(result) == status


def status_after(result: object) -> str:
    recorded = Recorded()
    assert recorded.recorder.track_request_metrics("crm")(lambda: result)() is result
    (status,) = recorded.requests("crm")
    return status


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (("boom", 500), "error"),
        (("late", 504), "timeout"),
        (("made", 201), "success"),
        (("boom", "500 INTERNAL SERVER ERROR"), "error"),
        (("boom", HTTPStatus.BAD_GATEWAY, {"X-A": "b"}), "error"),
        (("done", {"X-A": "b"}), "success"),
        ((flask.Response("no", 500), {"X-A": "b"}), "error"),
        ((), "success"),
        (("one",), "success"),
        (("odd", ""), "success"),
    ],
)
def test_in_a_request_of_flask_a_tuple_has_its_status(result: object, status: str) -> None:
    with flask.Flask(__name__).test_request_context():
        assert status_after(result) == status


def test_a_result_whose_attributes_cannot_be_had_is_a_success() -> None:
    class Lazy:
        def __getattr__(self, name: str) -> object:
            raise ConnectionError(name)

    assert status_after(Lazy()) == "success"


def test_a_program_may_take_the_status_from_its_own_results() -> None:
    recorded = Recorded()
    track = recorded.recorder.track_request_metrics(
        "crm", status=lambda answer: "success" if answer["ok"] else "error"
    )

    assert track(lambda: {"ok": False})() == {"ok": False}
    assert asyncio.run(track(awaited)()) == {"ok": True}

    assert recorded.requests("crm") == {"error": 1, "success": 1}


async def awaited() -> dict[str, bool]:
    return {"ok": True}


def test_a_status_that_cannot_be_taken_is_an_error_and_is_raised() -> None:
    recorded = Recorded()

    with pytest.raises(ValueError, match="invalid status: 'fine'; give one of success, error, timeout"):
        recorded.recorder.track_request_metrics("crm", status=lambda _: "fine")(str)()  # type: ignore[arg-type, return-value]
    with pytest.raises(KeyError):
        recorded.recorder.track_request_metrics("crm", status=lambda answer: answer["ok"])(dict)()

    assert recorded.requests("crm") == {"error": 2}
    assert recorded.in_flight("crm") == 0


def test_nothing_of_the_known_libraries_is_imported() -> None:
    program = "import sys, insa_instruments; print({'starlette', 'werkzeug', 'flask'} & sys.modules.keys())"
    path = [each for each in sys.path if each]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {program}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=patience(60),
    )
    assert done.stdout == "set()\n"
