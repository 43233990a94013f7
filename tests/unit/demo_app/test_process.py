"""The demo-app as a process: start, metrics, health, bad settings, a clean end."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from demo_app import __version__
from ports import free_ports, listening
from unit.demo_app.process import SOURCE, App, environment
from waiting import patience, poll, wait_for


@pytest.fixture
def app() -> Iterator[App]:
    app = App(DEMO_RATE=50, DEMO_TIME_SCALE=15)
    try:
        poll(app.answers, "the demo-app", seconds=30)
        yield app
    finally:
        app.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_within_five_seconds(app: App, number: signal.Signals) -> None:
    began = time.monotonic()

    logged = app.end(number)

    assert time.monotonic() - began < patience(5)
    assert app.process.returncode == 0
    assert "INFO stopped requests_abandoned=0 messages_abandoned=0" in logged
    assert "Traceback" not in logged
    assert all(line[:2] == "20" and line[23] == "Z" for line in logged.splitlines()), logged


def test_it_ends_within_five_seconds_with_slow_requests_under_way(app: App) -> None:
    app.client.post(f"{app.api}/faults/latency", json={"intensity": 30})
    poll(lambda: int(app.client.get(f"{app.api}/state").json()["waiting"]) > 20, "requests")
    began = time.monotonic()

    logged = app.end(signal.SIGTERM)

    assert time.monotonic() - began < patience(5)  # and the requests would take more than 30
    assert app.process.returncode == 0
    assert "requests_abandoned=" in logged


def test_metrics_and_own_count_agree_to_the_last_request(app: App) -> None:
    state = f"{app.api}/state"
    poll(lambda: int(app.client.get(state).json()["submitted"]) > 50, "traffic")
    app.client.post(f"{app.api}/faults/traffic_drop")
    wait_for(0, lambda: app.client.get(state).json()["waiting"], "silence")
    own = app.client.get(state).json()["requests"]

    text = app.client.get(f"{app.metrics}/metrics").text

    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert own == {
        agent: {
            sample.labels["status"]: sample.value
            for sample in families["insa_agent_requests"].samples
            if sample.labels["agent"] == agent
        }
        for agent in ("sizing", "crm", "research", "support")
    }
    assert {"process_resident_memory_bytes", "python_info", "python_gc_collections"} <= set(families)
    assert not [name for name in families if name.endswith("_created")]


def test_an_answer_on_a_connection_that_is_kept_open_does_not_wait(app: App) -> None:
    def seconds() -> float:
        began = time.perf_counter()
        app.client.get(f"{app.api}/healthz")
        return time.perf_counter() - began

    # Held back until its headers are acknowledged, each would take 40 ms or more; the quickest takes one.
    poll(seconds, "a quick answer", until=lambda took: took < 0.02, every_seconds=0)


def test_with_a_token_it_takes_no_change_without_it() -> None:
    token = "a-token-of-20-signs!"  # noqa: S105  # no secret
    app = App(DEMO_TOKEN=token)
    try:
        poll(app.answers, "the demo-app", seconds=30)
        assert app.client.delete(f"{app.api}/faults").status_code == 401
        given = app.client.delete(f"{app.api}/faults", headers={"authorization": f"Bearer {token}"})
        assert given.status_code == 200
        assert token not in app.end(signal.SIGTERM)
    finally:
        app.close()


def test_the_healthcheck_command_tells_a_healthy_app_from_a_stopped_one(app: App) -> None:
    command = [sys.executable, "-m", "demo_app.healthcheck"]

    well = subprocess.run(command, env=app.environment, capture_output=True, text=True, check=False)
    app.end(signal.SIGTERM)
    gone = subprocess.run(command, env=app.environment, capture_output=True, text=True, check=False)

    assert (well.returncode, well.stderr) == (0, "")
    assert gone.returncode == 1
    assert f"{app.api}/healthz: " in gone.stderr


def test_with_every_worker_down_it_reports_unhealthy(app: App) -> None:
    app.client.post(f"{app.api}/faults/worker_down", json={"intensity": 4, "duration_seconds": 600})
    wait_for(503, lambda: app.client.get(f"{app.api}/healthz").status_code, "503")
    assert app.client.get(f"{app.api}/healthz").json()["reasons"] == ["no worker is alive"]

    app.client.delete(f"{app.api}/faults").raise_for_status()
    poll(app.answers, "recovery")


@pytest.mark.parametrize("module", ["demo_app", "demo_app.healthcheck"])
def test_a_bad_setting_is_an_error_a_fix_and_an_exit_code(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", module],
        env=environment(DEMO_RATE="many"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr == "error: invalid DEMO_RATE: 'many'\nfix:   give a number from 0.1 to 200\n"


@pytest.mark.parametrize("variable", ["DEMO_API_PORT", "DEMO_METRICS_PORT"])
def test_a_port_in_use_is_named_with_the_variable_that_sets_it(variable: str) -> None:
    ports = dict(zip(("DEMO_API_PORT", "DEMO_METRICS_PORT"), free_ports(2), strict=True))
    with listening() as taken:
        ports[variable] = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "demo_app"],
            env=environment(**ports),
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(20),
        )

    assert ended.returncode == 2
    assert ended.stderr == (
        f"error: {variable}={ports[variable]} cannot be bound: Address already in use\n"
        f"fix:   set {variable} to a free port\n"
    )


def test_the_version_of_the_package_is_defined_in_one_place() -> None:
    project = (SOURCE.parent / "pyproject.toml").read_text(encoding="utf-8")

    assert 'attr = "demo_app.__version__"' in project
    assert __version__ not in project
