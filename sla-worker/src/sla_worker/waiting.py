"""A worker that waits until it may lead, and has nothing to show meanwhile."""

from __future__ import annotations

import logging

from sla_worker.errors import DatabaseLockedError

_log = logging.getLogger(__name__)
_EVERY_TURNS = 2


class Patient:
    """To see whether it is its turn it tries to lead, every few turns. `failure` is why it could not."""

    def __init__(self, error: Exception) -> None:
        """`error` says who leads."""
        self._turns = 0
        self.failure: str | None = None
        _log.info("standing by, to take over: %s", str(error).partition(";")[0])

    def turn(self) -> bool:
        """Whether it has waited for long enough."""
        self._turns += 1
        return self._turns % _EVERY_TURNS == 0

    def refused(self, error: DatabaseLockedError) -> None:  # noqa: ARG002 - of all who wait
        """Somebody else leads."""
        self.failure = None

    def failed(self, error: Exception) -> None:
        """It could not take the place that was free."""
        if str(error) != self.failure:
            _log.error("cannot take over error=%s", error)
        self.failure = str(error)

    def close(self) -> None:
        """There is nothing to close."""
