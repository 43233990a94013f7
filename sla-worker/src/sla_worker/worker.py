"""The worker's loop: a pass when a slot is due or a catch-up goes on, and the chores beside it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sla_worker.calculator import Calculator
from sla_worker.errors import SLAWorkerError
from sla_worker.grid import Grid
from sla_worker.model import PassResult

_log = logging.getLogger(__name__)
TICK_SECONDS = 1.0  # how often due slots and chores are looked for
_RETRY_SECONDS = 15.0  # after a pass that failed

Chore = Callable[[], object]


class Worker:
    """`step` is one turn of the loop; `run` repeats it until `stopping` is set.

    `before` and `after` are done in every turn, before and after the pass: each must cost nothing while
    nothing is due. `passed(result, error, seconds)` is called after each pass; one of the first two is None.
    """

    def __init__(
        self,
        calculator: Calculator,
        *,
        grid: Grid,
        passed: Callable[[PassResult | None, str | None, float], None],
        before: tuple[Chore, ...],
        after: tuple[Chore, ...],
        stopping: threading.Event,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._calculator = calculator
        self._grid = grid
        self._tell = passed
        self._chores: tuple[Chore, ...] = (*before, self._pass_if_due, *after)
        self._complaints: dict[Chore, str] = {}
        self._stopping = stopping
        self._clock = clock
        self._monotonic = monotonic
        self._passed_slot: int | None = None
        self._catching_up = False  # the last pass left slots for the next one
        self._failed: tuple[int, str] | None = None  # the slot and the error that were said last
        self._retry_at = 0.0
        self.turned_at = time.monotonic()
        """When the last turn ended; by the real clock, whatever the other one says."""

    def run(self) -> None:
        """Repeat `step` until `stopping` is set. The loop outlives what nobody thought of."""
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception:  # noqa: BLE001 - a worker that stops measuring is worse
                _log.exception("step failed unexpectedly")
            self._stopping.wait(0 if self._catching_up else TICK_SECONDS)

    def step(self) -> None:
        """Do every chore, and a pass if a slot is due: none keeps another from its turn.

        An expected error is logged once in one line; of the others, the first is raised at the end.
        """
        unexpected: Exception | None = None
        for chore in self._chores:
            try:
                chore()
            except SLAWorkerError as error:
                if str(error) not in self._said():  # one cause may stop several chores
                    _log.error("step failed error=%s", error)
                self._complaints[chore] = str(error)
            except Exception as error:  # noqa: BLE001 - raised below
                unexpected = unexpected or error
            else:
                self._complaints.pop(chore, None)
        self.turned_at = time.monotonic()
        if unexpected is not None:
            raise unexpected

    def _said(self) -> set[str]:
        """The errors that the log has already, and that last."""
        return {*self._complaints.values(), *([self._failed[1]] if self._failed else [])}

    def _pass_if_due(self) -> None:
        slot = self._grid.newest_slot(self._clock())
        if slot == self._passed_slot or self._monotonic() < self._retry_at:
            return
        begun = self._monotonic()
        self._catching_up = False
        try:
            result = self._calculator.run_pass()
        except Exception as error:
            self._retry_at = self._monotonic() + min(_RETRY_SECONDS, self._grid.slot_seconds / 4)
            # Once a slot, not with each of its tries, and not what a chore has said already.
            if (slot, str(error)) != self._failed and str(error) not in self._complaints.values():
                _log.error("pass failed slot=%d error=%s", slot, error)
            self._failed = slot, str(error)
            self._tell(None, str(error) or type(error).__name__, self._monotonic() - begun)
            if not isinstance(error, SLAWorkerError):
                raise
            return
        seconds = self._monotonic() - begun
        self._failed = None
        # One that gets nowhere is not repeated at once: what it cannot read, it could not a second later.
        self._catching_up = result.unread is not None and result.stored > 0
        self._passed_slot = None if self._catching_up else slot
        _log.info(
            "pass done slot=%d rows=%d late=%d queries=%d seconds=%.4f",
            slot,
            result.stored,
            result.late,
            result.queries,
            seconds,
        )
        self._tell(result, None, seconds)
