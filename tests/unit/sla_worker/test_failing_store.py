"""A disk that is full, a ledger that is locked, read-only or damaged: said, and nothing is lost or wrong."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from programs import not_there
from sla_worker.database import SLADatabase
from sla_worker.database.copies import backup, restore
from sla_worker.database.upgrading import upgrade
from sla_worker.errors import DatabaseError
from unit.sla_worker import first_ledger
from unit.sla_worker.disturbed import Contents, contents_of, errors, health, turn, undisturbed_in, worker
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting

PAGE = 4096
DAMAGED = (
    "it is damaged: put a backup in its place (sla_restore FILE --force), or stop the worker and move it"
    " away: a new ledger is filled with what Prometheus still has"
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.getuid() or not _mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", place):
        not_there("no file system can be mounted (only root can): a full disk is NOT TESTED")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def _mounted(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * PAGE)
    yield
    filler.unlink()


@contextlib.contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nobody may write a file or directory: root neither, whom rights do not bind."""
    if os.getuid():
        before = path.stat().st_mode
        path.chmod(before & ~0o222)
        yield
        path.chmod(before)
        return
    if not (_mounted("--bind", path, path) and _mounted("-o", "remount,bind,ro", path)):
        not_there("nothing can be mounted: a read-only ledger is NOT TESTED")
    yield
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def undisturbed(tmp_path: Path) -> Contents:
    """The ledger of a worker whom nothing fails."""
    return undisturbed_in(tmp_path / "undisturbed")


def test_a_full_disk_costs_nothing_but_time(
    disk: Path, undisturbed: Contents, caplog: pytest.LogCaptureFixture
) -> None:
    setting = worker(disk)
    turn(setting, 0)
    turn(setting, 300)
    with filled(disk):
        turn(setting, 600)
        line = f"{disk}/sla.db: cannot be written (database or disk is full); free space on its disk"
        assert health(setting) == line
        turn(setting, 615)  # the next try
        assert errors(caplog) == [f"pass failed slot={SLOT + 600} error={line}"]
        assert "sla_slots_missing 3.0" in setting.ask("/metrics")[1]  # of 3 SLAs
        assert setting.ask("/")[0] == "200 OK"
    turn(setting, 630)
    assert health(setting) is None
    for slot in (3, 4, 5):
        turn(setting, slot * 300)
    assert contents_of(setting) == undisturbed


def test_a_disk_that_is_full_at_the_start_is_one_clear_line(disk: Path) -> None:
    with filled(disk), pytest.raises(DatabaseError) as refused:
        worker(disk)
    assert str(refused.value).startswith(f"{disk}/sla.db")
    assert str(refused.value).endswith(
        ("free space on its disk", "check its disk, which may be full or failing")
    )
    worker(disk).close()


