"""Recordings of the real app: what they hold of a fault, of its end, and of every series."""

from __future__ import annotations

from demo_app import catalogue as known
from history.recording import Wanted, record_one
from simulation.series import COUNTER, GAUGE

UP = ("insa_database_up", ())
FAILED = ("insa_database_queries_total", (("operation", "read"), ("status", "error")))
BACKUP = ("insa_backup_last_success_timestamp_seconds", ())
FAULT = ("insa_fault_active", (("fault", "database_down"),))


def test_a_fault_is_in_its_minutes_and_in_no_other() -> None:
    recorded, kinds = record_one(Wanted(2.0, known.DATABASE_DOWN, minutes=2))
    assert recorded.during == 2
    assert [step[UP] for step in recorded.steps] == [0, 0, 1, 1, 1]
    assert [step[FAULT] for step in recorded.steps] == [1, 1, 0, 0, 0]
    failed = [step[FAILED] for step in recorded.steps]
    assert all(failed[:2])
    assert not any(failed[3:])  # what was under way at the end may fail in the minute after it
    # Backups fail with the database: the last good one does not move, and is a minute older with each step.
    ages = [step[BACKUP] for step in recorded.steps]
    assert ages[1] == ages[0] - 60 < 0
    assert ages[-1] >= 0
    assert (kinds[UP][1], kinds[FAILED]) == (GAUGE, ("insa_database_queries", COUNTER))
    assert not any(name.endswith("_created") for name, _ in kinds)
    assert all(step.keys() == kinds.keys() for step in recorded.steps)
