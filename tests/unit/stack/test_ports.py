"""Ports in use are named with service, variable and holder."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ports import listening
from stack import ports
from stack.errors import StackError
from stack.settings import Instance


@pytest.fixture
def taken() -> Iterator[int]:
    with listening() as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    assert not ports.is_free(taken)


def test_a_port_is_free_after_its_server_is_gone() -> None:
    with listening() as server:
        port = server.getsockname()[1]
    assert ports.is_free(port)
    assert ports.holder(port) is None


def test_the_error_names_port_service_variable_holder_and_fix(taken: int, instance: Instance) -> None:
    instance.env["GRAFANA_PORT"] = str(taken)
    with pytest.raises(StackError) as caught:
        ports.check_free(instance)
    assert f"port {taken} of grafana is in use" in caught.value.message
    assert f"pid {os.getpid()}" in caught.value.message
    assert "move it with GRAFANA_PORT" in caught.value.message
    assert ".env" in str(caught.value.fix)


def test_a_port_of_our_own_running_service_is_no_error(taken: int, instance: Instance) -> None:
    instance.env["GRAFANA_PORT"] = str(taken)
    ports.check_free(instance, frozenset({"GRAFANA_PORT"}))
