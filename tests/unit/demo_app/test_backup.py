"""The backup: a real copy of a real database, verified, and what becomes of the last one when it fails."""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from demo_app.backup import Backup, BackupReading, Verify, verify_copy
from demo_app.database import Database
from demo_app.faults import Faults
from demo_app.volume import DiskBallast, Volume
from logged import lines
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock

MIB = 2**20


class Bench:
    """A database in a volume, and its backup."""

    def __init__(self, directory: Path, verify: Verify = verify_copy) -> None:
        self.clock = FakeClock()
        self.events = Recorder()
        self.faults = Faults(self.clock, self.events)
        self.volume = Volume(directory, events=self.events, capacity_bytes=4 * MIB)
        self.database = Database(directory, faults=self.faults, clock=self.clock, events=self.events)
        self.backup = Backup(
            self.database,
            self.volume,
            faults=self.faults,
            clock=self.clock,
            events=self.events,
            verify=verify,
        )

    def visit(self) -> None:
        self.database.record_visit(self.database.lease(), 7)

    def copied_visits(self) -> int:
        with closing(sqlite3.connect(self.backup.path)) as copy:
            return int(copy.execute("SELECT sum(visits) FROM customers").fetchone()[0])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_backup_is_a_complete_database_and_its_time_and_size_are_reported(bench: Bench) -> None:
    bench.visit()

    assert bench.backup.run()

    assert bench.copied_visits() == 1
    with closing(sqlite3.connect(bench.backup.path)) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [path.name for path in bench.backup.path.parent.iterdir()] == ["crm.db"]
    size = bench.backup.path.stat().st_size
    assert size % 4096 == 0 < size  # whole pages
    assert bench.events.of("backup") == [(1_800_001_000.0, size)]  # the clock's epoch and its 1,000 s
    assert bench.backup.reading() == BackupReading(
        1, 0, last_succeeded=True, last_success_at=1_800_001_000.0, size_bytes=size
    )


def test_each_backup_takes_the_place_of_the_one_before(bench: Bench) -> None:
    bench.backup.run()
    bench.visit()
    assert bench.copied_visits() == 0

    bench.backup.run()

    assert bench.copied_visits() == 1


def fill(bench: Bench) -> None:
    bench.faults.start("disk_fill", 1)
    ballast = DiskBallast(bench.volume, bench.faults)
    for _ in range(8):
        ballast.step()


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (lambda bench: bench.faults.start("backup_failure"), "Not a directory"),
        (lambda bench: bench.faults.start("database_down"), "unable to open database file"),
        (fill, r"bytes do not fit, 0 are free"),
    ],
)
def test_a_backup_that_fails_is_counted_and_logged_in_one_line_and_the_last_good_one_stays(
    bench: Bench, caplog: pytest.LogCaptureFixture, cause: Callable[[Bench], object], reason: str
) -> None:
    bench.visit()
    bench.backup.run()
    bench.visit()
    cause(bench)

    with caplog.at_level(logging.WARNING):
        assert not bench.backup.run()

    assert len(bench.events.of("failed")) == len(bench.events.of("backup")) == 1
    (line,) = lines(caplog, "demo_app")
    assert line.startswith("backup failed reason=")
    assert reason in line
    reading = bench.backup.reading()
    assert (reading.succeeded, reading.failed, reading.last_succeeded) == (1, 1, False)
    assert (reading.last_success_at, reading.size_bytes) == bench.events.of("backup")[0]
    assert bench.copied_visits() == 1
    assert [path.name for path in bench.backup.path.parent.iterdir()] == ["crm.db"]
    bench.faults.stop_all()
    bench.volume.ballast_path.unlink(missing_ok=True)
    assert bench.backup.run()
    assert bench.copied_visits() == 2


def test_a_copy_whose_rows_differ_from_the_original_does_not_count_as_a_backup(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def short_of_one(copy: Path, rows: dict[str, int]) -> None:
        with closing(sqlite3.connect(copy)) as connection, connection:
            connection.execute("DELETE FROM customers WHERE id = 1")
        verify_copy(copy, rows)

    bench = Bench(tmp_path, verify=short_of_one)

    with caplog.at_level(logging.WARNING):
        assert not bench.backup.run()

    assert "{'customers': 103} instead of {'customers': 104}" in caplog.text
    assert not bench.backup.path.exists()


def test_a_damaged_copy_does_not_count_as_a_backup(tmp_path: Path) -> None:
    def after_damage(copy: Path, rows: dict[str, int]) -> None:
        whole = copy.read_bytes()
        copy.write_bytes(whole[:4096] + b"\xff" * 4096 + whole[8192:])  # the page of the customers
        verify_copy(copy, rows)

    bench = Bench(tmp_path, verify=after_damage)

    assert not bench.backup.run()

    assert bench.events.of("failed") == [()]
    assert not bench.backup.path.exists()


def test_a_backup_from_before_the_start_is_reported_and_not_counted(bench: Bench, tmp_path: Path) -> None:
    bench.backup.run()
    os.utime(bench.backup.path, (1_700_000_000, 1_700_000_000))

    again = Bench(tmp_path)

    assert again.events.of("kept") == [(1_700_000_000.0, bench.backup.path.stat().st_size)]
    assert again.events.of("backup") == []
    size = bench.backup.path.stat().st_size
    assert again.backup.reading() == BackupReading(last_success_at=1_700_000_000.0, size_bytes=size)


def test_a_backup_needs_no_connection_of_the_pool(bench: Bench) -> None:
    leases = [bench.database.lease() for _ in range(16)]

    assert bench.backup.run()

    for lease in leases:
        bench.database.release(lease)
