"""The API, over real HTTP from a real server."""

from collections.abc import Iterator

import httpx
import pytest

from demo_app.catalogue import SPECS
from unit.demo_app.serving import Ailing, api_of, served
from unit.demo_app.simulation import Simulation
from waiting import NEW_CONNECTIONS, patience


@pytest.fixture
def ailing() -> Ailing:
    return Ailing()


@pytest.fixture
def client(simulation: Simulation, ailing: Ailing) -> Iterator[httpx.Client]:
    with (
        served(api_of(simulation, ailing)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=patience(5), limits=NEW_CONNECTIONS) as client,
    ):
        yield client


def test_the_landing_says_where_to_go(client: httpx.Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    for name in ("faults", "state", "health", "openapi"):
        assert client.get(answer.json()[name]).status_code == 200


def test_the_list_holds_every_fault_with_its_range(client: httpx.Client) -> None:
    faults = {fault["name"]: fault for fault in client.get("/faults").json()["faults"]}

    assert list(faults) == [spec.name for spec in SPECS]
    description = faults["latency"].pop("description")
    assert "that many seconds later" in description
    assert faults["latency"] == {
        "name": "latency",
        "group": "Requests",
        "unit": "seconds",
        "minimum": 0,
        "maximum": 120,
        "default": 12,
        "whole": False,
        "active": False,
        "intensity": None,
        "remaining_seconds": None,
        "metrics": ["insa_agent_request_duration_seconds", "insa_agent_requests_in_flight"],
        "alerts": ["HighLatencyP95", "HighLatencyP99", "HighTimeoutRate"],
        "slas": ["api-response-time-p95"],
    }


def test_the_list_gives_the_range_of_durations_and_the_groups_in_order(client: httpx.Client) -> None:
    answer = client.get("/faults").json()

    assert answer["duration_seconds"] == {"minimum": 1, "maximum": 86400, "default": 300}
    assert answer["groups"][:3] == ["Requests", "Workers", "Dependencies"]
    assert set(answer["groups"]) == {fault["group"] for fault in answer["faults"]}
    assert answer["token_required"] is False


def test_a_fault_without_a_body_takes_its_defaults(client: httpx.Client) -> None:
    answer = client.post("/faults/worker_down")

    assert answer.status_code == 200
    fault = answer.json()
    assert (fault["name"], fault["active"], fault["intensity"]) == ("worker_down", True, 1)
    assert fault["remaining_seconds"] == 300


def test_a_fault_takes_intensity_and_duration_and_ends_on_its_own(
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


def test_a_key_that_is_half_a_character_is_422(client: httpx.Client) -> None:
    answer = client.post(
        "/faults/errors", content=rb'{"\ud800": 1}', headers={"content-type": "application/json"}
    )

    assert answer.status_code == 422
    assert "Send JSON" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/faults", "DELETE, GET"),
        ("PATCH", "/faults/errors", "DELETE, POST"),
        ("POST", "/", "GET"),
        ("OPTIONS", "/faults", "DELETE, GET"),
    ],
)
def test_a_method_that_a_path_does_not_take_is_405_with_those_that_it_takes(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    ("method", "body"), [("POST", None), ("POST", b'{"intensity": "x"}'), ("DELETE", None)]
)
def test_an_unknown_fault_is_404_and_names_the_known_ones(
    client: httpx.Client, method: str, body: bytes | None
) -> None:
    answer = client.request(method, "/faults/gremlins", content=body)

    assert answer.status_code == 404
    assert answer.json() == {
        "detail": "unknown fault: 'gremlins'; the known faults are " + ", ".join(spec.name for spec in SPECS)
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


def test_a_body_that_is_not_sent_as_json_is_refused_with_the_fix(client: httpx.Client) -> None:
    answer = client.post(
        "/faults/errors",
        content='{"intensity": 1}',
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 422
    assert "Send JSON, as application/json" in answer.json()["detail"]


def test_an_order_in_the_query_string_is_refused_with_the_fix(client: httpx.Client) -> None:
    """It would start a fault of the default strength, whatever it asks for."""
    answer = client.post("/faults/latency?intensity=5")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(
        "query.intensity: the query string is not read. Send JSON, as application/json: intensity, "
    )
    assert not any(fault["active"] for fault in client.get("/faults").json()["faults"])


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


def test_the_state_covers_every_part(client: httpx.Client, simulation: Simulation) -> None:
    simulation.run(30)
    state = client.get("/state").json()

    # Nothing has failed yet, so that each breaker has been closed for the 30 s that went by.
    assert state["breakers"] == [
        {
            "name": name,
            "state": "closed",
            "failures": 0,
            "failure_limit": 5,
            "state_seconds": pytest.approx(30, abs=1),
            "probe_in_seconds": None,
        }
        for name in ("crm-api", "llm")
    ]
    assert state["dead_letters"] == {"size": 0, "capacity": 1000, "oldest_age_seconds": None}
    assert state["database"] == {"up": True, "pool_in_use": 0, "pool_size": 16}
    caches = state["caches"]
    assert [(cache["name"], cache["up"], cache["capacity"]) for cache in caches] == [
        ("customer", True, 100),
        ("knowledge", True, 100),
    ]
    # Every request looks once into one of the caches.
    assert sum(cache["hits"] + cache["misses"] for cache in caches) == state["submitted"]
    recent = state["recent_requests"]
    assert recent["seconds"] == pytest.approx(30, abs=1.1)
    assert recent["counts"].keys() == {"success", "error", "timeout"}
    assert sum(recent["history"]["success"]) == recent["counts"]["success"] > 100


def test_the_state_shows_each_part_that_a_fault_hits(client: httpx.Client, simulation: Simulation) -> None:
    client.post("/faults/dependency_down", json={"intensity": 1, "duration_seconds": 600})
    client.post("/faults/poisoned_messages", json={"intensity": 1, "duration_seconds": 600})
    client.post("/faults/cache_down", json={"intensity": 1, "duration_seconds": 600})
    client.post("/faults/database_down", json={"duration_seconds": 600})
    simulation.run(60)

    state = client.get("/state").json()

    crm, llm = state["breakers"]
    assert (crm["state"], llm["state"]) == ("open", "closed")
    assert 0 < crm["probe_in_seconds"] <= 30  # it stays open for 30 s
    assert state["dead_letters"]["size"] > 0
    assert 0 < state["dead_letters"]["oldest_age_seconds"] < 60
    assert [cache["up"] for cache in state["caches"]] == [False, True]
    assert state["caches"][0]["entries"] == state["caches"][0]["recent"]["counts"]["hits"] == 0
    assert state["database"]["up"] is False
    assert state["faults_remaining_seconds"] == {
        name: pytest.approx(540, abs=0.1)  # 600 - 60
        for name in ("dependency_down", "poisoned_messages", "cache_down", "database_down")
    }


def test_health_is_200_when_healthy_and_503_with_the_reasons_when_not(
    client: httpx.Client, ailing: Ailing
) -> None:
    well = client.get("/healthz")
    ailing.reasons = ["no worker is alive"]
    unhealthy = client.get("/healthz")

    assert (well.status_code, well.json()) == (200, {"status": "ok", "reasons": []})
    assert (unhealthy.status_code, unhealthy.json()) == (
        503,
        {"status": "unhealthy", "reasons": ["no worker is alive"]},
    )


def test_the_description_of_the_api_covers_every_answer(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()

    assert description["info"]["version"] == "1.2.3"
    paths = description["paths"]
    assert set(paths) == {"/", "/healthz", "/state", "/faults", "/faults/{name}", "/page/{file}"}
    start = paths["/faults/{name}"]["post"]
    assert set(start["responses"]) == {"200", "401", "403", "404", "413", "422"}
    assert "names the known ones" in start["responses"]["404"]["description"]
    assert set(paths["/"]["get"]["responses"]["200"]["content"]) == {"application/json", "text/html"}
    assert start["security"] == [{}, {"token": []}]
    assert "security" not in paths["/faults"]["get"]
