"""The database's files removed or replaced while the worker runs: noticed, said, and no row is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Figures
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]
NOW = 1_700_000_100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sla.db"


@pytest.fixture
def database(path: Path) -> Iterator[SLADatabase]:
    made = SLADatabase(path, clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    measure(made, 0)
    yield made
    made.close()


def measure(database: SLADatabase, slot: int) -> None:
    database.store([evaluate(ERRORS, NOW + slot * 300, Figures(100, 100, 1))])


def stored(path: Path) -> list[int]:
    """The numbers of the slots that somebody else finds in the file."""
    other = sqlite3.connect(path)
    try:
        rows = other.execute("SELECT slot FROM sla_measurements ORDER BY slot").fetchall()
    finally:
        other.close()
    return [(slot - NOW) // 300 for (slot,) in rows]


def test_nothing_is_wrong_while_the_file_is_there(database: SLADatabase) -> None:
    assert database.trouble() is None
    assert database.look() is None


def test_a_removed_file_is_noticed_without_a_statement_and_nothing_is_stored_into_it(
    database: SLADatabase, path: Path
) -> None:
    statements: list[str] = []
    database._engine._dialect._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    path.unlink()
    assert database.trouble() == (
        f"{path}: was removed while the worker runs; nothing is stored until it is back"
    )
    assert statements == []
    with pytest.raises(DatabaseError, match="was removed while the worker runs"):
        measure(database, 1)
    with pytest.raises(DatabaseError, match="was removed while the worker runs"):
        database.get_active_breaches()


@pytest.mark.parametrize(
    "removed",
    [
        ("sla.db",),
        ("sla.db", "sla.db-wal", "sla.db-shm"),
        ("sla.db", "sla.db-wal", "sla.db-shm", "sla.db.lock"),
        ("sla.db-wal",),
    ],
)
def test_what_was_removed_is_written_again_with_all_rows(
    database: SLADatabase, path: Path, removed: tuple[str, ...]
) -> None:
    for name in removed:
        (path.parent / name).unlink()
    line = database.look()
    assert line is not None
    assert "was removed while the worker runs; it was written again with all its rows" in line
    assert "\n" not in line
    assert (database.look(), database.trouble()) == (None, None)
    measure(database, 1)
    assert stored(path) == [0, 1]
    with pytest.raises(DatabaseLockedError):
        SLADatabase(path)
    database.close()
    assert stored(path) == [0, 1]
    assert sorted(each.name for each in path.parent.iterdir()) == ["sla.db", "sla.db.lock"]


def test_a_removed_directory_is_made_again(database: SLADatabase, path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()
    path.parent.rmdir()
    assert database.look() is not None
    measure(database, 1)
    assert stored(path) == [0, 1]


def test_a_removed_lock_file_lets_no_second_worker_in(database: SLADatabase, path: Path) -> None:
    Path(f"{path}.lock").unlink()
    assert "was removed" in str(database.trouble())
    line = database.look()
    assert line is not None
    assert "it was locked again" in line
    with pytest.raises(DatabaseLockedError):
        SLADatabase(path)


def test_a_second_worker_that_came_in_meanwhile_keeps_the_file(database: SLADatabase, path: Path) -> None:
    Path(f"{path}.lock").unlink()
    second = SLADatabase(path)
    with pytest.raises(DatabaseLockedError, match="already writes to it"):
        database.look()
    with pytest.raises(DatabaseError):
        measure(database, 1)
    second.close()


def test_a_file_put_in_its_place_is_used_and_the_former_rows_are_kept(
    database: SLADatabase, path: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.db"
    other = SLADatabase(backup, clock=lambda: NOW)
    other.sync_definitions([ERRORS])  # of an older file of definitions
    measure(other, -7)
    other.close()
    backup.replace(path)
    assert "was replaced by another file" in str(database.trouble())
    line = database.look()
    assert line is not None
    assert "that one is used from now on" in line
    measure(database, 1)
    assert stored(path) == [-7, 1]
    assert [each.key for each in database.get_current_sla_status()] == [
        "api-error-rate", "platform-uptime", "api-response-time-p95",
    ]  # fmt: skip
    [former] = path.parent.glob("sla.db.former-*")
    assert str(former) in line
    assert stored(former) == [0]


def test_what_cannot_be_used_in_its_place_is_refused_and_no_row_is_lost(
    database: SLADatabase, path: Path
) -> None:
    path.unlink()
    path.write_text("this is no database at all, " * 50)
    with pytest.raises(DatabaseError, match="cannot be opened"):
        database.look()
    with pytest.raises(DatabaseError, match="was replaced by another file"):
        measure(database, 1)
    path.unlink()
    assert database.look() is not None
    measure(database, 1)
    assert stored(path) == [0, 1]


def test_slots_of_another_length_in_its_place_are_refused(
    database: SLADatabase, path: Path, tmp_path: Path
) -> None:
    SLADatabase(tmp_path / "other.db", grid=Grid(20, 1)).close()
    (tmp_path / "other.db").replace(path)
    with pytest.raises(DatabaseError, match="its slots are 20 s long, not 300 s"):
        database.look()
    with pytest.raises(DatabaseError, match="was replaced"):
        measure(database, 1)


def test_a_place_that_cannot_be_written_is_one_clear_line(database: SLADatabase, path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file where the directory was")
    with pytest.raises(DatabaseError, match="it cannot be written again"):
        database.look()
    path.parent.unlink()
    assert database.look() is not None
    assert stored(path) == [0]


def test_mails_that_were_owed_are_still_owed(database: SLADatabase, path: Path) -> None:
    database.outbox.owe_report("daily", "daily:1", NOW, NOW)
    path.unlink()
    database.look()
    assert database.outbox.owed() == {"daily": 1}
    assert not database.outbox.owe_report("daily", "daily:1", NOW, NOW)


def test_after_closing_everything_is_one_clear_line(database: SLADatabase) -> None:
    database.close()
    assert str(database.trouble()).endswith("is closed")
    with pytest.raises(DatabaseError, match="is closed"):
        database.counts()


def test_the_log_beside_the_file_stays_small(database: SLADatabase, path: Path) -> None:
    """It counts as the ledger's size: a megabyte at most, once it is over, and what one pass writes."""
    for day in range(4):
        slots = range(1 + day * 5000, 1 + (day + 1) * 5000)
        database.store([evaluate(ERRORS, NOW + slot * 300, Figures(100, 100, 1)) for slot in slots])
    measure(database, 20_001)
    assert path.with_name("sla.db-wal").stat().st_size < 1_100_000
