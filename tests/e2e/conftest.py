"""Brings up the stack that the live tests look at, once a session.

MODE=compose|local|auto chooses how. STACK_ENV_FILE and STACK_NAME name a running stack to use instead, at
true time unless STACK_FACTOR tells by how much its durations are divided. KEEP=1 leaves the one that was
started.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.live import Stack
from e2e.stack_under_test import FACTOR, ROOT, StackCommand, compress, connected, write_env_file

MODE = os.environ.get("MODE", "auto")
GIVEN = os.environ.get("STACK_ENV_FILE")


@pytest.fixture(scope="session")
def stack_command() -> Iterator[StackCommand]:
    """The launcher of the stack under test, which is up and healthy."""
    if GIVEN:
        yield StackCommand(os.environ.get("STACK_NAME", "insa"), Path(GIVEN), MODE)
        return
    name = f"insa-test-{MODE}"
    home = ROOT / ".run" / "e2e" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    compress(home / "configuration")
    env_file = home / ".env"
    write_env_file(env_file, home / "configuration")
    command = StackCommand(name, env_file, MODE)
    try:
        print(command("up"))
        yield command
    finally:
        if not os.environ.get("KEEP"):
            command("clean", "--yes")


@pytest.fixture(scope="session")
def stack(stack_command: StackCommand) -> Iterator[Stack]:
    """URLs and clients of the stack under test."""
    env_file = Path(stack_command.words[-1])
    with connected(env_file, float(os.environ.get("STACK_FACTOR", "1")) if GIVEN else FACTOR) as found:
        yield found


@pytest.fixture
def healthy(stack: Stack) -> Iterator[Stack]:
    """The stack without any fault, before and after the test."""
    stack.clear_faults()
    yield stack
    stack.clear_faults()
