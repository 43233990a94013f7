"""A ledger that a former version has made opens with all that it held."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.fake_prometheus import THREE

NOW = 1_700_000_100
ROWS = """
SELECT (SELECT COUNT(*) FROM sla_measurements), (SELECT COUNT(*) FROM sla_breaches),
       (SELECT COUNT(*) FROM sla_notifications), (SELECT COUNT(*) FROM sla_deliveries),
       (SELECT COUNT(*) FROM sla_daily_summaries)
"""
# Made by the code of version 3 of the schema: five slots of three SLAs, and one of an SLA without a file.
FORMER = Path(__file__).parent / "samples" / "ledger_0003.sql"


def test_rows_breaches_mails_outages_alerts_and_summaries_of_version_3(tmp_path: Path) -> None:
    place = SQLitePlace(tmp_path / "sla.db")
    with sqlite3.connect(place.location) as connection:
        connection.executescript(FORMER.read_text("utf-8"))
    connection.close()
    assert place.query(ROWS) == [(16, 4, 5, 3, 3)]
    database = SLADatabase(place.location, clock=lambda: NOW + 1245)
    assert place.query(ROWS) == [(16, 4, 5, 3, 3)]
    # What was breached: uptime in slot 1, errors in slots 2 and 3, latency from slot 4 on, the queue in 5.
    assert [
        (each.key, each.component, each.started_at - NOW, (each.ended_at or NOW) - NOW, each.worst)
        for each in database.breaches_between(0, 2 * NOW)
    ] == [
        ("platform-uptime", "all", 0, 300, 0.5),
        ("api-error-rate", "crm", 300, 900, 0.06),
        ("api-response-time-p95", "all", 900, 0, 4.2),
        ("queue", "all", 1200, 0, 60),
    ]
    [late] = [each for each in database.newest_measurements("api-error-rate", 9) if each.late]
    assert (late.slot, late.good, late.total, late.coverage, late.final) == (NOW + 900, 940, 1000, 1, True)
    assert database.outbox.owed() == {"breach": 2, "watchdog_outage": 1, "watchdog_outage_end": 1}
    # Latency lasts and has a mail, so its end is told; what ended before is told to nobody once more.
    assert place.query("SELECT answers, told_end FROM sla_breach_threads") == [("breach:3", None)]
    database.threads.turn(NOW + 1245, 0)
    assert database.outbox.owed() == {"breach": 2, "watchdog_outage": 1, "watchdog_outage_end": 1}
    assert len(database.alerts.newest(10)) == 1
    assert database.provisional_slots(2 * NOW, 0) == {}
    definitions = read_definitions(THREE)
    database.sync_definitions(definitions)
    assert database.missing_slots(NOW + 1500, 0)["platform-uptime"] == [NOW + 1500]
    # The breach of latency goes on and is resolved by the next row.
    database.store([evaluate(definitions[1], NOW + 1500, Figures(99, 100, 1, 1.0))])
    assert [each.key for each in database.get_active_breaches()] == ["queue"]
    database.close()


@pytest.mark.parametrize(("version", "said"), [(999, "a newer version"), (3, "an older version")])
def test_a_report_reads_no_tables_of_another_version(place: Place, version: int, said: str) -> None:
    """They may have the columns that it asks for, and mean something else by them."""
    SLADatabase(place.location).close()
    if version == 3:
        place.query("DELETE FROM schema_migrations WHERE version > 3")
    else:
        place.query("INSERT INTO schema_migrations (version, name, applied_at) VALUES (999, 'x', 1)")
    with pytest.raises(DatabaseError, match=rf"made by {said} \(schema {version}, "):
        SLADatabase(place.location, read_only=True)


def test_the_tables_of_another_program_are_left_alone(place: Place) -> None:
    place.query("CREATE TABLE ledger (account INTEGER)")
    with pytest.raises(DatabaseError, match="of another program; give a place of its own"):
        SLADatabase(place.location)
    assert place.query("SELECT account FROM ledger") == []
