"""Who may ask the worker, over real HTTP: other names, other sites, the token, other kinds of content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client, served

TOKEN = "a-token-of-20-signs!"  # noqa: S105 - made up
READ = ("/", "/metrics", "/api/alerts", "/runbooks/")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    setting = Setting(
        tmp_path, SLA_WORKER_PUBLIC_URL="https://sla.example.com/", SLA_WORKER_ALLOWED_HOSTS="a.b, c.d, e.f."
    )
    with served(setting.service.application) as client:
        yield client
    setting.close()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Client]:
    """A client of a worker with a token, which it does not send by itself."""
    (tmp_path / "token").write_text(f"\ufeff{TOKEN}\n", encoding="utf-8")  # as some editors write it
    setting = Setting(tmp_path, SLA_WEBHOOK_TOKEN_FILE=str(tmp_path / "token"))
    with served(setting.service.application) as client:
        yield client
    setting.close()


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    "host", ["attacker.example", "attacker.example:8080", "localhost.attacker.example", ""]
)
def test_a_name_that_others_may_own_reads_nothing(client: Client, path: str, host: str) -> None:
    answer = client.ask("GET", path, {"Host": host})
    assert answer.status == 403
    assert answer.error == (
        f"unknown host {host!r}: use localhost, an address or a name of one word, or add the name to"
        " SLA_WORKER_ALLOWED_HOSTS"
    )


@pytest.mark.parametrize(
    "host",
    [
        "localhost/.attacker.example", "user@localhost", "attacker, localhost", "localhost:80:80", "[::1",
        "[attacker.example]", "::1", "127.1", "[]", ":8080",
    ],
)  # fmt: skip
def test_what_is_no_name_at_all_reads_nothing(client: Client, host: str) -> None:
    assert client.ask("GET", "/api/alerts", {"Host": host}).status == 403


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1:18080", "[::1]:8080", "sla-worker:8080", "LOCALHOST:8080", "x.localhost",
        "sla.example.com",  # of the public URL
        "a.b:1", "C.D", "a.b.",  # of the setting
        "e.f", "e.f.:80",  # of the setting, which names it by its root
    ],
)  # fmt: skip
def test_our_own_names_are_answered(client: Client, host: str) -> None:
    assert client.ask("GET", "/api/alerts", {"Host": host}).status == 200
    assert client.post_alerts(Host=host).status == 200


def test_health_is_open_to_every_name(client: Client) -> None:
    answer = client.ask("GET", "/healthz", {"Host": "balancer.example"})
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3002"},  # another port is another site
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_browser_posts_for_no_other_site(client: Client, headers: dict[str, str]) -> None:
    answer = client.post_alerts(Host="localhost:8080", **headers)
    assert answer.status == 403
    assert "a browser sends this change for another site" in answer.error


def test_a_page_of_our_own_may_post(client: Client) -> None:
    own = {"Host": "localhost:8080", "Origin": "http://localhost:8080"}
    assert client.post_alerts(**own).status == 200
    assert client.post_alerts(**own, Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "text/json"])
def test_what_a_page_can_send_unasked_is_refused(client: Client, kind: str) -> None:
    answer = client.ask("POST", "/webhook/alertmanager", {"Content-Type": kind}, b'{"alerts": []}')
    assert (answer.status, answer.error) == (
        415,
        f"Content-Type is {kind or 'missing'}: send application/json",
    )


def test_a_preflight_allows_nothing(client: Client) -> None:
    answer = client.ask("OPTIONS", "/webhook/alertmanager", {"Origin": "https://attacker.example"})
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("given", [None, f"Basic {TOKEN}", TOKEN, ""])
def test_with_a_token_the_webhook_needs_it(locked: Client, given: str | None) -> None:
    answer = locked.post_alerts(**({} if given is None else {"Authorization": given}))
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="sla-worker"')
    assert "the token of SLA_WEBHOOK_TOKEN" in answer.error


@pytest.mark.parametrize("given", [TOKEN[:-1], TOKEN + "x", "", "ü"])
def test_a_wrong_token_is_said_to_be_wrong(locked: Client, given: str) -> None:
    answer = locked.post_alerts(Authorization=f"Bearer {given}")
    assert answer.status == 401
    assert answer.error == "the token is not that of SLA_WEBHOOK_TOKEN"


def test_the_right_token_opens_and_reading_needs_none(locked: Client) -> None:
    assert locked.post_alerts(Authorization=f"Bearer {TOKEN}").status == 200
    assert locked.post_alerts(Authorization=f"bearer {TOKEN}").status == 200
    assert [locked.ask("GET", path).status for path in READ] == [200] * len(READ)


def test_the_token_does_not_open_the_door_to_other_sites(locked: Client) -> None:
    """A page cannot know the token; a proxy might add it."""
    answer = locked.post_alerts(Authorization=f"Bearer {TOKEN}", Origin="https://attacker.example")
    assert answer.status == 403


def test_every_answer_carries_the_headers_that_keep_pages_apart(client: Client) -> None:
    for answer in (client.ask("GET", "/"), client.ask("GET", "/api/alerts", {"Host": "attacker.example"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
