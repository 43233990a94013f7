"""Faults of resources and of the app's own jobs in the whole app: what moves, what stays, what comes back."""

from dataclasses import dataclass

import pytest

from unit.demo_app.machine import CPU_AT_REST
from unit.demo_app.simulation import Simulation
from unit.demo_app.test_fault_effects import assert_calm


@dataclass(frozen=True)
class Standing:
    """The figures of a minute: shares and components of its end, CPU and backups of the minute."""

    memory: float
    cpu: float
    disk: float
    backups: float
    failed_backups: float
    components: float
    unscanned: float


@pytest.fixture
def simulation() -> Simulation:
    """An app that has run for half a minute: its backups, one a minute, fall into the middle of ours."""
    simulation = Simulation()
    simulation.run(30)
    return simulation


def counts(simulation: Simulation) -> dict[str, float]:
    return {
        "cpu": simulation.value("insa_system_cpu_seconds_total"),
        "success": simulation.value("insa_backup_runs_total", result="success"),
        "failure": simulation.value("insa_backup_runs_total", result="failure"),
    }


def minute(simulation: Simulation) -> Standing:
    """Run for a minute in which requests are healthy, as no fault of resources harms one."""
    before = counts(simulation)
    assert_calm(simulation.figures(60))
    after = counts(simulation)
    components = simulation.value("insa_scan_components")
    return Standing(
        memory=simulation.value("insa_system_memory_used_bytes")
        / simulation.value("insa_system_memory_limit_bytes"),
        cpu=(after["cpu"] - before["cpu"]) / 60 / simulation.value("insa_system_cpu_limit_cores"),
        disk=simulation.value("insa_system_disk_used_ratio"),
        backups=after["success"] - before["success"],
        failed_backups=after["failure"] - before["failure"],
        components=components,
        unscanned=components - simulation.value("insa_scan_components_scanned"),
    )


def assert_at_rest(standing: Standing) -> None:
    """60 of 160 MiB, 0.01 of 0.25 cores, a database of some pages with its log and its copy."""
    assert standing.memory == 0.375
    assert standing.cpu == pytest.approx(0.04, rel=0.02)
    assert 0 < standing.disk < 0.2  # SQLite's log is written back when it has 4 of the 32 MiB
    assert (standing.backups, standing.failed_backups) == (1, 0)
    assert standing.unscanned == 0
    assert standing.components > 40


def test_half_an_hour_at_rest_stays_far_from_every_limit(simulation: Simulation) -> None:
    for _ in range(30):
        assert_at_rest(minute(simulation))

    assert simulation.value("insa_backup_runs_total", result="success") == 30
    assert simulation.value("insa_backup_runs_total", result="failure") == 0
    assert simulation.value("insa_system_disk_capacity_bytes") == 33_554_432  # 32 MiB
    assert simulation.value("insa_metrics_retention_seconds") == 1_296_000  # 15 days
    # 30.5 minutes have passed: the last scan, one in 5 minutes, and the last backup came half a minute ago
    for job in ("scan_last_run", "backup_last_success"):
        age = simulation.clock.time() - simulation.value(f"insa_{job}_timestamp_seconds")
        assert age == pytest.approx(30, abs=1)
    with simulation.system.database.connection() as connection:
        rows, requests = connection.execute("SELECT count(*), sum(requests) FROM usage").fetchone()
    assert rows == 30
    assert requests == pytest.approx(30 * 300, rel=0.05)  # 5 a second for 30 minutes


def test_memory_pressure_moves_memory_alone_and_it_is_given_back(simulation: Simulation) -> None:
    simulation.faults.start("memory_pressure", 0.95, 180)

    for _ in range(3):
        during = minute(simulation)
        assert during.memory == pytest.approx(0.95, abs=0.0005)  # the smallest block is 0.04 % of the limit
        assert during.cpu == pytest.approx(0.04, rel=0.02)
        assert (during.failed_backups, during.unscanned) == (0, 0)

    simulation.run(1)
    assert_at_rest(minute(simulation))
    assert simulation.machine.held == 0


