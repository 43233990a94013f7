"""GET /state: what it shows of the message bus, the users, the machine and the app's own jobs."""

from typing import Any

import pytest

from unit.demo_app.simulation import Simulation

MIB = 2**20
DAY = 86_400


def state(simulation: Simulation) -> dict[str, Any]:
    return simulation.system.state.view().model_dump(mode="json")


def test_at_rest_every_message_is_delivered_and_none_is_dropped(simulation: Simulation) -> None:
    simulation.run(90)
    shown = state(simulation)
    bus = shown["bus"]

    assert (bus["up"], bus["capacity"], list(bus["topics"])) == (True, 1000, ["requests", "customers"])
    ended = sum(sum(counts.values()) for counts in shown["requests"].values())
    assert bus["topics"]["requests"]["published"] == ended > 300  # a message for every request that ended
    for topic in bus["topics"].values():
        assert topic["published"] == topic["delivered"] + topic["under_way"]
        assert topic["backlog"] == topic["dropped"] == 0
    # A minute of 5 requests a second, each with a message, and of the visits that some of them write down.
    assert bus["recent"]["seconds"] == pytest.approx(60, abs=1)
    assert 250 < bus["recent"]["counts"]["delivered"] < 600


def test_a_bus_that_is_down_keeps_what_comes_and_then_drops_the_oldest(simulation: Simulation) -> None:
    simulation.run(5)
    delivered = {name: topic["delivered"] for name, topic in state(simulation)["bus"]["topics"].items()}
    simulation.faults.start("bus_down", 1, 600)

    simulation.run(300)
    shown = state(simulation)["bus"]

    assert shown["up"] is False
    topic = shown["topics"]["requests"]
    assert topic["backlog"] == 1000  # 300 s of some 5 messages/s are 1,500: more than there is room for
    assert topic["delivered"] == delivered["requests"]
    assert topic["dropped"] == topic["published"] - topic["delivered"] - 1000 > 300
    assert shown["recent"]["counts"]["delivered"] == 0


def test_sessions_and_the_newest_activity_are_shown(simulation: Simulation) -> None:
    simulation.run(60)
    shown = state(simulation)

    sessions = shown["sessions"]
    assert sessions["seats"] == 24
    # 5 requests/s on 24 seats: in a minute each seat has some 12, and nobody leaves before six minutes.
    assert (sessions["active"], sessions["begun"], sessions["ended"]) == (24, 24, 0)
    events = shown["activity"]["last"]
    assert len(events) == 10
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    assert 1_800_001_055 < events[0]["at"] <= 1_800_001_060  # epoch of the clock, its 1,000 s, and a minute
    assert {event["topic"] for event in events} <= {"requests", "customers"}
    assert all(event["text"] for event in events)
    delivered = {name: topic["delivered"] for name, topic in shown["bus"]["topics"].items()}
    assert shown["activity"]["counts"] == delivered


def test_the_machine_is_shown_against_the_limits_of_the_app(simulation: Simulation) -> None:
    simulation.run(30)
    shown = state(simulation)

    assert shown["resources"] == {
        "memory_used_bytes": 60 * MIB,
        "memory_limit_bytes": 160 * MIB,
        "cpu_used_ratio": pytest.approx(0.04),  # a hundredth of a core, of a quarter
        "cpu_limit_cores": 0.25,
        "open_files": 20,
    }
    assert shown["volume"]["capacity_bytes"] == 32 * MIB
    assert 0 < shown["volume"]["used_bytes"] < 4 * MIB


def test_pressure_moves_the_figures_of_the_machine(simulation: Simulation) -> None:
    simulation.faults.start("memory_pressure", 0.9, 600)
    simulation.faults.start("cpu_burn", 0.5, 600)
    simulation.faults.start("disk_fill", 0.75, 600)
    simulation.run(30)
    shown = state(simulation)

    assert shown["resources"]["memory_used_bytes"] == pytest.approx(144 * MIB, rel=0.001)  # 0.9 x 160 MiB
    assert shown["resources"]["cpu_used_ratio"] == pytest.approx(0.5, abs=0.02)
    assert shown["volume"]["used_bytes"] == pytest.approx(24 * MIB, rel=0.01)  # 0.75 x 32 MiB


def test_before_the_first_backup_there_is_none_and_the_scan_of_the_start_is_shown(
    simulation: Simulation,
) -> None:
    simulation.run(30)
    shown = state(simulation)

    assert shown["backup"] == {
        "last_result": None,
        "last_success_age_seconds": None,
        "runs": {"success": 0, "failure": 0},
        "size_bytes": None,
    }
    assert shown["scan"]["scanned"] == shown["scan"]["components"] > 50
    assert shown["scan"]["changed"] == []
    assert shown["scan"]["last_run_age_seconds"] == pytest.approx(30, abs=1e-3)
    assert shown["usage"] == {"retention_seconds": 15 * DAY}


def test_backups_are_counted_by_result_and_the_last_good_one_grows_old(simulation: Simulation) -> None:
    simulation.run(61)  # a backup every 60 s
    good = state(simulation)["backup"]
    simulation.faults.start("backup_failure", 1, 600)
    simulation.run(121)
    bad = state(simulation)["backup"]

    assert (good["last_result"], good["runs"]) == ("success", {"success": 1, "failure": 0})
    assert good["last_success_age_seconds"] == pytest.approx(1, abs=0.1)
    assert good["size_bytes"] % 4096 == 0 < good["size_bytes"]  # whole pages
    assert (bad["last_result"], bad["runs"]) == ("failure", {"success": 1, "failure": 2})
    assert bad["last_success_age_seconds"] == pytest.approx(122, abs=0.1)  # 1 + 121
    assert bad["size_bytes"] == good["size_bytes"]


def test_a_clock_that_was_set_back_makes_no_negative_age(simulation: Simulation) -> None:
    simulation.run(61)
    at = simulation.system.state.view()
    simulation.clock.now -= 50

    shown = state(simulation)

    assert at.backup.last_success_age_seconds == pytest.approx(1, abs=0.1)
    assert shown["backup"]["last_success_age_seconds"] == 0


def test_a_scan_that_is_refused_components_shows_how_many_it_could_check(simulation: Simulation) -> None:
    simulation.faults.start("scan_gap", 0.5, 600)
    simulation.run(301)  # a scan every 300 s

    scan = state(simulation)["scan"]

    assert scan["scanned"] == scan["components"] - round(0.5 * scan["components"])
    assert scan["last_run_age_seconds"] == pytest.approx(1, abs=0.1)


def test_the_tasks_of_the_batch_client_are_counted(simulation: Simulation) -> None:
    assert state(simulation)["batch"] == {"submitted": 0, "done": 0, "refused": 0, "waiting": 0}
    simulation.faults.start("queue_flood", 150, 600)
    simulation.run(30)

    batch = state(simulation)["batch"]

    assert batch["waiting"] >= 150  # in the queue, and those under way beside them
    assert batch["done"] > 0
    assert batch["submitted"] == batch["done"] + batch["refused"] + batch["waiting"]


def test_a_run_of_the_same_seed_shows_the_same_state() -> None:
    def shown() -> dict[str, Any]:
        simulation = Simulation(seed=7)
        simulation.faults.start("bus_slow", 2, 600)
        simulation.faults.start("memory_pressure", 0.9, 600)
        simulation.run(100)
        return state(simulation)

    assert shown() == shown()
