"""The cause that breaks a team's file of definitions, on a stack whose directories are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from alerts.causes import BROKEN, BROKEN_DEFINITIONS, WITH_DIRECTORY, Causes
from e2e.stack_under_test import ROOT
from sla_worker.definitions.files import DIRECTORY, read_files
from unit.alerts.made_up import stack_of

SHIPPED = (ROOT / "sla-worker/sla_thresholds.yml").read_text(encoding="utf-8")


class Services:
    """Those of a stack: what the sla-worker finds in the files of teams whenever it is restarted."""

    def __init__(self, definitions: Path) -> None:
        self.definitions = definitions
        self.found: list[list[str]] = []

    def restart(self, name: str) -> None:
        assert name == "sla-worker"
        files = read_files(self.definitions / "sla_thresholds.yml")
        self.found.append([f"{each.file.name} is wrong" for each in files.broken])

    def release(self, name: str) -> None:
        """Nothing is held here."""

    def reload(self, name: str) -> None:
        """Nobody reads a configuration here."""


class Command:
    """The launcher's, of a stack whose definitions lie in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.env_file = directory / ".env"
        self.local_directory = directory
        self.env_file.write_text(f"SLA_DEFINITIONS_DIR={directory / 'sla-worker'}\n", encoding="utf-8")
        self.made = Services(directory / "sla-worker")

    def services(self) -> Services:
        return self.made


@pytest.fixture
def definitions(tmp_path: Path) -> Path:
    directory = tmp_path / "sla-worker"
    directory.mkdir()
    (directory / "sla_thresholds.yml").write_text(SHIPPED, encoding="utf-8")
    return directory


@pytest.fixture
def made(definitions: Path) -> tuple[Causes, Services]:
    command: Any = Command(definitions.parent)

    def gone(_: httpx.Request) -> httpx.Response:
        return httpx.Response(503)

    return Causes(stack_of(gone), command), command.made


def test_the_sla_worker_finds_a_broken_file_and_then_none(
    made: tuple[Causes, Services], definitions: Path
) -> None:
    causes, services = made
    with causes.begun({}, "broken definitions"):
        assert services.found == [[f"{BROKEN} is wrong"]]
    assert services.found == [[f"{BROKEN} is wrong"], []]
    # An empty directory would say that no team has SLAs any more.
    assert not (definitions / DIRECTORY).exists()


@pytest.mark.parametrize("files", [[], ["payments.yml"]])
def test_a_directory_that_was_there_stays_as_it_was(
    made: tuple[Causes, Services], definitions: Path, files: list[str]
) -> None:
    causes, _ = made
    teams = definitions / DIRECTORY
    teams.mkdir(mode=0o750)
    for name in files:
        (teams / name).write_text("team: payments\n", encoding="utf-8")
    mode = teams.stat().st_mode
    with causes.begun({}, "broken definitions"):
        assert (teams / BROKEN).exists()
    assert [path.name for path in teams.iterdir()] == files
    assert teams.stat().st_mode == mode


@pytest.mark.parametrize("said", ["", WITH_DIRECTORY])
def test_what_a_killed_run_has_left_is_removed(
    made: tuple[Causes, Services], definitions: Path, said: str
) -> None:
    causes, services = made
    teams = definitions / DIRECTORY
    teams.mkdir()
    (teams / BROKEN).write_text(BROKEN_DEFINITIONS.format(said), encoding="utf-8")
    causes.everything_ended()
    assert services.found == [[]]
    assert teams.exists() is (not said)
    causes.everything_ended()
    assert services.found == [[]], "what is as it was needs no restart"
