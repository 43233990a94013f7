"""The loop that repeats a step."""

import threading
import time

import pytest

from demo_app.clock import Repeater, SystemClock
from waiting import patience


def test_the_system_clock_reads_the_machine() -> None:
    clock = SystemClock()

    for own, machine in ((clock.monotonic, time.monotonic), (clock.time, time.time)):
        before, read, after = machine(), own(), machine()
        assert before <= read <= after


def test_a_repeater_repeats_until_it_is_stopped() -> None:
    enough = threading.Event()
    turns: list[int] = []

    def step() -> float:
        turns.append(1)
        if len(turns) >= 3:
            enough.set()
        return 0.0

    repeater = Repeater("test", step)
    assert not repeater.alive
    repeater.start()
    assert enough.wait(patience(5))
    repeater.stop()

    assert not repeater.alive


def test_stopping_does_not_wait_for_the_next_turn() -> None:
    repeater = Repeater("test", lambda: 3600.0)
    repeater.start()
    began = time.monotonic()

    repeater.stop()

    assert time.monotonic() - began < patience(5)  # the next turn is an hour away
    assert not repeater.alive


# The error is meant to reach the thread's top, where Python reports it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_step_that_raises_ends_the_thread_and_that_can_be_seen() -> None:
    def step() -> float:
        raise RuntimeError("on purpose")

    repeater = Repeater("test", step)
    repeater.start()
    repeater._thread.join(patience(5))

    assert not repeater.alive
