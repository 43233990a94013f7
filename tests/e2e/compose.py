"""The stack under test as a Compose project that pytest-docker brings up and takes down."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_docker.plugin import get_docker_services

from stack import secret_files, settings
from waiting import patience

MODE = "compose"
ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
START_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Project:
    """One project: its name and settings; whether it is up already, and whether it is left at the end."""

    name: str
    env_file: Path
    is_up: bool
    keep: bool

    @property
    def command(self) -> str:
        """Compose, with the settings that the launcher gives it, as words for a shell."""
        settings = (f"STACK_NAME={self.name}", "COMPOSE_PROFILES=demo")
        where = ("--env-file", str(self.env_file), "--project-directory", str(ROOT))
        return shlex.join(["env", *settings, "docker", "compose", *where])

    def prepare(self) -> None:
        """Write what docker-compose.yml mounts and `make up` makes: the files of secrets."""
        secret_files.write(settings.load(ROOT, self.name, self.env_file, {}))

    @property
    def setup(self) -> list[str]:
        """Compose's commands that start it and wait until every service is healthy."""
        limit = f"--wait-timeout {patience(START_SECONDS):.0f}"
        return [] if self.is_up else ["build", f"up --detach --remove-orphans --wait {limit}"]

    @property
    def cleanup(self) -> list[str]:
        """Compose's commands that take it away with its data."""
        return [] if self.is_up or self.keep else ["down --volumes --remove-orphans"]


@contextlib.contextmanager
def services(project: Project) -> Iterator[None]:
    """The project while it is up, outside a session of pytest: what is behind `docker_services` there."""
    with (
        cleaned_up(project),
        get_docker_services(project.command, str(FILE), project.name, project.setup, project.cleanup),
    ):
        yield


@contextlib.contextmanager
def cleaned_up(project: Project) -> Iterator[None]:
    """Take away what a start that failed has left, which pytest-docker would leave."""
    try:
        yield
    except BaseException:
        with get_docker_services(project.command, str(FILE), project.name, [], project.cleanup):
            raise
