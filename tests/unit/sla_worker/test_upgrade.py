"""An upgrade from the first schema on: all is there afterwards, or nothing has changed."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker import cli
from sla_worker.commands.upgrade import FORMER_LEDGER
from sla_worker.database import SLADatabase
from sla_worker.database.engine import newest_schema
from sla_worker.database.place import take_lock
from sla_worker.database.upgrading import Survey, differences, go_back, upgrade
from sla_worker.errors import DatabaseError, DatabaseLockedError
from unit.sla_worker import first_ledger
from unit.sla_worker.first_ledger import GOOD, LAST, ROWS, START, TOTAL

NOW = LAST + 100.0


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Two days and some hours of it, alone in its directory."""
    first_ledger.make(tmp_path / "sla.db", slots=600)
    return tmp_path / "sla.db"


def clock() -> float:
    return NOW


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def test_a_year_from_the_first_schema_to_this_one_and_back(tmp_path: Path) -> None:
    ledger = tmp_path / "sla.db"
    first_ledger.make(ledger)
    first = digest(ledger)
    done = upgrade(ledger, clock=clock)

    assert (done.before.schema, done.after.schema) == (1, newest_schema())
    assert {name: count for name, count in done.before.rows.items() if name != "schema_migrations"} == ROWS
    assert {name: done.after.rows[name] for name in ROWS} == ROWS
    assert done.before.sums["sla_measurements"] == done.after.sums["sla_measurements"] == (GOOD, TOTAL)
    assert done.before.sums["sla_daily_summaries"] == done.after.sums["sla_daily_summaries"] == (GOOD, TOTAL)
    # The former one is kept, byte by byte, and nothing else is left.
    assert (done.former.name, digest(done.former)) == ("sla.db.before-upgrade-20240101T000140Z", first)
    assert sorted(each.name for each in ledger.parent.iterdir()) == [
        "sla.db",
        done.former.name,
        "sla.db.lock",
    ]
    # The worker goes on with it: what was measured, what was breached, what is owed.
    database = SLADatabase(ledger, clock=clock)
    assert len(database.breaches_between(START, LAST)) == 1037
    assert database.outbox.owed() == {}
    [newest] = database.newest_measurements("platform-uptime", 1)
    assert (newest.slot, newest.good, newest.total) == (LAST, 0, 0)  # slot 105,120 is 365 x 288
    database.close()
    # Going back changes names alone.
    upgraded = digest(ledger)
    kept = go_back(ledger, done.former, clock=clock)

    assert (digest(ledger), digest(kept)) == (first, upgraded)
    assert kept.name == "sla.db.upgraded-20240101T000140Z"
    assert not done.former.exists()


def test_a_ledger_that_the_new_version_has_damaged_is_no_obstacle_to_going_back(ledger: Path) -> None:
    first = digest(ledger)
    done = upgrade(ledger, clock=clock)
    ledger.write_bytes(b"nothing that SQLite knows" * 100)

    kept = go_back(ledger, done.former, clock=clock)

    assert digest(ledger) == first
    assert kept.read_bytes().startswith(b"nothing")


FROZEN = """
INSERT INTO sla_monthly_reports
  (month, revision, zone, start_at, end_at, frozen_at, reason, breaches, worker_version, sha256, document,
   content)
VALUES ('2023-01', 1, 'UTC', 0, 1, 2, 'closed', 0, '0.1.0', 's', '{"month": "2023-01"}', 'JANUARY');
"""


def test_frozen_months_are_the_same_bytes(ledger: Path) -> None:
    upgrade(ledger, clock=clock)
    change(ledger, FROZEN)
    done = upgrade(ledger, clock=lambda: NOW + 1)
    # What `printf '{"month": "2023-01"}\0JANUARY' | sha256sum` says.
    digest = "784b799c797c2549a79474db35712c157e913d35606ba779947960a2fa039a44"
    assert done.before.months == done.after.months == {"2023-01, revision 1": digest}