def test_cpu_burn_moves_cpu_alone_and_it_ends(simulation: Simulation) -> None:
    simulation.faults.start("cpu_burn", 0.95, 180)

    for _ in range(3):
        during = minute(simulation)
        assert during.cpu == pytest.approx(0.95, rel=0.02)
        assert during.memory == 0.375
        assert (during.failed_backups, during.unscanned) == (0, 0)

    # 0.95 of a quarter of a core less what the app uses itself, for three minutes: no more than asked
    assert simulation.machine.burnt == pytest.approx(180 * (0.95 * 0.25 - CPU_AT_REST), rel=0.01)
    simulation.run(1)
    assert_at_rest(minute(simulation))


def test_a_volume_nearly_full_takes_backups_still(simulation: Simulation) -> None:
    assert_at_rest(minute(simulation))
    simulation.faults.start("disk_fill", 0.95, 180)

    for _ in range(3):
        during = minute(simulation)
        assert during.disk == pytest.approx(0.95, abs=0.005)
        assert (during.backups, during.failed_backups) == (1, 0)
        assert (during.memory, during.unscanned) == (0.375, 0)

    simulation.run(1)
    assert_at_rest(minute(simulation))


def test_a_full_volume_makes_backups_fail_and_no_request(simulation: Simulation) -> None:
    assert_at_rest(minute(simulation))
    last = simulation.value("insa_backup_last_success_timestamp_seconds")
    simulation.faults.start("disk_fill", 1, 180)

    for _ in range(3):
        during = minute(simulation)
        assert during.disk == pytest.approx(1, abs=0.005)
        assert (during.backups, during.failed_backups) == (0, 1)
    assert simulation.value("insa_backup_last_success_timestamp_seconds") == last

    simulation.run(1)
    assert_at_rest(minute(simulation))


@pytest.mark.parametrize("fault", ["backup_failure", "database_down"])
def test_backups_fail_while_their_destination_or_the_database_is_not_there(
    simulation: Simulation, fault: str
) -> None:
    simulation.faults.start(fault, None, 180)

    simulation.run(180)

    assert counts(simulation)["success"] == 0
    assert counts(simulation)["failure"] == 3
    simulation.run(10)
    assert_at_rest(minute(simulation))


def test_a_failed_backup_harms_nothing_else(simulation: Simulation) -> None:
    simulation.faults.start("backup_failure", None, 180)

    during = [minute(simulation) for _ in range(3)]

    assert [each.failed_backups for each in during] == [1, 1, 1]
    assert {(each.memory, each.unscanned) for each in during} == {(0.375, 0)}


def test_a_scan_gap_shows_from_the_first_scan_in_the_fault_to_the_first_after_it(
    simulation: Simulation,
) -> None:
    simulation.faults.start("scan_gap", 0.3, 600)  # from 30 s after the start to 630 s
    before = minute(simulation)
    assert before.unscanned == 0

    simulation.run(215)  # until 305: after the scan of 300 s
    during = minute(simulation)

    assert during.unscanned == round(0.3 * during.components)
    assert (during.failed_backups, during.memory) == (0, 0.375)
    simulation.run(540)  # until 905: after the scan of 900 s
    assert_at_rest(minute(simulation))


@pytest.mark.parametrize("fault", ["series_gone", "metrics_gone"])
def test_what_is_not_exposed_is_counted_all_the_same(simulation: Simulation, fault: str) -> None:
    names = {family.name for family in simulation.system.exposed.collect()}
    simulation.faults.start(fault, duration_seconds=60)

    assert_at_rest(minute(simulation))

    simulation.run(1)
    assert {family.name for family in simulation.system.exposed.collect()} == names


def test_two_runs_under_pressure_are_the_same_to_the_last_sample() -> None:
    first, second = Simulation(seed=7), Simulation(seed=7)
    for run in (first, second):
        for fault in ("memory_pressure", "cpu_burn", "disk_fill", "scan_gap"):
            run.faults.start(fault, None, 90)
        run.run(130)

    assert first.samples() == second.samples()
