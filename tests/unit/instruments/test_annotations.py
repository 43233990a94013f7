"""Annotations behind a decorator: whoever resolves them finds the names of the function's own module."""

from __future__ import annotations

import asyncio
import builtins
import functools
import inspect
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import fastapi
import httpx
import pytest
from pydantic import BaseModel

from insa_instruments import tracking
from unit.instruments.recorded import Recorded


class Question(BaseModel):
    """A body of a request, whose name is known in this module alone."""

    text: str


def plain(question: Question) -> str:
    return question.text.upper()


async def awaited(question: Question) -> str:
    return question.text.upper()


def generated(question: Question) -> Iterator[str]:
    yield question.text.upper()


async def streamed(question: Question) -> AsyncIterator[str]:
    yield question.text.upper()


FUNCTIONS = (plain, awaited, generated, streamed)
each_kind = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    return Recorded().recorder.track_request_metrics("crm")(function)


@each_kind
def test_names_resolve_among_the_globals_of_what_the_decorator_returns(function: Callable[..., Any]) -> None:
    """What FastAPI up to 0.119 does: the signature's texts, in the globals of the endpoint itself."""
    wrapped = decorated(function)
    text = inspect.signature(wrapped).parameters["question"].annotation

    assert text == "Question"
    assert eval(text, wrapped.__globals__) is Question  # type: ignore[attr-defined]  # noqa: S307  # a name
    assert wrapped.__globals__ is function.__globals__  # type: ignore[attr-defined]


@each_kind
def test_names_resolve_after_unwrapping(function: Callable[..., Any]) -> None:
    wrapped = decorated(function)

    assert typing.get_type_hints(wrapped)["question"] is Question
    assert inspect.signature(wrapped, eval_str=True).parameters["question"].annotation is Question
    assert inspect.unwrap(wrapped) is function


def test_names_resolve_behind_another_decorator_that_keeps_what_it_wraps() -> None:
    @functools.wraps(plain)
    def other(*args: Any, **kwargs: Any) -> str:
        return plain(*args, **kwargs)

    assert decorated(other).__globals__ is plain.__globals__  # type: ignore[attr-defined]


def test_what_has_no_globals_is_measured_as_well() -> None:
    assert decorated(len)("four") == 4
    assert decorated(functools.partial(plain, Question(text="yes")))() == "YES"


def test_the_wrappers_use_no_global_name_but_those_of_the_language() -> None:
    """They run among the globals of a program that has none of this package's."""
    inner = [
        constant
        for make in (
            tracking._function,
            tracking._coroutine,
            tracking._generator,
            tracking._async_generator,
        )
        for constant in make.__code__.co_consts
        if inspect.iscode(constant)
    ]
    assert len(inner) == 4
    # `aclose`, `athrow` and `asend` are attributes.
    names = {name for code in inner for name in code.co_names} - {"aclose", "athrow", "asend"}
    assert {name for name in names if not hasattr(builtins, name)} == set()


def test_fastapi_takes_the_body_of_a_decorated_endpoint() -> None:
    app = fastapi.FastAPI()
    for function in (plain, awaited):
        app.post(f"/{function.__name__}")(decorated(function))

    async def post(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.post(path, json={"text": "yes"})

    answers = [asyncio.run(post(f"/{function.__name__}")) for function in (plain, awaited)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, "YES"), (200, "YES")]