# A table that a migration makes is there: 0002 and 0003 succeed, 0004 writes all slots again, then it fails.
HALF_WAY = "CREATE TABLE sla_gaps (of_somebody_else INTEGER);"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: change(path, HALF_WAY), r"table sla_gaps already exists.*\(the upgrade was undone\)"),
        (
            lambda path: change(path, "INSERT INTO schema_migrations VALUES (999, 'x', 1);"),
            "by a newer version",
        ),
        (lambda path: change(path, "DROP TABLE ledger;"), "is no ledger"),
        (
            lambda path: path.with_name("sla.db.upgrading.partial").mkdir(),
            "cannot be upgraded|cannot be written",
        ),
    ],
    ids=["half-way", "newer", "no ledger", "no room"],
)
def test_an_upgrade_that_fails_leaves_the_very_file(
    ledger: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(ledger)
    before, there = digest(ledger), {each.name for each in ledger.parent.iterdir()}

    with pytest.raises(DatabaseError, match=said) as failed:
        upgrade(ledger, clock=clock)

    assert ".upgrading:" not in str(failed.value)
    assert digest(ledger) == before
    assert {each.name for each in ledger.parent.iterdir()} == there | {"sla.db.lock"}


def test_the_log_of_a_killed_upgrade_is_not_played_into_the_next_one(ledger: Path) -> None:
    copy, rename = ledger.with_name("sla.db.upgrading"), "UPDATE sla_definitions SET description = '{}';"
    shutil.copy(ledger, copy)
    killed = sqlite3.connect(copy)
    killed.executescript(f"PRAGMA journal_mode = WAL; {rename.format('of the killed one')}")
    log = Path(f"{copy}-wal").read_bytes()
    killed.close()
    Path(f"{copy}-wal").write_bytes(log)
    change(ledger, rename.format("changed since"))

    upgrade(ledger, clock=clock)

    with closing(sqlite3.connect(ledger)) as now:
        assert {*now.execute("SELECT description FROM sla_definitions")} == {("changed since",)}


def test_an_upgraded_ledger_is_as_private_as_it_was(ledger: Path) -> None:
    ledger.chmod(0o600)
    upgrade(ledger, clock=clock)
    assert ledger.stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_is_written_to_or_is_not_there_is_not_upgraded(ledger: Path) -> None:
    with take_lock(ledger, "the worker"), pytest.raises(DatabaseLockedError, match="stop that one"):
        upgrade(ledger, clock=clock)
    with pytest.raises(DatabaseError, match="there is no database yet"):
        upgrade(ledger.with_name("other.db"), clock=clock)


def test_what_an_upgrade_loses_is_named() -> None:
    before = Survey(
        1, {"a": 2, "b": 3, "schema_migrations": 1}, {"a": (1.5, 2.0)}, {"2026-01, revision 1": "x"}
    )
    assert (
        differences(before, replace(before, schema=2, rows={**before.rows, "schema_migrations": 2, "c": 1}))
        == []
    )
    after = Survey(2, {"b": 2}, {"a": (1.5, 2.1)}, {"2026-01, revision 1": "y"}, dangling=1)
    assert differences(before, after) == [
        "a: 2 rows before, no table after",
        "b: 3 rows before, 2 after",
        "1 rows refer to rows that are not there, 0 before",
        "a: good and total events (1.5, 2.0) before, (1.5, 2.1) after",
        "the frozen month 2026-01, revision 1 differs",
    ]


def test_the_command_and_the_way_back(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = digest(ledger)
    monkeypatch.setenv("SLA_DATABASE_PATH", str(ledger))
    assert cli.main(["upgrade"]) == 0
    words, former = capsys.readouterr().out.splitlines()
    # 600 slots, 6 breaches and their mails, 3 days, and the 6 rows of the other four tables
    assert words == (
        f"upgraded: schema 1 to {newest_schema()}; the same 621 rows in 8 tables, sums of events,"
        " 0 frozen months"
    )
    file = former.removeprefix(FORMER_LEDGER)
    assert cli.main(["upgrade", "--back", file]) == 0
    assert digest(ledger) == first
    assert cli.main(["upgrade", "--back", file]) == 1
    assert "there is no database" in capsys.readouterr().err
