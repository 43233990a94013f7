"""Backups: made while the worker writes, checked, restored with the former ledger kept."""

from __future__ import annotations

import contextlib
import io
import shlex
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from postgresql import Server
from sla_worker import cli
from sla_worker.database import SLADatabase
from sla_worker.database.copies import backup, contents, restore
from sla_worker.database.place import aside, formers
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]
NOW = 1_700_000_100


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SLADatabase]:
    made = SLADatabase(tmp_path / "sla.db", clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    measure(made, 0, 1, 2)
    yield made
    made.close()


def measure(database: SLADatabase, *slots: int) -> None:
    database.store(evaluate(ERRORS, NOW + slot * 300, Figures(100, 100, 1)) for slot in slots)


def stored(path: Path) -> int:
    return contents(path).rows["slots"]


def test_a_backup_is_made_while_the_worker_has_the_ledger_open(database: SLADatabase, tmp_path: Path) -> None:
    found = backup(tmp_path / "sla.db", tmp_path / "backups" / "one.db", force=False)
    measure(database, 3)
    assert (found.rows["definitions"], found.rows["slots"]) == (3, 3)
    assert (found.oldest, found.newest) == (NOW, NOW + 600)
    # One file that needs nothing beside it.
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["one.db"]
    assert contents(tmp_path / "backups" / "one.db") == found
    with pytest.raises(DatabaseError, match="is there already; give another name"):
        backup(tmp_path / "sla.db", tmp_path / "backups" / "one.db", force=False)
    assert backup(tmp_path / "sla.db", tmp_path / "backups" / "one.db", force=True).rows["slots"] == 4


def test_a_restore_keeps_the_former_ledger(database: SLADatabase, tmp_path: Path) -> None:
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    measure(database, 3, 4)
    database.close()
    with pytest.raises(DatabaseError, match="is a ledger already; add --force"):
        restore(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    found, former = restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)
    assert former is not None
    assert (found.rows["slots"], stored(tmp_path / "sla.db"), stored(former)) == (3, 3, 5)
    again = SLADatabase(tmp_path / "sla.db", clock=lambda: NOW)
    assert again.missing_slots(NOW + 1200, 0)[ERRORS.key] == [NOW + 900, NOW + 1200]
    again.close()


@pytest.mark.parametrize("running", [True, False])
def test_each_of_two_restores_in_a_second_keeps_its_former_ledger(
    database: SLADatabase, tmp_path: Path, *, running: bool
) -> None:
    """The first one holds 4 slots, what the second one finds the 3 of the backup."""
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    measure(database, 3)
    with looking(database) if running else contextlib.closing(database):
        if not running:
            database.close()
        kept = [restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)[1] for _ in range(2)]
    assert [each and stored(each) for each in kept] == [4, 3]


def test_a_name_for_a_former_ledger_is_none_that_is_taken(tmp_path: Path) -> None:
    ledger, named = tmp_path / "sla.db", []
    for _ in range(3):
        named.append(aside(ledger, "former", NOW))
        named[-1].touch()
    assert [each.name for each in named] == [  # 1,700,000,100 is 22:15 on that day
        "sla.db.former-20231114T221500Z",
        "sla.db.former-20231114T221500.2Z",
        "sla.db.former-20231114T221500.3Z",
    ]
    assert formers(ledger) == set(named)


def test_a_log_whose_ledger_was_removed_is_not_played_into_the_restored_one(
    database: SLADatabase, tmp_path: Path
) -> None:
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    measure(database, 3)
    log = (tmp_path / "sla.db-wal").read_bytes()
    database.close()
    (tmp_path / "sla.db").unlink()
    (tmp_path / "sla.db-wal").write_bytes(log)

    _, former = restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)

    assert (former, stored(tmp_path / "sla.db")) == (None, 3)


def test_a_damaged_ledger_can_be_restored(database: SLADatabase, tmp_path: Path) -> None:
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    database.close()
    (tmp_path / "sla.db").write_bytes(b"nothing that SQLite knows" * 100)
    _, former = restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)
    assert former is not None
    assert stored(tmp_path / "sla.db") == 3
    assert former.read_bytes().startswith(b"nothing")


