"""The decorators: what is measured of a call of each kind of function, and that nothing of it changes."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager, closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit.instruments.recorded import Recorded


class SlowLibraryError(Exception):
    """A timeout of a library whose timeouts are no TimeoutError."""


ENDS: dict[str, tuple[BaseException, str, str]] = {
    "an error": (RuntimeError("no"), "error", "error"),
    "a timeout": (TimeoutError("late"), "timeout", "timeout"),
    "a timeout of asyncio": (asyncio.TimeoutError(), "timeout", "timeout"),  # noqa: UP041  # as users write it
    "a timeout that was named": (SlowLibraryError(), "timeout", "timeout"),
    "a cancellation": (asyncio.CancelledError(), "timeout", "cancelled"),
    "an interrupt": (KeyboardInterrupt(), "error", "error"),
}
"""An exception, the status of a request that it ends, and the kind of a query's error."""


class Case:
    """Decorated functions of each kind, all of which take 2 seconds and then end in the given way."""

    def __init__(self) -> None:
        self.recorded = Recorded()
        recorder = self.recorded.recorder
        self.request = recorder.track_request_metrics("crm", timeouts=(SlowLibraryError,))
        self.operation = recorder.track_database_operation("read", timeouts=(SlowLibraryError,))

    def work(self, error: BaseException | None) -> str:
        """What every function does: take 2 seconds, then fail or answer."""
        self.recorded.clock.now += 2
        if error is not None:
            raise error
        return "done"

    def plain(self, error: BaseException | None) -> str:
        return self.work(error)

    async def awaited(self, error: BaseException | None) -> str:
        await asyncio.sleep(0)
        return self.work(error)

    def generated(self, error: BaseException | None) -> Iterator[str]:
        yield "first"
        yield self.work(error)

    async def streamed(self, error: BaseException | None) -> AsyncIterator[str]:
        yield "first"
        yield self.work(error)


Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]


def plain(case: Case, decorate: Decorate, error: BaseException | None) -> object:
    return decorate(case.plain)(error)


def awaited(case: Case, decorate: Decorate, error: BaseException | None) -> object:
    return asyncio.run(decorate(case.awaited)(error))


def generated(case: Case, decorate: Decorate, error: BaseException | None) -> object:
    return list(decorate(case.generated)(error))[-1]


def streamed(case: Case, decorate: Decorate, error: BaseException | None) -> object:
    async def consume() -> object:
        return [item async for item in decorate(case.streamed)(error)][-1]

    return asyncio.run(consume())


RUNS = [plain, awaited, generated, streamed]
each_kind = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
Run = Callable[[Case, Decorate, BaseException | None], object]


@each_kind
def test_a_call_that_answers_is_a_success_and_its_time_is_counted(run: Run) -> None:
    case = Case()

    assert run(case, case.request, None) == "done"
    assert run(case, case.operation, None) == "done"

    assert case.recorded.requests("crm") == {"success": 1}
    assert case.recorded.seconds("crm") == 2
    assert case.recorded.queries("read") == {"success": 1}
    assert case.recorded.errors() == {}
    assert case.recorded.value("insa_database_query_duration_seconds_sum", operation="read") == 2


@pytest.mark.parametrize("end", ENDS)
@each_kind
def test_an_exception_passes_on_as_it_is_and_is_counted_by_its_kind(run: Run, end: str) -> None:
    case = Case()
    error, status, kind = ENDS[end]

    for decorate in (case.request, case.operation):
        with pytest.raises(type(error)) as raised:
            run(case, decorate, error)
        # asyncio makes a CancelledError of its own for a task that it has cancelled.
        assert raised.value is error or isinstance(error, asyncio.CancelledError)

    assert case.recorded.requests("crm") == {status: 1}
    assert case.recorded.seconds("crm") == 2
    assert case.recorded.in_flight("crm") == 0
    assert case.recorded.queries("read") == {"error": 1}
    assert case.recorded.errors() == {kind: 1}


def test_a_timeout_that_was_not_named_is_an_error() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    def answer() -> None:
        raise SlowLibraryError

    with pytest.raises(SlowLibraryError):
        answer()

    assert recorded.requests("crm") == {"error": 1}


