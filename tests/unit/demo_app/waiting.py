"""Polling, for the tests that start something real."""

import time
from collections.abc import Callable


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until the condition holds; fail with a description of what was waited for."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.01)
