"""What the live tests do to the services of a stack.

To containers it is done through Docker's SDK, to processes through the launcher.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from waiting import poll

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"
SECONDS_TO_RETURN = 30.0


def leave_out_containers(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests out that are about containers, and say how many."""
    if left := [item for item in items if item.get_closest_marker("containers")]:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


class Services(Protocol):
    """The services of one stack."""

    def kill(self, name: str) -> None:
        """End a service with SIGKILL, as the kernel does when memory runs out.

        Return when it was started again.
        """
        ...

    def hold(self, name: str) -> None:
        """Let a service stand still, all of its processes."""
        ...

    def release(self, name: str) -> None:
        """Let it go on; nothing happens to one that is not held."""
        ...

    def reload(self, name: str) -> None:
        """Have a service read its configuration again."""
        ...

    def restart(self, name: str) -> None:
        """End a service as it wishes to be ended, and start it again with its files as they are."""
        ...


class Containers:
    """The containers of a Compose project; `helper_image` is any image with a shell."""

    def __init__(self, project: str, helper_image: str, client: docker.DockerClient | None = None) -> None:
        self._project = project
        self._helper_image = helper_image
        self.client = docker.from_env() if client is None else client

    def get(self, name: str) -> Container:
        """The container of a service, as the engine knows it now."""
        labels = [f"{PROJECT}={self._project}", f"{SERVICE}={name}"]
        [found] = self.client.containers.list(all=True, filters={"label": labels})
        return found

    def names(self) -> set[str]:
        """The services that have a container."""
        found = self.client.containers.list(all=True, filters={"label": f"{PROJECT}={self._project}"})
        return {container.labels[SERVICE] for container in found}

    def kill(self, name: str) -> None:
        """See Services. Not with `docker kill`: after that, Docker does not start the container again."""
        container = self.get(name)
        restarts, pid = container.attrs["RestartCount"], container.attrs["State"]["Pid"]
        # The pid is the host's, where this user may lack the right; a container that sees all pids has it.
        command = ["sh", "-c", f"kill -KILL {int(pid)}"]
        self.client.containers.run(
            self._helper_image, command, pid_mode="host", network_mode="none", remove=True
        )
        poll(
            lambda: self.get(name).attrs["RestartCount"],
            f"{name} to be started again by Docker",
            seconds=SECONDS_TO_RETURN,
            until=lambda count: count == restarts + 1,
        )

    def hold(self, name: str) -> None:
        """See Services. The whole container is frozen: its first process is an init.

        The runtime gives up on a container that is too busy ("unable to freeze"); then it is tried again.
        """
        poll(lambda: _paused(self.get(name)), f"{name} to stand still", seconds=SECONDS_TO_RETURN)

    def release(self, name: str) -> None:
        """See Services."""
        container = self.get(name)
        if container.status == "paused":
            container.unpause()

    def reload(self, name: str) -> None:
        """See Services. Not with `docker kill`, like the launcher: Docker would not start it again later."""
        done = self.get(name).exec_run(["sh", "-c", "kill -HUP 1"])
        assert done.exit_code == 0, done.output

    def restart(self, name: str) -> None:
        """See Services. The container stays, so that its environment and image are the same."""
        self.get(name).restart()


def _paused(container: Container) -> bool:
    """Try to pause a container, and return whether the engine could."""
    try:
        container.pause()
    except APIError as error:
        if error.is_server_error():
            return False
        raise
    return True


class Command(Protocol):
    """The launcher's command line for one stack."""

    def __call__(self, command: str, *arguments: str) -> str:
        """Run a command, and return what it printed; fails with that if it fails."""
        ...

    def output(self, command: str, *arguments: str) -> str:
        """Run it and return what it printed, whatever its exit code."""
        ...


class Processes:
    """The processes of a stack without Docker; `directory` is where the launcher keeps their pids."""

    def __init__(self, command: Command, directory: Path) -> None:
        self._command = command
        self._directory = directory

    def _pid(self, name: str) -> str:
        return (self._directory / "pids" / f"{name}.pid").read_text(encoding="utf-8")

    def kill(self, name: str) -> None:
        """See Services."""
        before = self._pid(name)
        self._signal(name, "KILL")
        poll(
            lambda: self._pid(name),
            f"{name} to be started again by supervisord",
            seconds=SECONDS_TO_RETURN,
            until=lambda pid: pid not in ("", before),
        )

    def hold(self, name: str) -> None:
        """See Services."""
        self._signal(name, "STOP")

    def release(self, name: str) -> None:
        """See Services."""
        self._command.output("kill", name, "--signal", "CONT")

    def reload(self, name: str) -> None:
        """See Services."""
        self._signal(name, "HUP")

    def restart(self, name: str) -> None:
        """See Services. Returns when it is healthy."""
        self._command("restart", name)

    def _signal(self, name: str, signal: str) -> None:
        words: Sequence[str] = (name, "--signal", signal)
        self._command("kill", *words)
