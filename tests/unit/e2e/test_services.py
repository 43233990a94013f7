"""What is done to the containers of a stack, with an engine that is short of time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError

from e2e.services import Containers


class BusyContainer:
    """A container whose pause fails with each of these statuses first, one a try."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.paused = False

    def pause(self) -> None:
        if self._statuses:
            response = requests.Response()
            response.status_code = self._statuses.pop(0)
            raise APIError("Cannot pause container: unable to freeze", response)
        self.paused = True


def containers(container: BusyContainer) -> Containers:
    client: Any = SimpleNamespace(containers=SimpleNamespace(list=lambda **_: [container]))
    return Containers("a-stack", "alpine", client)


def test_a_container_that_could_not_be_frozen_is_tried_again() -> None:
    busy = BusyContainer(500, 500)
    containers(busy).hold("prometheus")
    assert busy.paused


def test_what_the_engine_refuses_is_an_error_at_once() -> None:
    with pytest.raises(APIError):
        containers(BusyContainer(409)).hold("prometheus")  # it is paused already