def test_a_call_is_in_flight_while_it_lasts_and_not_before_or_after() -> None:
    recorded = Recorded()
    seen = []

    @recorded.recorder.track_request_metrics("crm")
    def answer(depth: int) -> None:
        seen.append(recorded.in_flight("crm"))
        if depth:
            answer(depth - 1)

    assert recorded.in_flight("crm") == 0
    answer(2)
    assert seen == [1, 2, 3]
    assert recorded.in_flight("crm") == 0


def test_coroutines_of_one_function_are_in_flight_side_by_side() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    async def answer(until: asyncio.Event) -> None:
        await until.wait()

    async def run() -> float | None:
        until = asyncio.Event()
        tasks = [asyncio.create_task(answer(until)) for _ in range(3)]
        await asyncio.sleep(0)
        during = recorded.in_flight("crm")
        until.set()
        await asyncio.gather(*tasks)
        return during

    assert asyncio.run(run()) == 3
    assert recorded.in_flight("crm") == 0
    assert recorded.requests("crm") == {"success": 3}


def test_a_deadline_of_the_caller_counts_as_a_timeout() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    async def answer() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with asyncio.timeout(0.01):
            await answer()

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert recorded.requests("crm") == {"timeout": 1}


def test_an_unawaited_coroutine_and_an_unused_generator_are_not_requests() -> None:
    recorded = Recorded()
    case = Case()
    track = recorded.recorder.track_request_metrics("crm")

    track(case.awaited)(None).close()
    track(case.generated)(None)
    track(case.streamed)(None)

    assert recorded.in_flight("crm") == 0
    assert recorded.requests("crm") == {}


def test_a_consumer_that_leaves_a_generator_early_has_had_its_answer() -> None:
    case = Case()
    items = case.request(case.generated)(None)

    with closing(items):  # type: ignore[type-var]  # a generator can be closed
        assert next(items) == "first"
        assert case.recorded.in_flight("crm") == 1
        case.recorded.clock.now += 5  # the consumer's own time

    assert case.recorded.in_flight("crm") == 0
    assert case.recorded.requests("crm") == {"success": 1}
    assert case.recorded.seconds("crm") == 5


def test_a_consumer_that_leaves_an_async_generator_early_closes_it_at_once() -> None:
    recorded = Recorded()
    closed = []

    @recorded.recorder.track_request_metrics("crm")
    async def answer() -> AsyncGenerator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(recorded.in_flight("crm"))

    async def run() -> None:
        async with aclosing(answer()) as items:
            async for item in items:
                assert item == 1
                break

    asyncio.run(run())
    assert closed == [1]
    assert recorded.in_flight("crm") == 0
    assert recorded.requests("crm") == {"success": 1}


def test_what_is_sent_into_a_generator_reaches_it_and_its_value_comes_back() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    def echo() -> Generator[int, int, str]:
        total = 0
        while total < 10:
            total += yield total
        return "full"

    items = echo()
    assert [next(items), items.send(4), items.send(3)] == [0, 4, 7]
    with pytest.raises(StopIteration) as ended:
        items.send(3)
    assert ended.value.value == "full"
    assert recorded.requests("crm") == {"success": 1}


def test_what_is_sent_into_an_async_generator_reaches_it() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    async def echo() -> AsyncGenerator[int, int]:
        total = 0
        while total < 10:
            total += yield total

    async def run() -> list[int]:
        items = echo()
        seen = [await anext(items), await items.asend(4), await items.asend(3)]
        with pytest.raises(StopAsyncIteration):
            await items.asend(3)
        return seen

    assert asyncio.run(run()) == [0, 4, 7]
    assert recorded.requests("crm") == {"success": 1}


