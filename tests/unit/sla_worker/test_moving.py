"""A ledger is copied from a file to PostgreSQL and back: every row, the same bytes, or nothing at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sla_worker import cli
from sla_worker.database import SLADatabase
from sla_worker.database.bulk import Bulk, Sum
from sla_worker.database.engine import newest_schema
from sla_worker.database.moving import Copied, copy_ledger, copy_rows, reopen, verify
from sla_worker.database.sqlite_bulk import SQLiteBulk
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.evidence import write_evidence
from sla_worker.explain import explain
from sla_worker.grid import Grid
from sla_worker.model import BeganBreach, BreachAlert, Causes, CountsAs, WebhookAlert
from sla_worker.reports import report_between
from unit.sla_worker.databases import Place, PostgreSQLPlace, SQLitePlace
from unit.sla_worker.month_ledger import (
    BAD,
    BERLIN,
    END,
    ERRORS,
    SLOTS,
    START,
    STEP,
    March,
    at,
    with_credits,
)

LATER = END + 3 * STEP
FILLED = [slot for slot in SLOTS if at("2026-03-09") < slot <= at("2026-03-13") or slot > at("2026-03-28")]
ALERT = WebhookAlert("firing", "HighErrorRate", "default", {"a": "ü"}, {"b": "\n"}, "x", "y", LATER, "f")
TABLES = {
    "schema_migrations", "ledger", "sla_definitions", "sla_versions", "sla_components", "sla_series",
    "sla_measurements", "sla_measurement_audit", "sla_gaps", "sla_hours", "sla_daily_summaries",
    "sla_breaches", "sla_annulled_breaches", "sla_breach_causes", "sla_breach_threads",
    "sla_exclusions", "sla_exclusion_spans", "sla_exclusion_slas", "sla_corrections",
    "sla_adjusted_slots", "sla_adjusted_hours", "sla_adjusted_days",
    "sla_monthly_reports", "sla_credits", "sla_credit_decisions",
    "sla_notifications", "sla_deliveries", "sla_sent_reports", "webhook_alerts", "watchdog_outages",
}  # fmt: skip


def contents(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but what says where a ledger went, with its columns in one order."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if isinstance(place, PostgreSQLPlace):
        sql = (
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    found = {}
    for (table,) in place.query(sql):
        where = "slot_seconds, zone, hours_until, days_until, slots_after" if table == "ledger" else "*"
        found[table] = sorted(place.query(f"SELECT {where} FROM {table}"), key=repr)  # noqa: S608
    return found


def everything(location: Path) -> None:
    """Eight days of March with exclusions, a correction, revisions, and a breach with its causes and mails.

    One mail was delivered, one failed once, others are still owed; a slot was read again; the Watchdog was
    away; an alert came; a credit was approved.
    """
    march = March(location, definitions=with_credits())
    database = march.database
    march.fill(FILLED)
    [breach] = database.breaches_between(START, END)
    began = BeganBreach(breach.id, breach.key, breach.started_at, 0)
    database.causes.store(began, Causes((BreachAlert("HighErrorRate", "critical", {"a": "b"}, BAD),), 1, BAD))
    march.exclude(at("2026-03-29T00:00"), at("2026-03-29T04:00"), ERRORS.key)
    march.correct(at("2026-03-12T00:00"), at("2026-03-12T02:00"), CountsAs.EXCLUDED, "web")
    march.turn(LATER)
    revoked = march.exclude(at("2026-03-30T00:00"), at("2026-03-30T04:00"), ERRORS.key)
    march.turn()
    march.revoke(revoked)
    march.again(BAD, 50)
    march.turn()
    database.credits.approve(
        [database.credits.all("2026-03")[-1].id], "ann", "as agreed", march.now, Decimal(10)
    )
    database.alerts.add([ALERT])
    database.outages.begin(LATER - 600, LATER)
    first, second, *_ = database.outbox.due(march.now)
    [sent, _] = database.outbox.deliveries(first, ["a@example.org", "b@example.org"], march.now)
    [begun] = database.outbox.begin([sent], march.now, b"\x00\xffx\x9c")
    database.outbox.delivered(begun, march.now)
    [failed] = database.outbox.deliveries(second, ["ä@example.org"], march.now)
    database.outbox.failed(
        database.outbox.attempt(failed, march.now), "450 later; it's 100 % full", march.now
    )
    march.close()
    SQLitePlace(location).query("INSERT INTO sla_gaps VALUES (1, 3600, 7200)")
    SQLitePlace(location).query("INSERT INTO sla_annulled_breaches VALUES (1, 1, 2, 0.1)")


def figures(location: str | Path, scratch: Path) -> dict[str, Any]:
    """What people are shown of a ledger, and what is still to be sent, without the worker's writing to it."""
    with closing(SLADatabase(location, read_only=True, zone=BERLIN, clock=lambda: LATER)) as database:
        months = database.months
        newest = months.get("2026-03")
        assert newest is not None
        write_evidence(database, newest, scratch / "evidence.zip")
        keys = [ERRORS.key, "score"]
        return {
            "months": [(months.document(each), months.content(each)) for each in months.all()],
            "evidence": (scratch / "evidence.zip").read_bytes(),
            "explained": {key: explain(database, key, START, END) for key in keys},
            "day": {key: explain(database, key, BAD - 86_400, BAD + 3600) for key in keys},
            "reports": [
                report_between(database, title="t", start=start, end=END, now=LATER, exclusions=exclusions)
                for start in (START, END - 86_400, END - 7 * 86_400)
                for exclusions in (True, False)
            ],
            "versions": database.versions(),
            "credits": database.credits.all(),
            "due": [asdict(each) for each in database.outbox.due(LATER + 86_400)],
            "owed": database.outbox.owed(complete=True),
            "sent": [database.sent.content(number, 1) for number in range(9)],
            "alerts": database.alerts.newest(9),
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moving") / "sla.db"
    everything(path)
    return path


@pytest.fixture
def former(made: Path, tmp_path: Path) -> Path:
    return shutil.copy(made, tmp_path / "sla.db")


def copy(source: str | Path | Bulk, target: str | Path) -> Copied:
    return copy_ledger(source, target, now=LATER, tell=lambda _line: None)


def test_every_row_arrives_and_every_figure_stays(
    former: Path, schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    held = SQLitePlace(former)
    before, rows = figures(former, tmp_path), contents(held)
    assert {table for table, found in rows.items() if found} >= TABLES
    found = copy(former, schema.location)
    assert found.rows == {table: len(each) for table, each in rows.items()}
    assert contents(schema) == rows
    assert figures(schema.location, tmp_path) == before
    # And back: again the same, by way of the other database.
    copy(schema.location, tmp_path / "back.db")
    assert contents(SQLitePlace(tmp_path / "back.db")) == rows
    assert figures(tmp_path / "back.db", tmp_path) == before
    assert sorted(each.name for each in tmp_path.iterdir() if "back" in each.name) == [
        "back.db", "back.db.lock",
    ]  # fmt: skip


def test_ids_go_on_after_those_that_were_copied(former: Path, schema: PostgreSQLPlace) -> None:
    [(notifications, breaches)] = SQLitePlace(former).query(
        "SELECT (SELECT MAX(id) FROM sla_notifications), (SELECT MAX(id) FROM sla_breaches)"
    )
    copy(former, schema.location)
    march = March(schema.location, definitions=with_credits())
    march.again(BAD - 10 * STEP, 40)
    march.now = LATER
    assert march.database.outbox.owe_report("weekly", "weekly:1", END, LATER)
    bad = [row for row in march.rows(BAD, 40) if row.component == "crm"]
    later = [replace(row, slot=END + STEP) for row in bad]
    march.database.store(later)
    march.close()
    found = schema.query("SELECT (SELECT MAX(id) FROM sla_notifications), (SELECT MAX(id) FROM sla_breaches)")
    assert found[0][0] > notifications
    assert found == [(found[0][0], breaches + 1)]


def test_nobody_writes_to_a_ledger_that_was_copied_so_no_mail_leaves_twice(
    former: Path, schema: PostgreSQLPlace
) -> None:
    copy(former, schema.location)
    with pytest.raises(DatabaseError, match=r"was copied to postgresql://.* --reopen to go on with this one"):
        SLADatabase(former)
    with pytest.raises(DatabaseError, match="and that one counts since"):
        copy(former, former.with_name("another.db"))
    assert not former.with_name("another.db").exists()
    SLADatabase(former, read_only=True).close()  # it may still be looked at
    assert (reopen(former) or "").startswith("postgresql://")
    SLADatabase(former, grid=Grid(STEP, 15), zone=BERLIN).close()
    assert reopen(former) is None


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_worker_that_writes_to_either_is_in_the_way(
    former: Path, schema: PostgreSQLPlace, tmp_path: Path, way: str
) -> None:
    busy, places = former, (former, schema.location)
    if way == "out":
        copy(former, schema.location)
        busy, places = schema.location, (schema.location, tmp_path / "back.db")
    with (
        closing(SLADatabase(busy, grid=Grid(STEP, 15), zone=BERLIN)),
        pytest.raises(DatabaseLockedError, match="already writes to it; stop that one"),
    ):
        copy(*places)
    assert not (tmp_path / "back.db").exists()
    copy(*places)


def test_what_is_there_already_is_not_written_to(
    former: Path, schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    SLADatabase(schema.location).close()
    before = contents(schema)
    with pytest.raises(DatabaseError, match=r"has a table .* already; give an empty database"):
        copy(former, schema.location)
    assert contents(schema) == before
    (tmp_path / "there.db").write_text("something")
    with pytest.raises(DatabaseError, match="is there already; give another path"):
        copy(former, tmp_path / "there.db")
    assert (tmp_path / "there.db").read_text() == "something"
    (tmp_path / "gone.db-wal").write_text("of a ledger that was removed")
    with pytest.raises(DatabaseError, match=r"gone.db-wal: is the log of another ledger; move it away"):
        copy(former, tmp_path / "gone.db")
    with pytest.raises(DatabaseError, match="there is no ledger yet"):
        copy(tmp_path / "absent.db", tmp_path / "new.db")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)")
    with pytest.raises(DatabaseError, match="is no ledger"):
        copy(tmp_path / "other.db", tmp_path / "new.db")


@pytest.mark.parametrize(
    "target",
    ["Postgresql://sla:geheim@db/sla", "mysql://sla:geheim@db/sla", " postgresql://sla:geheim@db/sla"],
)
def test_a_slip_in_the_scheme_makes_no_file_and_retires_nothing(
    former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """As a path it would be a file below the working directory, and the ledger from then on."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseError, match="neither the URL of a PostgreSQL nor the path of a file") as said:
        copy(former, target)
    assert "geheim" not in str(said.value)
    assert {each.name for each in tmp_path.iterdir()} <= {"sla.db"}
    assert SQLitePlace(former).query("SELECT moved_to FROM ledger") == [(None,)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "DELETE FROM schema_migrations WHERE version > 13",
            "made by an older version .* run sla_database once",
        ),
        ("INSERT INTO schema_migrations VALUES (9999, 'x', 0)", "made by a newer version"),
        ("ALTER TABLE sla_gaps ADD COLUMN mine TEXT", "its table sla_gaps is not that of this version"),
        ("UPDATE sla_breaches SET started_at = 1.5", "cannot be written"),
        ("UPDATE sla_breaches SET sla_id = 999", "cannot be written .*sla_breaches_sla_id_fkey"),
    ],
)
def test_a_copy_that_fails_leaves_nothing_behind_and_changes_nothing(
    former: Path, schema: PostgreSQLPlace, change: str, words: str
) -> None:
    SQLitePlace(former).query(change)
    before = contents(SQLitePlace(former))
    with pytest.raises(DatabaseError, match=words):
        copy(former, schema.location)
    assert (
        schema.query("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace") == []
    )
    assert contents(SQLitePlace(former)) == before
    assert SQLitePlace(former).query("SELECT moved_to FROM ledger") == [(None,)]


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_a_ledger_that_cannot_be_retired_has_no_copy(
    former: Path, schema: PostgreSQLPlace, tmp_path: Path, kind: str
) -> None:
    """Its disk is full by now: it goes on, and what would mail beside it is taken away."""
    schema.query("CREATE TABLE watched (x bigint)")  # of another program: left alone

    class Full(SQLiteBulk):
        def commit(self) -> None:
            raise DatabaseError(f"{self.place}: cannot be written (database or disk is full)")

    before = contents(SQLitePlace(former))
    target = schema.location if kind == "postgresql" else tmp_path / "new.db"
    with pytest.raises(DatabaseError, match="disk is full"):
        copy(Full(former, read_only=False), target)
    assert not (tmp_path / "new.db").exists()
    assert list(contents(schema)) == ["watched"]
    assert contents(SQLitePlace(former)) == before
    assert SQLitePlace(former).query("SELECT moved_to FROM ledger") == [(None,)]
    copy(former, target)


def test_rows_that_belong_to_nothing_do_not_become_a_file(
    former: Path, schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    schema.query("CREATE TABLE watched (x bigint)")  # of another program: left alone, and not copied
    copy(former, schema.location)
    assert schema.query("SELECT * FROM watched") == []
    schema.query("ALTER TABLE sla_breach_causes DROP CONSTRAINT sla_breach_causes_breach_id_fkey")
    schema.query("UPDATE sla_breach_causes SET breach_id = 77")
    with pytest.raises(DatabaseError, match="a row of sla_breach_causes belongs to none of sla_breaches"):
        copy(schema.location, tmp_path / "back.db")
    assert not list(tmp_path.glob("back.db*[!k]"))


@pytest.mark.parametrize("change", ["DELETE FROM t WHERE x = 2", "UPDATE t SET y = 0.3 WHERE x = 2"])
def test_a_copy_that_does_not_hold_what_was_read_is_noticed(tmp_path: Path, change: str) -> None:
    places = [SQLiteBulk(tmp_path / name, read_only=False) for name in ("one.db", "two.db")]
    with closing(places[0]) as source, closing(places[1]) as target:
        for each in places:
            each.open()
            each.execute("CREATE TABLE t (x INTEGER, y DOUBLE PRECISION)", ())
        source.executemany("INSERT INTO t VALUES (?, ?)", [(1, 0.1), (2, 0.1 + 0.2), (3, None)])
        sums = copy_rows(source, target, {"t": ("x", "y")}, print)
        verify(target, {"t": ("x", "y")}, sums, print)
        target.execute(change, ())
        with pytest.raises(
            DatabaseError, match=r"t does not hold what was written to it \([23] rows, 3 were"
        ):
            verify(target, {"t": ("x", "y")}, sums, print)


def test_sums_do_not_depend_on_the_order_and_see_every_change() -> None:
    def of(*rows: tuple[Any, ...]) -> Sum:
        made = Sum()
        for row in rows:
            made.add(row)
        return made

    assert of((1, "a"), (2, None)) == of((2, None), (1, "a"))
    assert of((1, 0.1)) != of((1, 0.1 + 1e-17 * 4))
    assert of((1,), (1,)) != of((1,))
    assert of((1, None)) != of((1, "None"))
    assert of((0.0,)) == of((-0.0,))  # which SQLite stores as 0


def test_the_command_says_what_it_did(
    former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLA_DATABASE_PATH", str(former))
    rows = sum(len(each) for each in contents(SQLitePlace(former)).values())
    assert cli.main(["database", "--copy-to", str(tmp_path / "new.db")]) == 0
    printed = capsys.readouterr()
    # 8 days less the hour that a clock change skips, of errors of crm and web, uptime, latency and the score.
    assert "sla_measurements: 955 rows\n" in printed.err
    assert printed.out.startswith(
        f"{tmp_path / 'new.db'}: checked; schema {newest_schema()}, {rows:,} rows in "
    )
    assert cli.main(["database", "--copy-to", str(tmp_path / "new2.db")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {former}: was copied to {tmp_path / 'new.db'} (20")
    assert cli.main(["database", "--reopen"]) == 0
    assert capsys.readouterr().out == f"it counts again, not {tmp_path / 'new.db'}\n"
    assert cli.main(["database", "--reopen"]) == 0
    assert capsys.readouterr().out == "it was never copied; nothing has changed\n"
