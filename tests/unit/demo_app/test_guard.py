"""Who may change something, over real HTTP: the token, other sites, foreign names, long bodies, headers."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from demo_app.guard import Guard
from unit.demo_app.serving import api_of, served
from unit.demo_app.simulation import Simulation
from waiting import NEW_CONNECTIONS, patience

TOKEN = "a-token-of-20-signs!"  # noqa: S105  # no secret


@pytest.fixture
def client(simulation: Simulation) -> Iterator[httpx.Client]:
    with (
        served(api_of(simulation)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=patience(5), limits=NEW_CONNECTIONS) as client,
    ):
        yield client


@pytest.fixture
def locked(simulation: Simulation) -> Iterator[httpx.Client]:
    """A client of an app with a token, which it does not send by itself."""
    with (
        served(api_of(simulation, token=TOKEN)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=patience(5), limits=NEW_CONNECTIONS) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/faults/errors"), ("DELETE", "/faults/errors"), ("DELETE", "/faults")]
)
def test_with_a_token_every_change_needs_it(locked: httpx.Client, method: str, path: str) -> None:
    without = locked.request(method, path)
    assert without.status_code == 401
    assert without.headers["www-authenticate"] == 'Bearer realm="demo-app"'
    assert without.json() == {
        "detail": "a change needs the header 'Authorization: Bearer …' with the token of DEMO_TOKEN"
    }

    wrong = locked.request(method, path, headers={"authorization": f"Bearer {TOKEN[:-1]}"})
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"] == 'Bearer realm="demo-app", error="invalid_token"'
    assert wrong.json() == {"detail": "the token does not match DEMO_TOKEN"}

    assert locked.request(method, path, headers={"authorization": f"bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("given", [f"Basic {TOKEN}", TOKEN, "Bearer", "", "Bearer \u00fc"])
def test_what_is_not_the_token_starts_nothing(locked: httpx.Client, given: str) -> None:
    answer = locked.post("/faults/errors", headers={"authorization": given.encode("latin-1")})

    assert answer.status_code == 401
    assert locked.get("/state").json()["faults"] == {}


@pytest.mark.parametrize("path", ["/", "/faults", "/state", "/healthz", "/openapi.json", "/page/main.js"])
def test_reading_is_open_with_a_token_too(locked: httpx.Client, path: str) -> None:
    assert locked.get(path).status_code == 200


def test_the_list_and_the_description_say_that_a_token_is_needed(locked: httpx.Client) -> None:
    assert locked.get("/faults").json()["token_required"] is True
    description = locked.get("/openapi.json").json()
    assert description["paths"]["/faults"]["delete"]["security"] == [{"token": []}]
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://proxy.example.com"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"origin": "OWN"}, False),
        ({"origin": "http://evil.example.com"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://127.0.0.1:1"}, True),
    ],
)
def test_a_browser_changes_nothing_for_another_site(
    client: httpx.Client, headers: dict[str, str], *, refused: bool
) -> None:
    own = {
        name: str(client.base_url).rstrip("/") if value == "OWN" else value for name, value in headers.items()
    }

    answer = client.post("/faults/errors", headers=own)

    assert answer.status_code == (403 if refused else 200)
    assert (client.get("/state").json()["faults"] == {}) is refused
    if refused:
        assert answer.json()["detail"].startswith("a browser sends this change for another site (")


def test_another_site_is_refused_before_the_token_is_looked_at(locked: httpx.Client) -> None:
    headers = {"sec-fetch-site": "cross-site", "authorization": f"Bearer {TOKEN}"}

    assert locked.delete("/faults", headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("192.0.2.7", 200),
        ("[::1]:8000", 200),
        ("localhost:8000", 200),
        ("LOCALHOST.", 200),
        ("app.localhost:8000", 200),
        ("demo-app:8000", 200),
        ("evil.example.com:8000", 403),
        ("localhost.example.com", 403),
        ("127.0.0.1.example.com", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_without_a_token_no_change_is_taken_at_a_name_that_somebody_else_may_own(
    client: httpx.Client, host: str, status: int
) -> None:
    answer = client.delete("/faults", headers={"host": host})

    assert answer.status_code == status
    if status == 403:
        assert "or set DEMO_TOKEN" in answer.json()["detail"]
    assert client.get("/faults", headers={"host": host}).status_code == 200


def test_with_a_token_the_name_does_not_matter(locked: httpx.Client) -> None:
    headers = {"host": "demo.example.com", "authorization": f"Bearer {TOKEN}"}

    assert locked.delete("/faults", headers=headers).status_code == 200


def test_a_body_longer_than_16_kib_is_413_whether_it_says_its_length_or_not(client: httpx.Client) -> None:
    json = {"content-type": "application/json"}
    longest = b" " * (16 * 1024 - 2) + b"{}"

    assert client.post("/faults/errors", content=longest, headers=json).status_code == 200
    client.delete("/faults")
    for content in (b" " + longest, iter([longest, b" "])):
        answer = client.post("/faults/errors", content=content, headers=json)
        assert answer.status_code == 413
        assert answer.json() == {"detail": "the body is longer than 16384 bytes"}
    assert client.get("/state").json()["faults"] == {}


def test_a_body_that_breaks_off_starts_nothing() -> None:
    reached: list[str] = []
    parts: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(scope["method"])

    async def receive() -> Message:
        return parts.pop(0)

    async def send(_message: Message) -> None:
        return

    def call(method: str) -> None:
        scope = {"type": "http", "method": method, "headers": [(b"host", b"localhost")]}
        asyncio.run(Guard(app, token=None)(scope, receive, send))

    call("POST")
    assert (reached, parts) == ([], [])
    call("GET")  # which has no body to read: the app behind is there
    assert reached == ["GET"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/state"), ("GET", "/no"), ("PUT", "/")])
def test_every_answer_forbids_the_browser_to_guess_its_type(
    client: httpx.Client, method: str, path: str
) -> None:
    headers = client.request(method, path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
