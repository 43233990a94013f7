"""What is done to the services of a stack, also with an engine that is short of time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError

from e2e.services import Containers, Processes


class BusyContainer:
    """A container whose pause fails with each of these statuses first, one a try."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.paused = False
        self.restarts = 0

    def restart(self) -> None:
        self.restarts += 1

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


def test_a_container_is_restarted_as_it_is() -> None:
    quick = BusyContainer()
    containers(quick).restart("sla-worker")
    assert quick.restarts == 1


def test_a_process_is_restarted_by_the_launcher_which_waits_for_it(tmp_path: Path) -> None:
    typed: list[tuple[str, ...]] = []

    def command(*words: str) -> str:
        typed.append(words)
        return ""

    launcher: Any = command
    Processes(launcher, tmp_path).restart("sla-worker")
    assert typed == [("restart", "sla-worker")]
