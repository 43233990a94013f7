"""The causes that change what the sla-worker reads, on a stack whose directories are made up."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from alerts.ahead import store_ahead
from alerts.causes import (
    AHEAD_SECONDS,
    BROKEN,
    BROKEN_DEFINITIONS,
    GONE_STORE,
    REMOVED_JOB,
    WITH_DIRECTORY,
    Causes,
)
from e2e.stack_under_test import ROOT
from sla_worker.database import SLADatabase
from sla_worker.definitions.files import DIRECTORY, read_files
from unit.alerts.made_up import stack_of
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting

SHIPPED = (ROOT / "sla-worker/sla_thresholds.yml").read_text(encoding="utf-8")


class Services:
    """Those of a stack: what the sla-worker finds in the files of teams whenever it is restarted."""

    def __init__(self, definitions: Path) -> None:
        self.definitions = definitions
        self.found: list[list[str]] = []
        self.reloaded: list[str] = []

    def restart(self, name: str) -> None:
        assert name == "sla-worker"
        files = read_files(self.definitions / "sla_thresholds.yml")
        self.found.append([f"{each.file.name} is wrong" for each in files.broken])

    def release(self, name: str) -> None:
        """Nothing is held here."""

    def reload(self, name: str) -> None:
        self.reloaded.append(name)


class Command:
    """The launcher's, of a stack whose definitions lie in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.env_file = directory / ".env"
        self.local_directory = directory
        self.env_file.write_text(f"SLA_DEFINITIONS_DIR={directory / 'sla-worker'}\n", encoding="utf-8")
        self.made = Services(directory / "sla-worker")

    def services(self) -> Services:
        return self.made

    def backup(self, file: Path) -> None:
        shutil.copy(self.local_directory / "sla.db", file)

    def restore(self, file: Path) -> None:
        shutil.copy(file, self.local_directory / "sla.db")


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


def test_the_configuration_is_changed_and_put_back_byte_for_byte(tmp_path: Path) -> None:
    """Prometheus runs elsewhere and says so; its configuration is mounted from the directory in .env."""
    command: Any = Command(tmp_path)
    with command.env_file.open("a", encoding="utf-8") as env:
        env.write(f"PROMETHEUS_CONFIG_DIR={tmp_path}\n")
    path = tmp_path / "prometheus.yml"
    shipped = (ROOT / "prometheus/prometheus.yml").read_bytes()
    path.write_bytes(shipped)

    def flags(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {"config.file": "/etc/prometheus/prometheus.yml"}})

    causes = Causes(stack_of(flags), command)
    whole = yaml.safe_load(shipped)
    jobs = [each["job_name"] for each in whole["scrape_configs"]]
    with causes.begun({}, "answers in part"):
        assert yaml.safe_load(path.read_bytes()) == whole | {"remote_read": [GONE_STORE]}
    assert path.read_bytes() == shipped
    with causes.begun({}, "target removed"):
        left = [each["job_name"] for each in yaml.safe_load(path.read_bytes())["scrape_configs"]]
    assert left == [each for each in jobs if each != REMOVED_JOB]
    assert path.read_bytes() == shipped
    assert command.made.reloaded == ["prometheus"] * 4


def ledger_of(directory: Path) -> Path:
    """A ledger of three SLAs, measured up to SLOT."""
    made = Setting(directory)
    made.step()
    made.close()
    return directory / "sla.db"


def test_rows_of_the_future_are_alarmed_from_the_start_and_measured_again(tmp_path: Path) -> None:
    """Slots of 300 s that are due 45 s after their end. At SLOT + 45 s the one that began at SLOT is running.

    Within 900 s of that moment begin those of SLOT + 300, 600 and 900 too: 4 rows, up to SLOT + 1200.
    """
    path = ledger_of(tmp_path)
    assert store_ahead(path, now=SLOT + 45, seconds=900, zone=ZoneInfo("UTC")) == 4
    setting = Setting(tmp_path)
    said = []
    try:
        said.append(setting.ask("/metrics")[1])  # before its first pass
        for _ in range(4):
            setting.now += 300
            setting.step()
            said.append(setting.ask("/metrics")[1])
    finally:
        setting.close()
    counted = [line for text in said for line in text.splitlines() if line.startswith("sla_rows_ahead ")]
    assert counted == [f"sla_rows_ahead {rows}.0" for rows in (4, 3, 2, 1, 0)]
    with closing(SLADatabase(path, read_only=True)) as database:
        rows = database.newest_measurements("platform-uptime", 9)
    assert [row.slot - SLOT for row in rows] == [1200, 900, 600, 300, 0]
    assert all(row.total > 1 for row in rows), "scrapes, not the one event of a row that was put in"


def test_the_sla_worker_gets_its_ledger_back_with_rows_of_the_future(
    made: tuple[Causes, Services], tmp_path: Path
) -> None:
    path = ledger_of(tmp_path)
    causes, _ = made
    began = time.time()

    def newest() -> int | None:
        with closing(SLADatabase(path, read_only=True, clock=lambda: began + 86_400)) as database:
            return database.newest_slot()

    assert newest() == SLOT
    with causes.begun({}, "rows of the future"):
        reach = newest()
    assert reach is not None
    assert reach > began + AHEAD_SECONDS  # this stack's time is not compressed
    assert newest() == reach, "nobody takes them out"
