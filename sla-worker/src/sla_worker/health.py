"""Whether the worker is healthy: passes that succeed, and a database that takes what is written."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Health:
    """What happened last, in memory: asking costs no statement. Safe to use from every thread.

    `limit_seconds` without a pass that succeeded are too long, from the start on. `troubles` and `concerns`
    are asked each time: a trouble is one line about why the worker is unhealthy, or None; concerns are lines
    about what does not keep it from its work, but should be looked at.
    """

    def __init__(
        self,
        limit_seconds: int,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        troubles: tuple[Callable[[], str | None], ...] = (),
        concerns: tuple[Callable[[], list[str]], ...] = (),
    ) -> None:
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._troubles = troubles
        self._concerns = concerns
        self._note: str | None = None
        self._lock = threading.Lock()
        self._succeeded = monotonic()
        self._succeeded_at: float | None = None
        self._error: str | None = None
        self._unread: int | None = None

    def passed(self, unread: int | None = None) -> None:
        """A pass succeeded; it left slots up to `unread` to the next one."""
        with self._lock:
            self._succeeded, self._succeeded_at = self._monotonic(), self._clock()
            self._unread = unread
            self._error = self._note = None

    def failed(self, error: str) -> None:
        """A pass failed."""
        with self._lock:
            self._error = error

    def note(self, line: str) -> None:
        """Show a line among the warnings until the next pass that succeeds."""
        with self._lock:
            self._note = line

    @property
    def last_pass_at(self) -> float | None:
        """When the last pass that succeeded ended, in epoch seconds; None before the first."""
        return self._succeeded_at

    @property
    def unread(self) -> int | None:
        """The newest slot that a catch-up has still to read; None when none is under way."""
        return self._unread

    @property
    def last_error(self) -> str | None:
        """Why the newest pass failed; None when it did not."""
        return self._error

    def reasons(self) -> list[str]:
        """Why the worker is unhealthy, one line a reason; empty when it is healthy."""
        found = [reason for trouble in self._troubles if (reason := trouble()) is not None]
        with self._lock:
            age = self._monotonic() - self._succeeded
            why = f"; {self._error}" if self._error and self._error not in found else ""
        if age > self._limit_seconds:
            found.append(
                f"the last pass that succeeded was {age:.0f} s ago, more than {self._limit_seconds} s{why}"
                if self._succeeded_at is not None
                else f"no pass has succeeded for {age:.0f} s, more than {self._limit_seconds} s{why}"
            )
        return found

    def warnings(self) -> list[str]:
        """What somebody should look at although the worker is healthy, one line each."""
        noted = [self._note] if self._note is not None else []
        return noted + [line for concern in self._concerns for line in concern()]

    def reason(self) -> str | None:
        """All of `reasons` in one line; None when the worker is healthy."""
        return "; ".join(self.reasons()) or None


class Completeness:
    """For how long passes have left something out that was due.

    That is from the last pass that left out nothing to the last one, so that it stands still while none
    succeeds: that is another trouble.
    """

    def __init__(self) -> None:
        self._complete_at = 0.0

    def seconds(
        self,
        passed_at: float | None,
        now: float,
        *,
        complete: Callable[[], bool],
        oldest: Callable[[], int | None],
    ) -> float:
        """So many seconds; `passed_at` is when the last pass ended, None before the first since the start.

        `complete` says whether that pass left out nothing. Before the first, `oldest` is asked for the oldest
        slot that is missing (None: none is), as that much is known of what was before the start.
        """
        if passed_at is None:
            slot = oldest()
            self._complete_at = now if slot is None else slot
            return max(now - self._complete_at, 0.0)
        # A clock that was set back must not make it wait for a time that was never there.
        self._complete_at = passed_at if complete() else min(self._complete_at, passed_at)
        return passed_at - self._complete_at
