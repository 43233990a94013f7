"""Decorators that measure a call from its begin to its end, whatever kind of function it is of."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

Measure = Callable[[], AbstractContextManager[object]]
"""Makes what a call runs in: entered at its begin, left at its end, with the exception that ended it."""


class Measured:
    """Tells the begin of a call, and at its end the seconds since and the exception, which passes on."""

    __slots__ = ("_begin", "_clock", "_end", "_started")

    def __init__(
        self,
        begin: Callable[[], None],
        end: Callable[[float, BaseException | None], None],
        clock: Callable[[], float],
    ) -> None:
        self._begin = begin
        self._end = end
        self._clock = clock

    def __enter__(self) -> None:
        self._begin()
        self._started = self._clock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(self._clock() - self._started, error)


def tracked(function: Callable[P, R], measure: Measure) -> Callable[P, R]:
    """Return the function, each of whose calls runs in what `measure` makes.

    A call of a coroutine function lasts while it is awaited, that of a generator function, async or not,
    from the first item asked for until the generator ends or is closed. What is sent or thrown into a
    generator reaches it.
    """
    # An object that can be called is what its class says.
    kinds = (function, type(function).__call__)
    untyped = cast("Callable[..., Any]", function)
    if any(inspect.iscoroutinefunction(each) for each in kinds):
        wrapper = _coroutine(untyped, measure)
    elif any(inspect.isasyncgenfunction(each) for each in kinds):
        wrapper = _async_generator(untyped, measure)
    elif any(inspect.isgeneratorfunction(each) for each in kinds):
        wrapper = _generator(untyped, measure)
    else:
        wrapper = _function(untyped, measure)
    return cast("Callable[P, R]", functools.wraps(function)(wrapper))


def _function(function: Callable[..., Any], measure: Measure) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with measure():
            return function(*args, **kwargs)

    return wrapper


def _coroutine(function: Callable[..., Any], measure: Measure) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with measure():
            return await function(*args, **kwargs)

    return wrapper


def _generator(function: Callable[..., Any], measure: Measure) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with measure():
            return (yield from function(*args, **kwargs))

    return wrapper


def _async_generator(function: Callable[..., Any], measure: Measure) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with measure():
            items = function(*args, **kwargs)
            step = anext(items)
            # `async for` would lose what the consumer sends and throws, and there is no `async yield from`.
            while True:
                try:
                    item = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield item
                except GeneratorExit:
                    await items.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001  # it is the inner generator's to handle
                    step = items.athrow(error)
                else:
                    step = items.asend(sent)

    return wrapper
