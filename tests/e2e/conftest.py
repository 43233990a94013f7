"""Brings up the stack that the live tests look at, once a session (`stack_from_environment` says which)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.live import Stack
from e2e.stack_under_test import StackCommand, stack_from_environment


@pytest.fixture(scope="session")
def _up() -> Iterator[tuple[StackCommand, Stack]]:
    with stack_from_environment() as found:
        yield found


@pytest.fixture(scope="session")
def stack_command(_up: tuple[StackCommand, Stack]) -> StackCommand:
    """The launcher of the stack under test, which is up and healthy."""
    return _up[0]


@pytest.fixture(scope="session")
def stack(_up: tuple[StackCommand, Stack]) -> Stack:
    """URLs and clients of the stack under test."""
    return _up[1]


@pytest.fixture
def healthy(stack: Stack) -> Iterator[Stack]:
    """The stack without any fault, before and after the test."""
    stack.clear_faults()
    yield stack
    stack.clear_faults()