@contextlib.contextmanager
def looking(database: SLADatabase) -> Iterator[list[str]]:
    """The loop of a worker, as far as it looks after its file: the lines that it logs."""
    done, lines = threading.Event(), []

    def loop() -> None:
        while not done.wait(0.02):
            with contextlib.suppress(DatabaseError):
                line = database.look()
                if line:
                    lines.append(line)

    worker = threading.Thread(target=loop)
    worker.start()
    try:
        yield lines
    finally:
        done.set()
        worker.join()


def test_a_worker_that_runs_changes_over_and_keeps_what_it_had(database: SLADatabase, tmp_path: Path) -> None:
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    measure(database, 3, 4)
    with looking(database) as lines:
        _, former = restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)
    assert former is not None
    assert stored(former) == 5
    assert ["was replaced by another file" in line for line in lines] == [True]
    assert database.counts()["measurements"] == 3
    measure(database, 3)
    assert database.counts()["measurements"] == 4


@pytest.mark.parametrize("how", ["emptied", "overwritten"])
def test_a_worker_whose_ledger_is_damaged_changes_over_and_the_damaged_file_is_kept(
    database: SLADatabase, tmp_path: Path, how: str
) -> None:
    backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    engine = database._engine
    engine.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.execute("PRAGMA cache_size = 1")
    engine.execute("PRAGMA shrink_memory")
    with (tmp_path / "sla.db").open("r+b") as file:
        if how == "emptied":
            file.truncate()
        else:  # every page: from the few that SQLite still holds in memory it could be whole again
            file.write(b"\xa5" * (tmp_path / "sla.db").stat().st_size)
    damaged = (tmp_path / "sla.db").read_bytes()
    with looking(database) as lines:
        _, kept = restore(tmp_path / "sla.db", tmp_path / "one.db", force=True)
    assert kept is not None
    assert ".damaged-" in kept.name
    assert kept.read_bytes() == damaged
    assert "the former one was damaged and cannot be read" in lines[-1]
    assert database.counts()["measurements"] == 3
    measure(database, 3)
    assert stored(tmp_path / "sla.db") == 4


def test_a_worker_that_writes_its_ledger_again_leaves_alone_what_a_restore_brings(
    database: SLADatabase, tmp_path: Path
) -> None:
    incoming = tmp_path / "sla.db.restored"  # of another process, which is about to move it into its place
    incoming.write_bytes(b"a backup")
    (tmp_path / "sla.db").unlink()
    assert "was written again with all its rows" in (database.look() or "")
    assert incoming.read_bytes() == b"a backup"
    assert stored(tmp_path / "sla.db") == 3


def test_what_is_no_backup_is_refused_and_changes_nothing(database: SLADatabase, tmp_path: Path) -> None:
    database.close()
    (tmp_path / "text").write_text("this is no database at all, " * 50)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    backup(tmp_path / "sla.db", tmp_path / "new.db", force=False)
    newer = sqlite3.connect(tmp_path / "new.db")
    newer.execute("INSERT INTO schema_migrations VALUES (9999, 'x', 0)")
    newer.commit()
    newer.close()
    for name, words in (
        ("absent", "there is no such file"),
        ("text", "cannot be"),
        ("other.db", "is no ledger; give a file that sla_backup has made"),
        ("new.db", "made by a newer version"),
    ):
        with pytest.raises(DatabaseError, match=words):
            restore(tmp_path / "sla.db", tmp_path / name, force=True)
    assert stored(tmp_path / "sla.db") == 3
    assert list(tmp_path.glob("sla.db.*")) == [tmp_path / "sla.db.lock"]


def test_what_is_damaged_is_not_backed_up(database: SLADatabase, tmp_path: Path) -> None:
    measure(database, *range(3, 2000))
    database.close()
    with (tmp_path / "sla.db").open("r+b") as file:
        file.seek(20 * 4096)
        file.write(b"\xff" * 8192)
    with pytest.raises(DatabaseError, match=r"is damaged|cannot be read"):
        backup(tmp_path / "sla.db", tmp_path / "one.db", force=False)
    assert not (tmp_path / "one.db").exists()


