"""Waiting, for every test that starts something real: one time scale, and polls that say what they saw last.

Every limit in the tests is written for a machine with nothing else to do. `patience` stretches it, so that a
machine that is several times slower passes too; TEST_SLOWNESS says how many times. What must come still ends
the wait as soon as it is there: patience costs time only where a test fails.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

T = TypeVar("T")

SLOWNESS = float(os.environ.get("TEST_SLOWNESS") or 4)
EVERY_SECONDS = 0.05
NOT_YET = (httpx.TransportError, httpx.HTTPStatusError)
"""A refused or broken connection, and an answer that is an error: what was waited for is not there yet."""


NEW_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)
"""For a client that asks again and again: a server may close a kept connection just as it asks."""


class StillWaitingError(AssertionError):
    """What was waited for did not come in time; the message holds what was seen last."""


def patience(seconds: float) -> float:
    """How long to wait at most for what an idle machine does within `seconds`."""
    return seconds * SLOWNESS


def poll(
    look: Callable[[], T | None],
    what: str,
    *,
    seconds: float = 10,
    until: Callable[[T], object] = bool,
    every_seconds: float = EVERY_SECONDS,
) -> T:
    """Call `look` until what it returns satisfies `until` (by default: is true), and return that.

    None is never enough. `seconds` is the limit on an idle machine; raises StillWaitingError after
    `patience(seconds)`.
    """
    return _looked(look, what, seconds, lambda found: found is not None and until(found), every_seconds)  # type: ignore[return-value]


def _looked(
    look: Callable[[], T], what: str, seconds: float, enough: Callable[[T], object], every_seconds: float
) -> T:
    limit = patience(seconds)
    started = time.monotonic()
    seen: object = "nothing"
    while True:
        # A look that began in time counts, however long it took: so there is always one at the very end.
        last = time.monotonic() - started >= limit
        try:
            seen = found = look()
        except NOT_YET as error:
            seen = f"{type(error).__name__}: {error}"
        else:
            if enough(found):
                return found
        if last:
            raise StillWaitingError(f"waited {limit:g} s for {what}; last seen: {seen!r}")
        time.sleep(every_seconds)


def wait_for(expected: object, look: Callable[[], object], what: str, *, seconds: float = 10) -> None:
    """Wait until `look` returns `expected`, which may be None; see `poll`."""
    _looked(look, what, seconds, lambda found: found == expected, EVERY_SECONDS)


def stays(
    expected: object,
    look: Callable[[], object],
    what: str,
    *,
    for_seconds: float,
    every_seconds: float = 0.5,
) -> None:
    """Look again and again for so long; raises AssertionError as soon as `look` returns anything else."""
    started = time.monotonic()
    while (passed := time.monotonic() - started) < for_seconds:
        seen = look()
        assert seen == expected, f"{what}: no longer so after {passed:.1f} s, but {seen!r}"
        time.sleep(every_seconds)
