"""The API, over real HTTP from a real server."""

import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from demo_app.api import create_api
from demo_app.catalogue import SPECS
from unit.demo_app.simulation import Simulation
from unit.demo_app.waiting import free_socket, wait_until


class Ailing:
    """Reasons for a 503, as the test sets them."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self) -> list[str]:
        return self.reasons


@pytest.fixture
def ailing() -> Ailing:
    return Ailing()


@pytest.fixture
def client(simulation: Simulation, ailing: Ailing) -> Iterator[httpx.Client]:
    app = create_api(
        faults=simulation.faults,
        state=simulation.system.state.view,
        ailments=ailing,
        version="1.2.3",
        metrics_port=9091,
    )
    listener = free_socket()
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", loop="asyncio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    wait_until("the server", lambda: server.started)
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as client:
        yield client
    server.should_exit = True
    thread.join(5)
    listener.close()


def test_the_landing_says_where_to_go(client: httpx.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    for name in ("faults", "state", "health", "openapi"):
        assert client.get(answer.json()[name]).status_code == 200


def test_the_list_holds_every_fault_with_its_range(client: httpx.Client) -> None:
    faults = {fault["name"]: fault for fault in client.get("/faults").json()["faults"]}

    assert list(faults) == [spec.name for spec in SPECS]
    description = faults["latency"].pop("description")
    assert "later by so many seconds" in description
    assert faults["latency"] == {
        "name": "latency",
        "unit": "seconds",
        "minimum": 0,
        "maximum": 120,
        "default": 12,
        "active": False,
        "intensity": None,
        "remaining_seconds": None,
        "metrics": ["insa_agent_request_duration_seconds", "insa_agent_requests_in_flight"],
        "alerts": ["HighLatencyP95", "HighLatencyP99", "HighTimeoutRate"],
        "slas": ["api-response-time-p95"],
    }


def test_a_fault_without_a_body_takes_its_defaults(client: httpx.Client) -> None:
    answer = client.post("/faults/worker_down")

    assert answer.status_code == 200
    fault = answer.json()
    assert (fault["name"], fault["active"], fault["intensity"]) == ("worker_down", True, 1)
    assert fault["remaining_seconds"] == 300


def test_a_fault_takes_intensity_and_duration_and_ends_by_itself(
    client: httpx.Client, simulation: Simulation
) -> None:
    fault = client.post("/faults/errors", json={"intensity": 0.5, "duration_seconds": 60}).json()
    assert (fault["intensity"], fault["remaining_seconds"]) == (0.5, 60)
    assert client.get("/state").json()["faults"] == {"errors": 0.5}

    simulation.clock.now += 60

    assert client.get("/state").json()["faults"] == {}


def test_a_fault_can_be_taken_back_and_so_can_all(client: httpx.Client) -> None:
    for name in ("errors", "latency", "timeouts"):
        client.post(f"/faults/{name}")

    assert client.delete("/faults/errors").json()["active"] is False
    assert set(client.get("/state").json()["faults"]) == {"latency", "timeouts"}
    answer = client.delete("/faults")

    assert answer.status_code == 200
    assert [fault["active"] for fault in answer.json()["faults"]] == [False] * len(answer.json()["faults"])


@pytest.mark.parametrize(
    ("method", "body"), [("POST", None), ("POST", b'{"intensity": "x"}'), ("DELETE", None)]
)
def test_an_unknown_fault_is_404_and_names_the_known_ones(
    client: httpx.Client, method: str, body: bytes | None
) -> None:
    answer = client.request(method, "/faults/gremlins", content=body)

    assert answer.status_code == 404
    assert answer.json() == {
        "detail": "there is no fault 'gremlins'; the known faults are "
        + ", ".join(spec.name for spec in SPECS)
    }


@pytest.mark.parametrize(
    "body",
    [
        '{"intensity": 5}',
        '{"intensity": 1.5}',
        '{"intensity": "2"}',
        '{"intensity": true}',
        '{"intensity": NaN}',
        '{"duration_seconds": 0}',
        '{"duration_seconds": 86401}',
        '{"duration_seconds": Infinity}',
        '{"intensitty": 1}',
        "[1]",
        "not json",
    ],
)
def test_a_bad_value_is_422_names_the_range_and_starts_nothing(client: httpx.Client, body: str) -> None:
    answer = client.post("/faults/worker_down", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    detail = answer.json()["detail"]
    wanted = "from 1 to 86400 (seconds)" if "duration" in body else "a whole number from 1 to 4 (workers)"
    assert wanted in detail
    assert client.get("/state").json()["faults"] == {}


def test_a_body_that_is_not_sent_as_json_is_told_how_to(client: httpx.Client) -> None:
    answer = client.post(
        "/faults/errors",
        content='{"intensity": 1}',
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 422
    assert "Send JSON, as application/json" in answer.json()["detail"]


def test_the_state_is_the_orchestrators_own_count(client: httpx.Client, simulation: Simulation) -> None:
    simulation.faults.start("errors", 0.5, 20)
    simulation.run(30)

    state = client.get("/state").json()

    assert state["uptime_seconds"] == pytest.approx(30, abs=1e-3)
    assert state["requests"] == simulation.orchestrator.counts().by_agent
    ended = sum(sum(counts.values()) for counts in state["requests"].values())
    assert state["submitted"] == ended + state["waiting"] == state["traffic"]["sent"] > 100
    assert [worker["name"] for worker in state["workers"]] == [f"worker-{n}" for n in (1, 2, 3, 4)]
    assert all(worker["healthy"] and worker["processed"] > 0 for worker in state["workers"])
    assert state["queues"]["worker-1"] == {"depth": 0, "capacity": 250}


def test_health_is_200_when_well_and_503_with_the_reasons_when_not(
    client: httpx.Client, ailing: Ailing
) -> None:
    well = client.get("/healthz")
    ailing.reasons = ["no worker is alive"]
    unwell = client.get("/healthz")

    assert (well.status_code, well.json()) == (200, {"status": "ok", "reasons": []})
    assert (unwell.status_code, unwell.json()) == (
        503,
        {"status": "unwell", "reasons": ["no worker is alive"]},
    )


def test_the_description_of_the_api_tells_of_every_answer(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()

    assert description["info"]["version"] == "1.2.3"
    assert set(description["paths"]) == {"/", "/healthz", "/state", "/faults", "/faults/{name}"}
    start = description["paths"]["/faults/{name}"]["post"]
    assert set(start["responses"]) == {"200", "404", "422"}
    assert "names the known ones" in start["responses"]["404"]["description"]
