"""Brings up the stack of SCALE=1, once a session, in the mode that MODE asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from e2e import compose
from e2e.services import Containers, leave_out_containers
from scale.stack import Scaled, scaled, wished


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about containers without them."""
    if wished(os.environ).mode != compose.MODE:
        leave_out_containers(config, items)


@pytest.fixture(scope="session")
def up() -> Iterator[Scaled]:
    """The stack, up and healthy."""
    with scaled(wished(os.environ)) as stack:
        yield stack


@pytest.fixture(scope="session")
def containers(up: Scaled) -> Containers:
    """Its containers; for tests marked `containers`."""
    services = up.command.services()
    assert isinstance(services, Containers)
    return services
