"""PostgreSQL alone: the one writer, lost connections, passwords that nobody is shown, a whole service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ports import free_port
from postgresql import Server
from sla_worker.commands.database import main as sla_database
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError, DatabaseLockedError
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures, Planned, Scope
from unit.sla_worker.databases import PostgreSQLPlace
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE
from unit.sla_worker.pooler import Pooler
from unit.sla_worker.setting import Setting
from waiting import poll

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]
NOW = 1_700_000_100


@pytest.fixture
def database(schema: PostgreSQLPlace) -> Iterator[SLADatabase]:
    made = SLADatabase(schema.location, clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    measure(made, 0)
    yield made
    made.close()


def measure(database: SLADatabase, slot: int) -> None:
    database.store([evaluate(ERRORS, NOW + slot * 300, Figures(100, 100, 1))])


def end_connections(schema: PostgreSQLPlace) -> None:
    """As a restart of the server does: every session but this one ends."""
    schema.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'sla_worker%' AND pid <> pg_backend_pid()"
    )


def test_a_connection_that_ends_while_idle_is_noticed_and_made_again(
    database: SLADatabase, schema: PostgreSQLPlace
) -> None:
    assert database.look() is None
    end_connections(schema)
    line = poll(database.look, "the end of the connection")
    assert line.startswith(f"{database.place}: the connection was lost (")
    assert line.endswith("it is connected again")
    assert "\n" not in line
    assert (database.look(), database.trouble()) == (None, None)
    measure(database, 1)
    assert database.counts()["measurements"] == 2


def test_a_connection_that_ends_in_the_middle_loses_the_transaction_and_no_more(
    database: SLADatabase, schema: PostgreSQLPlace
) -> None:
    def half() -> None:
        with database._engine.transaction():
            measure(database, 1)
            end_connections(schema)
            measure(database, 2)

    with pytest.raises(DatabaseError, match=r"the connection was lost \(.*\); nothing is stored until it is"):
        half()
    assert "the connection was lost" in str(database.trouble())
    with pytest.raises(DatabaseError, match="the connection was lost"):
        database.get_active_breaches()
    assert "connected again" in str(database.look())
    assert database.counts()["measurements"] == 1
    measure(database, 1)
    assert database.counts()["measurements"] == 2


def test_who_lost_the_connection_writes_no_more_while_another_one_does(
    database: SLADatabase, schema: PostgreSQLPlace
) -> None:
    end_connections(schema)
    with pytest.raises(DatabaseError):
        measure(database, 1)
    other = SLADatabase(schema.location, clock=lambda: NOW)
    measure(other, 1)
    with pytest.raises(DatabaseLockedError, match="already writes to it"):
        database.look()
    with pytest.raises(DatabaseError, match="the connection was lost"):
        measure(database, 2)
    other.close()

    def refused() -> str | None:
        try:
            return database.look()
        except DatabaseLockedError as error:
            return str(error) if "meanwhile" in str(error) else None

    # What is in memory is of before the other one: it has to begin again, and then knows of slot 1.
    line = poll(refused, "its turn", seconds=5)
    assert line.endswith("has written to it meanwhile; what is in memory holds no more")
    with pytest.raises(DatabaseError, match="has written to it meanwhile"):
        measure(database, 2)
    again = SLADatabase(schema.location, clock=lambda: NOW)
    assert again.missing_slots(NOW + 600, 0)[ERRORS.key] == [NOW + 600]
    again.close()


def test_ledgers_in_other_databases_of_the_server_are_led_by_others(postgresql: Server) -> None:
    """All in the schema `public`, so their locks have the same key."""
    names = ("a", "b", "c", "d")
    for each in names:
        postgresql.query(f"CREATE DATABASE led_{each}")
    urls = {each: postgresql.url().replace("/postgres", f"/led_{each}") for each in names}
    with contextlib.ExitStack() as stack:
        for each, url in urls.items():
            stack.enter_context(contextlib.closing(SLADatabase(f"{url}?application_name=leader_{each}")))
        for each, url in urls.items():
            with pytest.raises(DatabaseLockedError, match=f"led_{each}: leader_{each} already writes to it"):
                SLADatabase(url)
            with contextlib.closing(SLADatabase(url, read_only=True)) as standby:
                holder = standby.lead.holder()
                assert holder is not None
                assert holder.name == f"leader_{each}"


def test_a_server_that_is_away_is_one_clear_line_and_no_password() -> None:
    url = f"postgresql://sla:geheim@127.0.0.1:{free_port()}/sla"
    with pytest.raises(DatabaseError) as raised:
        SLADatabase(url)
    text = str(raised.value)
    assert text.startswith(url.replace(":geheim", "") + ": cannot be reached (")
    assert "geheim" not in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://sla:geheim@127.0.0.1:70000/sla",
        "postgresql://sla:geheim@127.0.0.1:5432/sla?password=geheim&nothing=1",
        "postgresql://sla:geheim@[::1/sla",
        "postgresql://sla:geh%zzeim@127.0.0.1:1/sla",
        "postgresql://sla:x@geheim@127.0.0.1:1/sla",
        "postgresql://sla:12/geheim@127.0.0.1:1/sla",
        "postgresql://sla:12?geheim@127.0.0.1:1/sla",
        "postgresql://sla:12#geheim@127.0.0.1:1/sla",
        "postgresql://sla:12/geheim?@127.0.0.1:1/sla",
    ],
)
def test_a_url_that_cannot_be_understood_shows_no_password(url: str) -> None:
    with pytest.raises(DatabaseError) as raised:
        SLADatabase(url)
    assert "geh" not in str(raised.value)
    assert "12" not in str(raised.value).replace("127.0.0.1", "")
    assert str(raised.value).startswith("postgresql://")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://sla:a%40b%2Fc%3A%25@127.0.0.1:PORT/sla", "postgresql://sla@127.0.0.1:PORT/sla"),
        ("postgresql://127.0.0.1:PORT/sla?user=me@server&password=a@/b", "postgresql://127.0.0.1:PORT/sla"),
    ],
)
def test_a_password_may_have_every_sign(url: str, place: str) -> None:
    port = str(free_port())
    with pytest.raises(DatabaseError) as raised:
        SLADatabase(url.replace("PORT", port))
    assert str(raised.value).startswith(f"{place.replace('PORT', port)}: cannot be reached (")


@pytest.mark.usefixtures("database")
def test_behind_a_pooler_that_shares_its_sessions_nobody_leads(schema: PostgreSQLPlace) -> None:
    """All of its clients would have the one lock, and mail twice. One that shares none does no harm."""
    with Pooler(schema.server.port) as pooler:
        url = schema.location.replace(f":{schema.server.port}/", f":{pooler.port}/")
        for read_only in (False, True):
            with pytest.raises(DatabaseError, match=r"is a pooler in transaction mode, .* the server itself"):
                SLADatabase(url, read_only=read_only)
    with Pooler(schema.server.port, shared=False) as pooler:
        url = schema.location.replace(f":{schema.server.port}/", f":{pooler.port}/")
        with pytest.raises(DatabaseLockedError, match=r"sla_worker on .* already writes to it"):
            SLADatabase(url)
        SLADatabase(url, read_only=True).close()


def test_a_whole_service_keeps_its_ledger_there(schema: PostgreSQLPlace, tmp_path: Path) -> None:
    setting = Setting(tmp_path, SLA_DATABASE_URL=schema.location)
    setting.prometheus.values[GOOD] = 900.0
    setting.step()
    assert setting.ask("/")[1].count("API Error Rate") == 2
    assert 'sla_active_breaches{severity="critical"} 2.0' in setting.ask("/metrics")[1]
    end_connections(schema)
    setting.now += 300
    poll(setting.service.database.look, "the end of the connection")
    setting.step()
    assert setting.service.database.newest_slot() == SLOT + 300
    setting.close()
    assert not (tmp_path / "sla.db").exists()


def test_the_command_shows_the_place_without_the_password(
    schema: PostgreSQLPlace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = schema.location.replace("tester@", "tester:geheim@")
    monkeypatch.setenv("SLA_DATABASE_URL", url)
    assert sla_database([]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"database:         postgresql://tester@127.0.0.1:{schema.server.port}/postgres\n")
    assert "definitions:      3" in out
    assert "geheim" not in out


def test_a_schema_that_is_not_there_is_refused(schema: PostgreSQLPlace) -> None:
    with pytest.raises(DatabaseError, match="search_path names no schema that is there"):
        SLADatabase(schema.server.url("nowhere"))


@pytest.mark.usefixtures("database")
def test_a_reader_cannot_write(schema: PostgreSQLPlace) -> None:
    reader = SLADatabase(schema.location, read_only=True)
    with pytest.raises(DatabaseError, match="read-only"):
        measure(reader, 1)
    reader.close()


def test_sums_are_the_same_in_whichever_order_rows_were_stored(schema: PostgreSQLPlace) -> None:
    """(0.1 + 0.2) + 0.3 is 0.6000000000000001, (0.3 + 0.2) + 0.1 is 0.6: the first is the order of slots."""
    shares, hour = (0.1, 0.2, 0.3), NOW // 3600 * 3600 + 3600
    one, other = DEFINITIONS[1], ERRORS
    rows = {
        each: [evaluate(each, hour + 300 * n, Figures(100, 100, share)) for n, share in enumerate(shares, 1)]
        for each in (one, other)
    }
    with contextlib.closing(SLADatabase(schema.location, clock=lambda: NOW)) as database:
        database.sync_definitions(DEFINITIONS)
        for row in [*rows[one], *reversed(rows[other])]:
            database.store([row])
        schema.query("ANALYZE")  # so small a table is then read as it lies, not by its index
        statuses = {each.key: each for each in database.get_current_sla_status(1, end=hour + 900)}
        database.store([evaluate(each, hour + 3900, Figures(100, 100, 1)) for each in (one, other)])
    assert [statuses[each.key].measured_seconds for each in (one, other)] == [300 * 0.6000000000000001] * 2
    kept = schema.query("SELECT covered_slots FROM sla_hours")
    assert kept == [(0.6000000000000001,)] * 2


def test_of_many_statements_a_hundred_at_a_time_have_the_time_of_one(
    database: SLADatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else thousands that the server takes milliseconds for would count as a server that hangs."""
    waits: list[str] = []
    session = database._engine._dialect._connection  # type: ignore[attr-defined]
    wait = session.wait
    rows = [(number, f"c{number}") for number in range(1001, 1251)]

    def counted(gen: Any, *times: Any) -> Any:
        waits.extend([gen.__name__] if "executemany" in gen.__name__ else [])
        return wait(gen, *times)

    monkeypatch.setattr(session, "wait", counted)
    with database._engine.transaction():
        database._engine.executemany("INSERT INTO sla_components (id, name) VALUES (?, ?)", rows)
    assert len(waits) == 3  # 100, 100 and 50


