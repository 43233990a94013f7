"""The loop: nothing in a turn keeps another thing from its turn, and errors are said once."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Any

import pytest

from logged import lines
from sla_worker.errors import DatabaseError, PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import PassResult
from sla_worker.worker import Worker
from unit.sla_worker.fake_prometheus import SLOT

RESULT = PassResult(measurements=(), late=0, queries=1)


class Calculator:
    """Counts its passes, and fails as told."""

    def __init__(self) -> None:
        self.passes = 0
        self.error: Exception | None = None
        self.pieces = 0  # so many passes leave slots for the next one
        self.stored = 24

    def run_pass(self) -> PassResult:
        self.passes += 1
        if self.error is not None:
            raise self.error
        self.pieces -= 1
        return replace(RESULT, unread=SLOT - 3000 if self.pieces >= 0 else None, stored=self.stored)


class Loop:
    """A worker whose clocks stand 45 s after SLOT, the first moment at which that slot is due."""

    def __init__(self, *before: Any) -> None:
        self.now = SLOT + 45.0
        self.calculator: Any = Calculator()
        self.ended: list[str | None] = []
        self.after = 0
        self.worker = Worker(
            self.calculator,
            grid=Grid(300, 15, settle=45),
            passed=lambda _result, error, _seconds: self.ended.append(error),
            before=before,
            after=(self._count,),
            stopping=threading.Event(),
            clock=lambda: self.now,
            monotonic=lambda: self.now,
        )

    def _count(self) -> None:
        self.after += 1


def test_a_slot_is_passed_once_when_it_is_due() -> None:
    loop = Loop()
    loop.now -= 1
    loop.worker.step()  # the newest due slot is the one before
    assert loop.calculator.passes == 1
    for loop.now in (SLOT + 45.0, SLOT + 46.0, SLOT + 344.0):
        loop.worker.step()
    assert loop.calculator.passes == 2
    loop.now = SLOT + 345.0
    loop.worker.step()
    assert loop.calculator.passes == 3
    assert loop.ended == [None] * 3


def test_a_catch_up_goes_on_with_the_next_turn_and_every_chore_has_its_turn_between() -> None:
    """Two passes leave slots, the third does not: then there is none until the next slot is due."""
    loop = Loop()
    loop.calculator.pieces = 2
    for _ in range(5):
        loop.worker.step()
    assert loop.calculator.passes == 3
    assert loop.after == 5
    loop.now = SLOT + 345.0
    loop.worker.step()
    assert loop.calculator.passes == 4


def test_a_catch_up_that_gets_nowhere_goes_on_with_the_next_slot() -> None:
    loop = Loop()
    loop.calculator.pieces, loop.calculator.stored = 9, 0
    for loop.now in (SLOT + 45.0, SLOT + 46.0, SLOT + 344.0):
        loop.worker.step()
    assert loop.calculator.passes == 1
    loop.now = SLOT + 345.0
    loop.worker.step()
    assert loop.calculator.passes == 2


def test_a_catch_up_that_fails_in_between_waits_before_it_goes_on() -> None:
    loop = Loop()
    loop.calculator.pieces = 2
    loop.worker.step()
    loop.calculator.error = PrometheusError("away")
    for loop.now in (SLOT + 46.0, SLOT + 47.0, SLOT + 60.0):
        loop.worker.step()
    assert loop.calculator.passes == 2
    loop.now, loop.calculator.error = SLOT + 61.0, None
    loop.worker.step()
    assert loop.calculator.passes == 3


def test_a_pass_that_failed_is_tried_again_after_15_seconds() -> None:
    loop = Loop()
    loop.calculator.error = PrometheusError("Prometheus does not answer")
    for seconds in (0, 1, 14.9, 15, 29.9, 30):
        loop.now = SLOT + 45 + seconds
        loop.worker.step()
    assert loop.calculator.passes == 3  # at 0, 15 and 30 s
    assert loop.ended == ["Prometheus does not answer"] * 3


def test_an_unexpected_error_of_a_pass_is_a_failure_too_and_is_raised_after_the_turn() -> None:
    loop = Loop()
    loop.calculator.error = ZeroDivisionError("oh")
    with pytest.raises(ZeroDivisionError):
        loop.worker.step()
    assert loop.ended == ["oh"]
    assert loop.after == 1


def test_a_chore_that_fails_keeps_nothing_else_from_its_turn_and_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = ["disk full", "disk full", "disk full", None, "disk full", "gone"]

    def chore() -> None:
        error = errors.pop(0)
        if error is not None:
            raise DatabaseError(error)

    loop = Loop(chore)
    for _ in range(6):
        loop.worker.step()
    assert loop.calculator.passes == 1
    assert loop.after == 6
    # Said when it begins, again after it had ended, and when it changes.
    assert lines(caplog, "sla_worker", logging.ERROR) == [
        "step failed error=disk full",
        "step failed error=disk full",
        "step failed error=gone",
    ]


def test_the_first_of_several_unexpected_errors_is_raised_when_all_had_their_turn() -> None:
    def first() -> None:
        raise KeyError("first")

    def second() -> None:
        raise ValueError("second")

    loop = Loop(first, second)
    with pytest.raises(KeyError):
        loop.worker.step()
    assert loop.calculator.passes == loop.after == 1
