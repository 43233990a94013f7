"""In PostgreSQL slots lie in partitions: made ahead, read alone, dropped as a whole."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from sla_worker.database import Keep, SLADatabase
from sla_worker.database.engine import apply, record, scripts
from sla_worker.database.moving import copy_rows
from sla_worker.database.postgres_bulk import PostgreSQLBulk
from sla_worker.database.sqlite_bulk import SQLiteBulk
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Figures, Measurement
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.test_database_rollups import ERRORS

BERLIN = ZoneInfo("Europe/Berlin")
STEP = 1800
KEEP = Keep(slot_days=10)  # two days a partition
RANGES = """
SELECT COALESCE(substring(pg_get_expr(relpartbound, oid) FROM $$FROM \\('?(-?\\d+)$$), '0')::bigint - 1,
       substring(pg_get_expr(relpartbound, oid) FROM $$TO \\('?(-?\\d+)$$)::bigint - 1
FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
ORDER BY 2
"""


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def row(slot: int) -> Measurement:
    return evaluate(ERRORS, slot, Figures(9, 10, 1), component="all")


def opened(location: str | Path, begin: str, keep: Keep = KEEP) -> SLADatabase:
    made = SLADatabase(location, grid=Grid(STEP, 15), zone=BERLIN, keep=keep, clock=lambda: float(at(begin)))
    made.sync_definitions([ERRORS])
    return made


def days(first: str, count: int) -> list[Measurement]:
    return [row(slot) for slot in range(at(first) + STEP, at(first) + count * 86_400 + 1, STEP)]


def shown(schema: PostgreSQLPlace) -> list[tuple[str, str]]:
    """Where each partition begins and ends by the clock of Berlin."""
    return [
        tuple(f"{dt.datetime.fromtimestamp(each, BERLIN):%m-%d %H:%M}" for each in found)  # type: ignore[misc]
        for found in schema.query(RANGES)
    ]


@pytest.fixture
def ledger(schema: PostgreSQLPlace) -> Iterator[SLADatabase]:
    with closing(opened(schema.location, "2026-02-01")) as made:
        yield made


def test_they_are_of_whole_days_and_made_a_day_ahead(ledger: SLADatabase, schema: PostgreSQLPlace) -> None:
    """The 27th of March 2026 is day 739,702 of the calendar, an even one; an hour is missing on the 29th."""
    assert dt.date(2026, 3, 27).toordinal() == 739_702
    ledger.store([row(at("2026-03-27T00:30")), row(at("2026-03-28T00:00"))])
    assert shown(schema) == [("03-27 00:00", "03-29 00:00")]
    ledger.store([row(at("2026-03-28T00:30"))])  # a day later is the 29th
    assert shown(schema) == [("03-27 00:00", "03-29 00:00"), ("03-29 00:00", "03-31 00:00")]
    # Midnight ends a day, and a late slot of long ago gets a place of its own.
    ledger.store([row(at("2026-03-27T00:00")), row(at("2026-02-03T12:00"))])
    assert shown(schema)[:2] == [("02-03 00:00", "02-05 00:00"), ("03-25 00:00", "03-27 00:00")]
    assert schema.query("SELECT COUNT(*) FROM sla_measurements") == [(5,)]


def test_another_timezone_and_width_fill_what_lies_between(schema: PostgreSQLPlace) -> None:
    with closing(opened(schema.location, "2026-02-01")) as berlin:
        berlin.store([row(at("2026-03-10T12:00")), row(at("2026-03-16T12:00"))])
    # Of one day each by UTC, 1:00 in Berlin: no part of another one is taken.
    with closing(SLADatabase(schema.location, keep=Keep(slot_days=5), clock=lambda: at("2026-03-20"))) as utc:
        utc.sync_definitions([ERRORS])
        utc.store([row(at("2026-03-13T00:30")), row(at("2026-03-15T00:30")), row(at("2026-03-18T01:00"))])
    found = schema.query(RANGES)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(found))
    assert schema.query("SELECT COUNT(*) FROM sla_measurements") == [(5,)]


def test_what_is_over_is_dropped_as_a_whole_and_no_figure_changes(
    ledger: SLADatabase, schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    """Of 20 days 10 are kept, and as many more as the oldest of their partitions has."""
    with closing(opened(tmp_path / "sla.db", "2026-02-01")) as file:
        for each in (file, ledger):
            each._clock = each._engine._clock = lambda: float(at("2026-03-21T00:20"))
            each.store(days("2026-03-01", 20))
            while each.trim():
                pass
        months = [(at("2026-03-01"), at("2026-03-21")), (at("2026-03-05"), at("2026-03-20T11:30"))]
        for start, end in months:
            assert ledger.status_between(start, end) == file.status_between(start, end)
        # Up to the 11th is to go; day 739,685, the 10th, is not even, so a partition ends before the 11th.
        assert file.slots_after() == at("2026-03-11")
    assert ledger.slots_after() == at("2026-03-11")
    assert shown(schema)[0] == ("03-11 00:00", "03-13 00:00")
    assert schema.query("SELECT MIN(slot) FROM sla_measurements") == [(at("2026-03-11") + STEP,)]
    # What comes for them now is refused as without partitions.
    assert ledger.store([row(at("2026-03-10T12:00"))]).added == 0
    ledger._clock = lambda: float(at("2026-03-22T00:20"))
    ledger.store(days("2026-03-21", 1))
    while ledger.trim():
        pass
    # Up to the 12th could go, which lies within a partition: it waits for the 13th.
    assert ledger.slots_after() == at("2026-03-11")


def test_a_session_that_reads_for_long_is_not_waited_for(
    ledger: SLADatabase, schema: PostgreSQLPlace
) -> None:
    """As pg_dump does: nothing is dropped while it runs, and slots are stored, in new partitions too."""
    ledger._clock = ledger._engine._clock = lambda: float(at("2026-03-21T00:20"))
    ledger.store(days("2026-03-01", 20))
    with psycopg.connect(schema.location) as other:
        other.execute("SELECT COUNT(*) FROM sla_measurements")  # the transaction stays open
        assert ledger.trim() is False
        assert ledger.slots_after() == 0
        ledger.store([row(at("2026-03-25T00:30"))])
    while ledger.trim():
        pass
    assert ledger.slots_after() == at("2026-03-11")


def test_usual_reads_look_at_no_other_partition(ledger: SLADatabase, schema: PostgreSQLPlace) -> None:
    ledger.store(days("2026-03-01", 20))
    assert len(shown(schema)) == 11
    looked: list[str] = []
    with psycopg.connect(schema.location) as other:
        for sql in (
            # The sums of a piece of today, a slot of a pair, and what a pass asks for rows that may be there.
            "SELECT SUM(m.good_events) FROM sla_series s CROSS JOIN sla_measurements m"
            " WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id"
            " AND m.slot > %(begin)s AND m.slot <= %(end)s",
            "SELECT * FROM sla_measurements WHERE sla_id = 1 AND component_id = 1 AND slot = %(end)s",
            "SELECT * FROM sla_measurements WHERE sla_id = 1 AND component_id = 1 AND slot >= %(end)s",
        ):
            plan = other.execute(
                f"EXPLAIN (COSTS OFF) {sql}".encode(),
                {"begin": at("2026-03-20T23:00"), "end": at("2026-03-20T23:30")},
            )
            looked.append("\n".join(line for (line,) in plan))
    [newest, ahead] = [name for (name,) in schema.query(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        " AND relnamespace = current_schema()::regnamespace ORDER BY relname DESC LIMIT 2"
    )][::-1]  # fmt: skip
    oldest = f"sla_measurements_{at('2026-03-01')}"
    assert all(newest in plan or ahead in plan for plan in looked), looked
    assert not any(oldest in plan for plan in looked), looked


def test_a_ledger_without_partitions_keeps_its_rows_and_loses_them_in_time(
    schema: PostgreSQLPlace, tmp_path: Path
) -> None:
    """Made by schema 16, with 20 days of slots, which become one partition."""
    with closing(opened(tmp_path / "sla.db", "2026-02-01")) as file:
        file._clock = file._engine._clock = lambda: float(at("2026-03-21T00:20"))
        file.store(days("2026-03-01", 20))
    with (
        closing(SQLiteBulk(tmp_path / "sla.db", read_only=True)) as source,
        closing(PostgreSQLBulk(schema.location, read_only=False)) as target,
    ):
        source.open()
        target.open()

        def make() -> None:
            record(target)
            for version, script in scripts().items():
                if version < 17:
                    apply(target, version, script, 0)
            target.execute("DELETE FROM schema_migrations", ())

        with target.filling(make):
            made = target.tables()  # what later migrations make is empty here
            copy_rows(source, target, {n: c for n, c in source.tables().items() if n in made}, print)
            target.execute("DELETE FROM schema_migrations WHERE version >= 17", ())
    rows = schema.query("SELECT * FROM sla_measurements ORDER BY slot")
    with closing(opened(schema.location, "2026-03-21T00:20")) as ledger:
        assert schema.query("SELECT * FROM sla_measurements ORDER BY slot") == rows
        assert schema.query(RANGES) == [(-1, at("2026-03-21"))]
        ledger.store([row(at("2026-03-21T00:30"))])
        while ledger.trim():
            pass
        # Row by row, up to the very day; the next slots have a partition of their own.
        assert ledger.slots_after() == at("2026-03-11")
        assert schema.query("SELECT MIN(slot) FROM sla_measurements") == [(at("2026-03-11") + STEP,)]
        assert shown(schema)[1:] == [("03-21 00:00", "03-23 00:00")]
        ledger._clock = ledger._engine._clock = lambda: float(at("2026-03-31T01:20"))
        ledger.store(days("2026-03-21", 10))
        while ledger.trim():
            pass
        assert shown(schema)[0] == ("03-21 00:00", "03-23 00:00")
