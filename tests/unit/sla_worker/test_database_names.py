"""An SLA is its key: names are changed, swapped, left and used again, and the history stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sla_worker.database import SLADatabase
from sla_worker.database.definitions import settled_names
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseError
from sla_worker.evaluation import evaluate
from sla_worker.model import Definition, Figures
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import THREE

DEFINITIONS = read_definitions(THREE)
UPTIME, LATENCY, ERRORS = DEFINITIONS
NOW = 1_700_000_100


@pytest.fixture
def database(place: Place) -> Iterator[SLADatabase]:
    made = SLADatabase(place.location, clock=lambda: NOW)
    made.sync_definitions(DEFINITIONS)
    made.store([evaluate(UPTIME, NOW, Figures(7, 10, 1)), evaluate(ERRORS, NOW, Figures(90, 100, 1))])
    yield made
    made.close()


def shown(database: SLADatabase) -> dict[str, tuple[str, float]]:
    """Name and good events by key."""
    return {each.key: (each.name, each.good) for each in database.get_current_sla_status(24, end=NOW)}


def named(definition: Definition, name: str) -> Definition:
    return replace(definition, name=name)


def test_a_new_name_keeps_the_history(database: SLADatabase) -> None:
    database.sync_definitions([named(UPTIME, "Reachable"), LATENCY, ERRORS])
    assert shown(database)[UPTIME.key] == ("Reachable", 7)
    assert database.counts()["definitions"] == 3


def test_two_slas_may_swap_their_names(database: SLADatabase) -> None:
    database.sync_definitions([named(UPTIME, ERRORS.name), LATENCY, named(ERRORS, UPTIME.name)])
    assert shown(database)[UPTIME.key] == (ERRORS.name, 7)
    assert shown(database)[ERRORS.key] == (UPTIME.name, 90)
    [uptime, errors] = sorted(database.get_active_breaches(), key=lambda each: each.key, reverse=True)
    assert (uptime.key, uptime.name) == (UPTIME.key, ERRORS.name)
    assert (errors.key, errors.name) == (ERRORS.key, UPTIME.name)


def test_three_slas_may_hand_their_names_on(database: SLADatabase) -> None:
    handed_on = [named(UPTIME, LATENCY.name), named(LATENCY, ERRORS.name), named(ERRORS, UPTIME.name)]
    database.sync_definitions(handed_on)
    assert {key: name for key, (name, _) in shown(database).items()} == {
        UPTIME.key: LATENCY.name, LATENCY.key: ERRORS.name, ERRORS.key: UPTIME.name,
    }  # fmt: skip


def test_the_name_of_a_removed_sla_may_be_used_again(database: SLADatabase) -> None:
    heir = replace(LATENCY, key="heir", name=UPTIME.name)
    database.sync_definitions([heir, ERRORS])
    assert shown(database) == {"heir": (UPTIME.name, 0), ERRORS.key: (ERRORS.name, 90)}
    [former] = [each for each in database.breaches_between(0, NOW + 1) if each.key == UPTIME.key]
    assert former.name == f"{UPTIME.name} ({UPTIME.key})"  # a report tells the two apart
    database.sync_definitions(DEFINITIONS)
    assert shown(database)[UPTIME.key] == (UPTIME.name, 7)


def test_a_removed_and_returned_sla_has_its_history(database: SLADatabase) -> None:
    database.sync_definitions([ERRORS])
    assert list(shown(database)) == [ERRORS.key]
    assert [each.key for each in database.get_active_breaches()] == [ERRORS.key]
    database.sync_definitions(DEFINITIONS)
    assert shown(database)[UPTIME.key] == (UPTIME.name, 7)
    assert {each.key for each in database.get_active_breaches()} == {UPTIME.key, ERRORS.key}


def test_the_file_has_the_name_that_a_user_gave_to_another_sla(database: SLADatabase) -> None:
    own = database.add_sla_definition("Queue", "efficiency", "queue", 50, "tasks", "low", comparison="<=")
    database.record_measurement(own, 20, 50, at=NOW - 1)
    database.sync_definitions([replace(UPTIME, name="Queue"), LATENCY, ERRORS])
    assert shown(database)["queue"] == ("Queue (queue)", 1)
    with pytest.raises(DatabaseError, match="another SLA named 'Queue'"):
        database.add_sla_definition("Queue", "efficiency", "queue", 50, "tasks", "low")
    assert database.counts()["definitions"] == 4


def test_a_name_that_somebody_has_is_told_apart_again() -> None:
    stored = {"a": "A", "b": "A (a)"}
    assert settled_names(stored, {"c": "A"}) == {"c": "A", "a": "A (a)'", "b": "A (a)"}


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_the_same_file_again_writes_nothing(database: SLADatabase) -> None:
    statements: list[str] = []
    database._engine._dialect._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    database.sync_definitions(DEFINITIONS)
    # The SLAs, their components, their versions, the teams.
    assert [each.split()[0] for each in statements] == ["BEGIN", *["SELECT"] * 4, "COMMIT"]
