"""Decorators that measure a call from start to end, for every kind of function."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import FunctionType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


class Calls(Protocol):
    """Notified of the calls of a function."""

    def began(self) -> None:
        """A call has started."""
        ...

    def returned(self, seconds: float, result: object) -> None:
        """A call ended, `seconds` after its begin; the result of a generator is None."""
        ...

    def raised(self, seconds: float, error: BaseException) -> None:
        """An exception ended a call; it passes on."""
        ...


def tracked(function: Callable[P, R], calls: Calls, clock: Callable[[], float]) -> Callable[P, R]:
    """Return the function, with `calls` notified of each of its calls; `clock` returns ascending seconds.

    A call of a coroutine function lasts while it is awaited, that of a generator function, async or not,
    from the first item asked for until the generator ends or is closed. What is sent or thrown into a
    generator reaches it.
    """
    # An object that can be called is what its class says.
    kinds = (function, type(function).__call__)
    untyped = cast("Callable[..., Any]", function)
    if any(inspect.iscoroutinefunction(each) for each in kinds):
        wrapper = _coroutine(untyped, calls, clock)
    elif any(inspect.isasyncgenfunction(each) for each in kinds):
        wrapper = _async_generator(untyped, calls, clock)
    elif any(inspect.isgeneratorfunction(each) for each in kinds):
        wrapper = _generator(untyped, calls, clock)
    else:
        wrapper = _function(untyped, calls, clock)
    return cast("Callable[P, R]", functools.wraps(function)(_at_home(wrapper, untyped)))


def _at_home(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the wrapper with the global names of the function in place of this module's.

    Whoever resolves annotations that are strings looks for their names among the globals of what it was
    given: FastAPI up to 0.119 does, and took every parameter for one of the query. So no wrapper below may
    use a global name of this module.
    """
    home = getattr(inspect.unwrap(function), "__globals__", None)
    if home is None or not isinstance(wrapper, FunctionType):
        return wrapper
    return FunctionType(wrapper.__code__, home, wrapper.__name__, None, wrapper.__closure__)


def _function(function: Callable[..., Any], calls: Calls, clock: Callable[[], float]) -> Callable[..., Any]:
    began, returned, raised = calls.began, calls.returned, calls.raised

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        began()
        started = clock()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            raised(clock() - started, error)
            raise
        returned(clock() - started, result)
        return result

    return wrapper


def _coroutine(function: Callable[..., Any], calls: Calls, clock: Callable[[], float]) -> Callable[..., Any]:
    began, returned, raised = calls.began, calls.returned, calls.raised

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        began()
        started = clock()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            raised(clock() - started, error)
            raise
        returned(clock() - started, result)
        return result

    return wrapper


def _generator(function: Callable[..., Any], calls: Calls, clock: Callable[[], float]) -> Callable[..., Any]:
    began, returned, raised = calls.began, calls.returned, calls.raised

    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        began()
        started = clock()
        try:
            value = yield from function(*args, **kwargs)
        except BaseException as error:
            raised(clock() - started, error)
            raise
        returned(clock() - started, None)
        return value

    return wrapper


def _async_generator(
    function: Callable[..., Any], calls: Calls, clock: Callable[[], float]
) -> Callable[..., Any]:
    began, returned, raised = calls.began, calls.returned, calls.raised

    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        began()
        started = clock()
        try:
            items = function(*args, **kwargs)
            step = anext(items)
            # `async for` would lose what the consumer sends and throws, and there is no `async yield from`.
            while True:
                try:
                    item = await step
                except StopAsyncIteration:
                    break
                try:
                    sent = yield item
                except GeneratorExit:
                    await items.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001  # it is the inner generator's to handle
                    step = items.athrow(error)
                else:
                    step = items.asend(sent)
        except BaseException as error:
            raised(clock() - started, error)
            raise
        returned(clock() - started, None)

    return wrapper