def test_an_exception_thrown_into_an_async_generator_reaches_it() -> None:
    recorded = Recorded()
    ends = []

    @asynccontextmanager
    @recorded.recorder.track_database_operation("write")
    async def transaction() -> AsyncGenerator[str]:
        try:
            yield "connection"
        except ZeroDivisionError:
            ends.append("rolled back")
            raise
        ends.append("committed")

    async def run() -> None:
        async with transaction() as connection:
            assert connection == "connection"
        with pytest.raises(ZeroDivisionError):
            async with transaction():
                1 / 0  # noqa: B018  # it raises

    asyncio.run(run())
    assert ends == ["committed", "rolled back"]
    assert recorded.queries("write") == {"success": 1, "error": 1}
    assert recorded.errors() == {"error": 1}


def test_an_async_generator_may_go_on_after_an_exception_was_thrown_into_it() -> None:
    recorded = Recorded()

    @recorded.recorder.track_request_metrics("crm")
    async def stubborn() -> AsyncGenerator[str]:
        try:
            yield "first"
        except ValueError:
            yield "second"

    async def run() -> list[str]:
        items = stubborn()
        seen = [await anext(items), await items.athrow(ValueError())]
        seen.extend([item async for item in items])
        return seen

    assert asyncio.run(run()) == ["first", "second"]
    assert recorded.requests("crm") == {"success": 1}


def test_the_function_keeps_its_name_signature_and_kind() -> None:
    case = Case()

    for function in (case.plain, case.awaited, case.generated, case.streamed):
        wrapped = case.request(function)
        assert wrapped.__name__ == function.__name__
        assert wrapped.__doc__ == function.__doc__
        assert inspect.signature(wrapped) == inspect.signature(function)
        for kind in (
            inspect.iscoroutinefunction,
            inspect.isasyncgenfunction,
            inspect.isgeneratorfunction,
        ):
            assert kind(wrapped) == kind(function)


def test_methods_and_what_can_be_called_like_a_function_are_measured_too() -> None:
    recorded = Recorded()
    track = recorded.recorder.track_request_metrics("crm")

    class Agent:
        @track
        def answer(self, question: str) -> str:
            return f"{question}!"

        @classmethod
        @track
        def name(cls) -> str:
            return cls.__name__

        @staticmethod
        async def later(recorded: Recorded) -> None:
            recorded.clock.now += 3

        async def __call__(self, question: str) -> str:
            recorded.clock.now += 3
            return f"{question}?"

    assert Agent().answer("yes") == "yes!"
    assert Agent.name() == "Agent"
    assert recorded.seconds("crm") == 0
    assert asyncio.run(track(functools.partial(Agent.later, recorded))()) is None
    assert asyncio.run(track(Agent())("no")) == "no?"
    assert recorded.requests("crm") == {"success": 4}
    assert recorded.seconds("crm") == 6  # two awaited calls of 3 s


def test_the_decorated_agent_is_there_at_zero_before_its_first_call() -> None:
    case = Case()

    case.request(case.plain)
    case.operation(case.plain)

    assert case.recorded.value("insa_agent_requests_total", agent="crm", status="error") == 0
    assert case.recorded.in_flight("crm") == 0
    assert case.recorded.value("insa_database_queries_total", operation="read", status="error") == 0
    assert case.recorded.value("insa_database_errors_total", kind="cancelled") == 0


def test_two_functions_of_one_agent_count_together() -> None:
    case = Case()

    case.request(case.plain)(None)
    case.recorded.recorder.track_request_metrics("crm")(case.plain)(None)

    assert case.recorded.requests("crm") == {"success": 2}


ERRORS = st.sampled_from([None, *(error for error, _, _ in ENDS.values())])


@given(st.lists(st.tuples(st.sampled_from(RUNS), ERRORS), max_size=6))
def test_whatever_ends_the_calls_none_stays_in_flight_and_each_is_counted_once(
    calls: list[tuple[Run, BaseException | None]],
) -> None:
    case = Case()
    for number, (run, error) in enumerate(calls, start=1):
        try:
            run(case, case.request, error)
        except BaseException as raised:
            if type(raised) is not type(error):
                raise
        assert case.recorded.in_flight("crm") == 0
        assert sum(case.recorded.requests("crm").values()) == number
        assert case.recorded.value("insa_agent_request_duration_seconds_count", agent="crm") == number
