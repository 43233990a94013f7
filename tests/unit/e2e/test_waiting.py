"""The polls of the tests: how long they wait, and what they say when it does not come."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from waiting import SLOWNESS, StillWaitingError, patience, poll, stays, wait_for


def test_every_limit_is_stretched_alike() -> None:
    assert patience(5) == 5 * SLOWNESS
    assert SLOWNESS >= 1


def test_a_poll_returns_what_it_waited_for() -> None:
    found: Iterator[int | None] = iter([None, 0, 3, 7])
    assert poll(lambda: next(found), "more than 5", until=lambda number: number > 5) == 7


def test_a_poll_in_vain_says_what_it_saw_last() -> None:
    found = iter([[1], [1, 2], *[[1, 2, 3]] * 1000])
    with pytest.raises(StillWaitingError, match=r"for the list; last seen: \[1, 2, 3\]$"):
        wait_for([4], lambda: next(found), "the list", seconds=0.05)


def test_an_answer_that_is_an_error_is_not_yet_and_is_told_in_the_end() -> None:
    def refused() -> bool:
        raise httpx.ConnectError("nobody listens")

    with pytest.raises(StillWaitingError, match="last seen: 'ConnectError: nobody listens'"):
        poll(refused, "an answer", seconds=0.01)


def test_there_is_a_look_after_the_time_is_over() -> None:
    """A machine that did not let the test run for a while may have done what was waited for meanwhile."""
    looks = []
    poll(lambda: looks.append(1) or len(looks), "the second look", seconds=0, until=lambda count: count == 1)
    with pytest.raises(StillWaitingError):
        poll(lambda: False, "nothing", seconds=0)


def test_what_no_longer_holds_is_told() -> None:
    found = iter(["calm", "calm", "wild"])
    with pytest.raises(AssertionError, match=r"the state: no longer so after .* s, but 'wild'"):
        stays("calm", lambda: next(found), "the state", for_seconds=60, every_seconds=0.01)