def test_postgresql_has_its_own_tools(tmp_path: Path) -> None:
    url = "postgresql://sla:geheim@db/sla"
    with pytest.raises(DatabaseError, match=r"the ledger is in PostgreSQL.*pg_dump"):
        backup(url, tmp_path / "one.db", force=False)
    with pytest.raises(DatabaseError, match=r"the ledger is in PostgreSQL.*pg_restore"):
        restore(url, tmp_path / "one.db", force=False)


def test_the_documented_way_restores_a_ledger_in_postgresql(postgresql: Server, tmp_path: Path) -> None:
    """Partitions have come and gone since the dump was made."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page[page.index("## Restore") : page.index("## Upgrade")]
    commands = [line for line in section.splitlines() if line.startswith(("pg_restore", "psql"))]
    postgresql.query("CREATE DATABASE dumped")
    url = postgresql.url().replace("/postgres", "/dumped")
    week = 7 * 86_400

    def slots() -> list[int]:
        with contextlib.closing(SLADatabase(url, clock=lambda: NOW, read_only=True)) as read:
            return [each.slot for each in read.newest_measurements(ERRORS.key, 9)]

    def run(command: str) -> None:
        program, *words = [url if word == "URL" else word for word in shlex.split(command)]
        subprocess.run([postgresql.program.with_name(program), *words], cwd=tmp_path, check=True)

    with contextlib.closing(SLADatabase(url, clock=lambda: NOW)) as made:
        made.sync_definitions(DEFINITIONS)
        measure(made, -week // 300, 0)
    dumped = slots()
    run("pg_dump --format=custom --file=ledger.dump URL")
    with contextlib.closing(SLADatabase(url, clock=lambda: NOW + week)) as made:
        measure(made, week // 300)
    with psycopg.connect(url) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT MIN(inhrelid::regclass::text) FROM pg_inherits"
            " WHERE inhparent = 'sla_measurements'::regclass); END $$"
        )
    assert slots() != dumped
    assert len(commands) == 2
    for each in commands:
        run(each)
    assert slots() == dumped
    assert len(dumped) == 2


def test_the_commands(
    database: SLADatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLA_DATABASE_PATH", str(tmp_path / "sla.db"))
    assert cli.main(["backup", str(tmp_path / "one.db")]) == 0
    held = f"checked; schema {contents(tmp_path / 'one.db').schema}, 3 definitions, 3 slots"
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path / 'one.db'}: {held}")
    assert out.endswith("newest slot 2023-11-14 22:25 UTC\n")
    assert cli.main(["backup", str(tmp_path / "one.db")]) == 1
    assert "--force" in capsys.readouterr().err
    database.close()
    assert cli.main(["restore", str(tmp_path / "one.db")]) == 1
    assert cli.main(["restore", "--force", str(tmp_path / "one.db")]) == 0
    restored, former = capsys.readouterr().out.splitlines()
    assert restored.startswith(f"{tmp_path / 'sla.db'}: restored; {held}")
    assert former.startswith(f"the former ledger is {tmp_path / 'sla.db'}.former-")


def test_a_backup_goes_through_a_pipe(
    database: SLADatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `make backup` and `make restore` send it out of the container and into it."""
    monkeypatch.setenv("SLA_DATABASE_PATH", str(tmp_path / "sla.db"))
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=pipe, write=lambda _: 0, flush=lambda: None))
    assert cli.main(["backup", "-"]) == 0
    monkeypatch.undo()
    monkeypatch.setenv("SLA_DATABASE_PATH", str(tmp_path / "elsewhere" / "sla.db"))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pipe.getvalue())))
    assert cli.main(["restore", "-"]) == 0
    assert stored(tmp_path / "elsewhere" / "sla.db") == 3
    assert "the former ledger" not in capsys.readouterr().out
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "elsewhere",
        "sla.db",
        "sla.db-shm",
        "sla.db-wal",
        "sla.db.lock",
    ]
    database.close()
