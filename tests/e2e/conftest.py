"""Brings up the stack that the live tests look at, once a session (`Wish` says which).

With Compose it is `pytest-docker` that does so; a stack that is up already is left as it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from e2e import compose
from e2e.live import Stack
from e2e.services import Containers, Services, leave_out_containers
from e2e.stack_under_test import StackCommand, Wish, connected


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put first what needs a stack that had no fault yet; leave out what is about containers without them."""
    items.sort(key=lambda item: item.get_closest_marker("before_faults") is None)  # else in the same order
    if Wish.read(os.environ).mode != compose.MODE:
        leave_out_containers(config, items)


@pytest.fixture(scope="session")
def wish() -> Wish:
    """The stack that the environment asks for; its settings are written, if it is not up already."""
    wish = Wish.read(os.environ)
    if not wish.is_up:
        wish.prepare()
    return wish


# What pytest-docker asks for.


@pytest.fixture(scope="session")
def docker_compose_command(wish: Wish) -> str:
    return wish.compose_project().command


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    return str(compose.FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name(wish: Wish) -> str:
    return wish.name


@pytest.fixture(scope="session")
def docker_setup(wish: Wish) -> list[str]:
    return wish.compose_project().setup


@pytest.fixture(scope="session")
def docker_cleanup(wish: Wish) -> list[str]:
    return wish.compose_project().cleanup


@pytest.fixture(scope="session")
def stack_command(wish: Wish, request: pytest.FixtureRequest) -> Iterator[StackCommand]:
    """The launcher of the stack under test, which is up and healthy."""
    with contextlib.ExitStack() as ends:
        if wish.mode == compose.MODE:
            with compose.cleaned_up(wish.compose_project()):
                request.getfixturevalue("docker_services")
        elif not wish.is_up:
            if not wish.keep:
                ends.callback(wish.command, "clean", "--yes")
            print(wish.command("up"), flush=True)
        yield wish.command


@pytest.fixture(scope="session")
def services(stack_command: StackCommand) -> Services:
    """What may be done to the services of the stack."""
    return stack_command.services()


@pytest.fixture(scope="session")
def containers(services: Services) -> Containers:
    """The stack's containers; for tests marked `containers`."""
    assert isinstance(services, Containers)
    return services


@pytest.fixture(scope="session")
def stack(wish: Wish, stack_command: StackCommand) -> Iterator[Stack]:
    """URLs and clients of the stack under test."""
    assert stack_command.name == wish.name
    with connected(wish.env_file, wish.factor) as stack:
        yield stack


@pytest.fixture
def healthy(stack: Stack) -> Iterator[Stack]:
    """The stack without any fault, before and after the test."""
    stack.clear_faults()
    yield stack
    stack.clear_faults()
