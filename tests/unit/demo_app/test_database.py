"""The database by itself, and its faults in the whole app."""

import sqlite3
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from demo_app.database import Database, DatabaseError, DatabaseStartError, PoolExhaustedError
from demo_app.faults import Faults
from demo_app.metrics import Metrics
from unit.demo_app.simulation import FakeClock, Simulation
from unit.demo_app.test_fault_effects import assert_calm


class Bench:
    """A database in a file, with a pool of two, its faults and what it counts."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        events = Metrics(self.registry, [])
        self.faults = Faults(self.clock, events)
        self.database = Database(directory, faults=self.faults, clock=self.clock, events=events, pool_size=2)

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"insa_database_{name}", labels)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_visits_are_written_to_the_file_and_outlive_the_process(bench: Bench, tmp_path: Path) -> None:
    assert [bench.database.record_visit(bench.database.lease(), 7) for _ in range(3)] == [0, 1, 2]
    bench.database.close()

    again = Bench(tmp_path)

    assert again.database.record_visit(again.database.lease(), 7) == 3
    assert bench.count("queries_total", operation="read", status="success") == 3
    assert bench.count("queries_total", operation="write", status="success") == 3


def test_the_pool_lends_no_more_than_it_has(bench: Bench) -> None:
    first, second = bench.database.lease(), bench.database.lease()
    assert (bench.count("pool_in_use"), bench.count("pool_size")) == (2, 2)
    with pytest.raises(PoolExhaustedError, match="all 2 connections are in use"):
        bench.database.lease()

    bench.database.record_visit(first, 1)
    bench.database.release(second)

    assert bench.count("pool_in_use") == 0
    assert bench.count("errors_total", kind="sql") == bench.count("errors_total", kind="unavailable") == 0


def test_a_slow_query_takes_its_wait_with_it(bench: Bench) -> None:
    bench.faults.start("database_slow", 2)
    lease = bench.database.lease()
    assert lease.seconds == 2
    bench.clock.now += 2

    bench.database.record_visit(lease, 1)

    assert bench.count("query_duration_seconds_sum", operation="read") == 2
    assert bench.count("query_duration_seconds_sum", operation="write") == 0
    assert bench.count("query_duration_seconds_bucket", operation="read", le="1.0") == 0


def test_a_write_that_breaks_the_rule_is_refused_by_the_database_itself(bench: Bench) -> None:
    bench.faults.start("database_errors", 1)

    with pytest.raises(DatabaseError, match=r"the write of customer .* CHECK constraint failed"):
        bench.database.record_visit(bench.database.lease(), 1)

    assert bench.count("queries_total", operation="write", status="error") == 1
    assert bench.count("errors_total", kind="sql") == 1
    assert bench.count("pool_in_use") == 0


def test_a_database_that_is_down_cannot_be_opened_and_comes_back_with_all_it_held(bench: Bench) -> None:
    bench.database.record_visit(bench.database.lease(), 1)
    bench.faults.start("database_down")
    with pytest.raises(DatabaseError, match="unable to open database file"):
        bench.database.lease()
    bench.database.observe()
    assert bench.count("up") == 0
    assert bench.count("errors_total", kind="unavailable") == 1

    bench.faults.stop_all()
    bench.database.observe()

    assert bench.count("up") == 1
    assert bench.database.record_visit(bench.database.lease(), 1) == 1


def test_a_file_that_is_not_a_database_is_an_error_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "crm.db").write_text("no database, but long enough to be looked at as one" * 10)

    with pytest.raises(DatabaseStartError, match=r"crm\.db cannot be used: file is not a database") as raised:
        Bench(tmp_path)
    assert raised.value.fix == "remove it, or set DEMO_DATA_DIR to another directory"


def test_the_file_is_a_database_that_others_can_read(bench: Bench, tmp_path: Path) -> None:
    bench.database.record_visit(bench.database.lease(), 1)

    reader = sqlite3.connect(tmp_path / "crm.db")
    try:
        assert reader.execute("SELECT count(*), sum(visits) FROM customers").fetchone() == (104, 1)
    finally:
        reader.close()


def test_at_rest_every_query_of_the_crm_agent_succeeds(simulation: Simulation) -> None:
    for _ in range(3):
        assert_calm(simulation.figures(60))

    crm = simulation.orchestrator.counts().by_agent["crm"]["success"]
    for operation in ("read", "write"):
        name = "insa_database_queries_total"
        assert simulation.value(name, operation=operation, status="success") == crm
        assert simulation.value(name, operation=operation, status="error") == 0
    assert simulation.value("insa_database_up") == 1
    assert simulation.value("insa_database_pool_in_use") == 0


def test_database_errors_fail_their_share_of_the_crm_agents_requests(simulation: Simulation) -> None:
    simulation.faults.start("database_errors", 0.5, 300)

    during = simulation.figures(300)

    assert during.error == simulation.value("insa_database_errors_total", kind="sql")
    assert during.error / during.requests == pytest.approx(0.5 * 0.4, abs=0.04)  # 0.4 is the CRM's share
    assert (during.timeout, during.over_5s) == (0, 0)
    simulation.run(3)
    assert_calm(simulation.figures(60))


def test_a_slow_database_holds_connections_and_no_worker(simulation: Simulation) -> None:
    simulation.faults.start("database_slow", None, 300)

    during = simulation.figures(300)

    assert (during.error, during.timeout, during.queued) == (0, 0, 0)
    reads = simulation.value("insa_database_query_duration_seconds_count", operation="read")
    quick = simulation.value("insa_database_query_duration_seconds_bucket", operation="read", le="1.0")
    assert quick <= 3  # those that were under way when it began
    assert reads > 500
    simulation.run(5)
    assert simulation.value("insa_database_pool_in_use") == 0
    assert_calm(simulation.figures(60))


def test_a_very_slow_database_uses_up_the_pool_and_requests_time_out(simulation: Simulation) -> None:
    simulation.faults.start("database_slow", 30, 200)

    during = simulation.figures(190)

    assert simulation.value("insa_database_pool_in_use") == 16
    assert during.timeout > 50  # 2 a second come, 16 in 30 s go
    assert during.error == 0
    simulation.run(60)
    assert simulation.value("insa_database_pool_in_use") == 0
    assert_calm(simulation.figures(60))


def test_a_database_that_is_down_fails_the_crm_agent_alone(simulation: Simulation) -> None:
    simulation.faults.start("database_down", None, 300)
    simulation.run(2)

    during = simulation.figures(290)

    assert simulation.value("insa_database_up") == 0
    assert during.error / during.requests == pytest.approx(0.4, abs=0.05)
    ended = simulation.orchestrator.counts().by_agent
    assert [ended[agent]["error"] for agent in ("sizing", "research", "support")] == [0, 0, 0]
    simulation.run(10)
    assert simulation.value("insa_database_up") == 1
    assert_calm(simulation.figures(60))
