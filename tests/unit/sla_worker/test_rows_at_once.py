"""Many slots are stored by few statements: of any numbers, and of a slot that comes twice the last row."""

from __future__ import annotations

from contextlib import closing

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures, Measurement
from unit.sla_worker.databases import Place, PostgreSQLPlace
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
ERRORS = DEFINITIONS[2]
BEGIN = 1_700_000_100
COUNTING = """
CREATE TABLE statements (made integer);
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO statements VALUES (1); RETURN NULL; END $$;
CREATE TRIGGER counting AFTER INSERT ON sla_measurements FOR EACH STATEMENT EXECUTE FUNCTION counted()
"""
STORED = "SELECT slot, good_events, total_events, actual_value FROM sla_measurements ORDER BY slot"


def opened(place: Place) -> SLADatabase:
    database = SLADatabase(place.location, clock=lambda: BEGIN + 10_000 * 300)
    database.sync_definitions(DEFINITIONS)
    return database


def row(number: int, good: float | None = 9, total: float | None = 10) -> Measurement:
    return evaluate(ERRORS, BEGIN + number * 300, Figures(good, total, 1 if total else 0))


def test_the_rows_of_a_call_are_one_statement_in_postgresql(schema: PostgreSQLPlace) -> None:
    with closing(opened(schema)) as database:
        database.store([row(0)])
        schema.query(COUNTING)
        database.store([row(number) for number in range(1, 1000)])
    assert schema.query("SELECT COUNT(*) FROM statements") == [(1,)]
    assert schema.query("SELECT COUNT(*) FROM sla_measurements") == [(1000,)]


def test_more_rows_than_a_statement_takes_are_all_stored(schema: PostgreSQLPlace) -> None:
    with closing(opened(schema)) as database:
        database.store([row(0)])
        schema.query(COUNTING)
        database.store([row(-number) for number in range(1, 10_002)])
    assert schema.query("SELECT COUNT(*) FROM statements") == [(2,)]  # of 10,000 rows, and of 1
    assert schema.query("SELECT COUNT(*) FROM sla_measurements") == [(10_002,)]


def test_whole_numbers_fractions_and_none_lie_side_by_side(place: Place) -> None:
    with closing(opened(place)) as database:
        database.store([row(0), row(1, 8.5, 10.25), row(2, None, None), row(3, 2**53 - 1, 2**53)])
    assert place.query(STORED) == [
        (BEGIN, 9, 10, 0.1),
        (BEGIN + 300, 8.5, 10.25, 1.75 / 10.25),
        (BEGIN + 600, 0, 0, None),
        (BEGIN + 900, 2**53 - 1, 2**53, 2**-53),
    ]


def test_of_a_slot_that_comes_twice_in_a_call_the_last_row_is_kept(place: Place) -> None:
    with closing(opened(place)) as database:
        database.store([row(0, 9), row(1, 5), row(0, 7)])
    assert [each[:3] for each in place.query(STORED)] == [(BEGIN, 7, 10), (BEGIN + 300, 5, 10)]