def test_the_server_knows_how_much_was_excluded_at_once(schema: PostgreSQLPlace) -> None:
    """In the very transaction that goes on to sum it up, hours by hours."""
    end = NOW + 1100 * 300
    with contextlib.closing(SLADatabase(schema.location, clock=lambda: NOW)) as database:
        database.sync_definitions(DEFINITIONS)
        database.store(
            [evaluate(ERRORS, slot, Figures(100, 100, 1)) for slot in range(NOW + 300, end + 1, 300)]
        )
        database.maintenance.add(Planned(Scope(), NOW, end, "ann", "moved"), end)
    adjusted = f"'{schema.schema}.sla_adjusted_slots'::regclass"
    assert schema.query(f"SELECT reltuples FROM pg_class WHERE oid = {adjusted}") == [(1100,)]  # noqa: S608


def test_the_server_knows_how_few_series_there_are(database: SLADatabase, schema: PostgreSQLPlace) -> None:
    """Else it reads every hour of a year for the sum of one."""
    series = f"SELECT reltuples FROM pg_class WHERE oid = '{schema.schema}.sla_series'::regclass"  # noqa: S608
    assert schema.query(series) == [(1,)]  # ERRORS, which the fixture has measured
    database.store([evaluate(each, NOW + 300, Figures(100, 100, 1)) for each in DEFINITIONS])
    assert schema.query(series) == [(3,)]


def test_times_after_2038_can_be_stored(database: SLADatabase, schema: PostgreSQLPlace) -> None:
    """The first second that 32 bits cannot hold is 2038-01-19 03:14:08 UTC, 2 ** 31."""
    database.store([evaluate(ERRORS, 2**31 + 252, Figures(1, 1, 1))])
    assert schema.query("SELECT MAX(slot) FROM sla_measurements") == [(2**31 + 252,)]
    assert psycopg.__version__.startswith("3.")