def test_a_ledger_that_another_program_locks_costs_nothing_but_time(
    tmp_path: Path, undisturbed: Contents, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sla.db"
    setting = worker(tmp_path)
    setting.service.database._engine.execute("PRAGMA busy_timeout = 50")  # of ten seconds
    turn(setting, 0)
    turn(setting, 300)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        turn(setting, 600)
        line = f"{path}: cannot be written (database is locked); another program holds it; end that program"
        assert health(setting) == line
        turn(setting, 615)
        assert errors(caplog) == [f"pass failed slot={SLOT + 600} error={line}"]
        assert setting.ask("/")[0] == "200 OK"  # who reads waits for nobody
    turn(setting, 630)
    assert health(setting) is None
    for slot in (3, 4, 5):
        turn(setting, slot * 300)
    assert contents_of(setting) == undisturbed


@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_may_not_be_written_is_refused_at_the_start_and_can_be_read(tmp_path: Path, what: str) -> None:
    directory = tmp_path / "data"
    setting = worker(directory)
    turn(setting, 0)
    setting.close()
    with read_only(directory / "sla.db" if what == "file" else directory):
        with pytest.raises(DatabaseError) as refused:
            setting.start()
        fix = (
            "let the worker's user write the file and its directory"
            if what == "file"
            else "check SLA_DATABASE_PATH"
        )
        assert str(refused.value).endswith(f"; {fix}")
        with contextlib.closing(SLADatabase(directory / "sla.db", read_only=True)) as reader:
            assert reader.counts()["measurements"] == 3
    setting.start()
    turn(setting, 300)
    assert health(setting) is None
    setting.close()


def damage(path: Path, how: str) -> None:
    """What a failing disk or another program does to a file."""
    size = path.stat().st_size
    if how in {"cut", "emptied"}:
        os.truncate(path, size // 2 if how == "cut" else 0)
        return
    with path.open("r+b") as file:
        for start in range(PAGE, size, PAGE) if how == "pages" else [0]:
            file.seek(start)
            file.write(b"\xa5" * 512)


def all_in_the_file(setting: Setting) -> None:
    """Nothing in the log beside it any more, nor in memory: as with a ledger of months."""
    engine = setting.service.database._engine
    engine.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.execute("PRAGMA cache_size = 1")
    engine.execute("PRAGMA shrink_memory")
    engine.rows("SELECT 1 AS seen")  # the worker has seen how large the file is by now


@pytest.mark.parametrize("how", ["cut", "emptied", "pages", "header"])
def test_a_ledger_damaged_while_the_worker_runs_is_said_and_goes_on_from_a_backup(
    tmp_path: Path,
    undisturbed: Contents,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    path = tmp_path / "sla.db"
    setting = worker(tmp_path)
    turn(setting, 0)
    turn(setting, 300)
    backup(path, tmp_path / "backup.db", force=False)
    all_in_the_file(setting)
    damage(path, how)
    turn(setting, 600)
    reason = health(setting)
    assert reason is not None
    assert reason.endswith(DAMAGED)
    turn(setting, 615)
    said = errors(caplog)
    assert len(set(said)) == len(said) <= 3  # what cannot be written, and what cannot be read
    assert all(each.endswith(DAMAGED) for each in said)
    # sla_restore waits for the worker to change over: it does so in a turn of its own.
    (tmp_path / "backup.db").replace(path)
    turn(setting, 630)
    assert health(setting) is None
    for slot in (3, 4, 5):
        turn(setting, slot * 300)
    assert contents_of(setting) == undisturbed


@pytest.mark.parametrize("how", ["cut", "pages", "header"])
def test_a_ledger_that_is_damaged_at_the_start_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "sla.db"
    setting = worker(tmp_path)
    turn(setting, 0)
    backup(path, tmp_path / "backup.db", force=False)
    setting.close()
    damage(path, how)
    with pytest.raises(DatabaseError) as refused:
        setting.start()
    assert str(refused.value).startswith(f"{path}: cannot be opened (")
    assert str(refused.value).endswith(DAMAGED)
    assert "\n" not in str(refused.value)
    _, kept = restore(path, tmp_path / "backup.db", force=True)
    assert kept is not None
    assert kept.is_file()
    setting.start()
    turn(setting, 300)
    assert health(setting) is None
    assert len(contents_of(setting)["slots"]) == 6


def test_a_damaged_page_that_opening_does_not_touch_is_noticed_at_the_start(tmp_path: Path) -> None:
    """Its rows would lack from sums without an error, or bring one much later."""
    path = tmp_path / "sla.db"
    setting = worker(tmp_path)
    turn(setting, 0)
    setting.close()
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        [(page,)] = ledger.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sla_hours'")
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * 512)
    with pytest.raises(DatabaseError, match="it is damaged"):
        setting.start()


def test_an_upgrade_that_fills_the_disk_leaves_the_very_file(disk: Path) -> None:
    """A copy of the ledger has room there; what the migrations write beside it has not."""
    ledger = disk / "sla.db"
    first_ledger.make(ledger, slots=35_000)
    before = ledger.read_bytes()
    assert 1.0 < len(before) / 2**20 < 2.0

    with pytest.raises(
        DatabaseError, match=r"sla.db: cannot be written \(.*full\).*\(the upgrade was undone\)"
    ):
        upgrade(ledger)

    assert ledger.read_bytes() == before
    assert sorted(each.name for each in disk.iterdir()) == ["sla.db", "sla.db.lock"]
