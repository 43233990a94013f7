"""An upgrade of a ledger in PostgreSQL: one transaction, and a file for what fails after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sla_worker import cli
from sla_worker.commands.upgrade import FORMER_LEDGER
from sla_worker.database import SLADatabase
from sla_worker.database.copies import contents
from sla_worker.database.engine import newest_schema
from sla_worker.database.upgrading_schema import go_back_schema, upgrade_schema
from sla_worker.errors import DatabaseError, DatabaseLockedError
from unit.sla_worker import first_ledger
from unit.sla_worker.databases import PostgreSQLPlace

SCHEMA = "SELECT MAX(version) FROM schema_migrations"
# 600 slots: 2 were not measured, 6 were breached, 592 were good.
FIGURES = "SELECT COUNT(*), SUM(good_events), SUM(total_events) FROM sla_measurements"
COUNTED = [(600, 592 * 20.0 + 6 * 10, 598 * 20.0)]


def silent(_line: str) -> None: ...


@pytest.fixture
def first(schema: PostgreSQLPlace, tmp_path: Path) -> PostgreSQLPlace:
    """The ledger of the first schema, brought there from a file: the way that a roll-back goes."""
    first_ledger.make(tmp_path / "first.db", slots=600)
    go_back_schema(schema.location, tmp_path / "first.db", tell=silent)
    assert schema.query(SCHEMA) == [(1,)]
    return schema


def test_a_ledger_of_the_first_schema_goes_to_this_one_and_back(
    first: PostgreSQLPlace, tmp_path: Path
) -> None:
    done = upgrade_schema(first.location, tmp_path / "sla.db", tell=silent, clock=lambda: first_ledger.LAST)

    assert (done.before.schema, done.after.schema) == (1, newest_schema())
    assert done.before.rows["sla_breaches"] == done.after.rows["sla_breaches"] == 6
    assert first.query(FIGURES) == COUNTED
    assert done.former.name == "sla.db.before-upgrade-20240101T000000Z"
    assert (contents(done.former).schema, contents(done.former).rows["slots"]) == (1, 600)
    SLADatabase(first.location).close()  # a worker of this version takes it

    go_back_schema(first.location, done.former, tell=silent)

    assert first.query(SCHEMA) == [(1,)]
    assert first.query(FIGURES) == COUNTED
    assert first.query("SELECT to_regclass('sla_hours')") == [(None,)]
    # The references are there again: no breach of an SLA that is not there.
    with pytest.raises(Exception, match="foreign key"):
        first.query("DELETE FROM sla_definitions")
    # And it can be upgraded again.
    again = upgrade_schema(first.location, tmp_path / "sla.db", tell=silent, clock=lambda: first_ledger.LAST)
    assert again.after == done.after
    assert again.former.name == "sla.db.before-upgrade-20240101T000000.2Z"


def test_one_of_todays_schema_goes_back_to_what_it_held(first: PostgreSQLPlace, tmp_path: Path) -> None:
    """Its slots lie in partitions, which are made again."""
    upgrade_schema(first.location, tmp_path / "sla.db", tell=silent)
    done = upgrade_schema(first.location, tmp_path / "sla.db", tell=silent)
    go_back_schema(first.location, done.former, tell=silent)
    assert first.query(SCHEMA) == [(newest_schema(),)]
    assert first.query(FIGURES) == COUNTED
    SLADatabase(first.location).close()


def test_a_migration_that_fails_half_way_leaves_everything(first: PostgreSQLPlace, tmp_path: Path) -> None:
    """0002 and 0003 succeed, 0004 writes all slots again, then a table that it makes is there already."""
    first.query("CREATE TABLE sla_gaps (of_somebody_else INTEGER)")
    with pytest.raises(
        DatabaseError, match=r'relation "sla_gaps" already exists.*\(the upgrade was undone\)'
    ):
        upgrade_schema(first.location, tmp_path / "sla.db", tell=silent)
    assert first.query(SCHEMA) == [(1,)]
    assert first.query(FIGURES) == COUNTED
    assert first.query("SELECT to_regclass('sla_deliveries')") == [(None,)]  # of 0003
    assert [each.name for each in tmp_path.iterdir()] == ["first.db"]


# The session ends while its transaction does.
LOST = """
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER lost AFTER INSERT ON schema_migrations DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION lose();
"""


def test_a_lost_answer_to_the_last_step_does_not_cost_the_copy(
    first: PostgreSQLPlace, tmp_path: Path
) -> None:
    first.query(LOST)
    with pytest.raises(DatabaseError, match=r"as it was, it is in .*before-upgrade-20240101T000000Z\)"):
        upgrade_schema(first.location, tmp_path / "sla.db", tell=silent, clock=lambda: first_ledger.LAST)
    copy = contents(tmp_path / "sla.db.before-upgrade-20240101T000000Z")
    assert (copy.schema, copy.rows["slots"]) == (1, 600)


def test_what_killed_upgrades_have_left_is_removed(first: PostgreSQLPlace, tmp_path: Path) -> None:
    left = [tmp_path / f"sla.db.before-upgrade-20231231T0000{n:02}Z.partial" for n in range(3)]
    for each in left:
        each.write_bytes(b"half of it")
    (tmp_path / "other.db.before-upgrade-20231231T000000Z.partial").touch()
    done = upgrade_schema(first.location, tmp_path / "sla.db", tell=silent)
    assert {each.name for each in tmp_path.iterdir()} == {
        "first.db", "other.db.before-upgrade-20231231T000000Z.partial", done.former.name,
    }  # fmt: skip


def test_what_cannot_be_upgraded_is_said(schema: PostgreSQLPlace, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="is no ledger; see SLA_DATABASE_URL"):
        upgrade_schema(schema.location, tmp_path / "sla.db", tell=silent)
    database = SLADatabase(schema.location)
    with pytest.raises(DatabaseLockedError, match="already writes to it"):
        upgrade_schema(schema.location, tmp_path / "sla.db", tell=silent)
    database.close()
    with pytest.raises(DatabaseError, match="there is no such file"):
        go_back_schema(schema.location, tmp_path / "sla.db", tell=silent)


def test_the_command_and_the_way_back(
    schema: PostgreSQLPlace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLA_DATABASE_URL", schema.location)
    monkeypatch.setenv("SLA_DATABASE_PATH", str(tmp_path / "sla.db"))
    assert cli.main(["upgrade"]) == 0
    assert capsys.readouterr().out == "no ledger yet: there is nothing to upgrade\n"
    SLADatabase(schema.location).close()
    assert cli.main(["upgrade"]) == 0
    words, former = capsys.readouterr().out.splitlines()
    assert words.startswith(f"upgraded: schema {newest_schema()}; the same ")
    assert cli.main(["upgrade", "--back", former.removeprefix(FORMER_LEDGER)]) == 0
    assert capsys.readouterr().out == "the ledger in PostgreSQL is again as it was before the upgrade\n"
