"""A real Alertmanager with the receivers beside mail, and a server in the place of each service."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from rules.binaries import as_numbers, found, required, versions
from rules.http_sink import HTTPSink, Request, http_sink
from rules.mails import EXTERNAL_URL, Post, running_alertmanager
from rules.service_schemas import JIRA_CLOSE, JIRA_CREATE, PAGERDUTY, SLACK, TEAMS, TEAMS_BYTES
from stack import receivers, secret_files, settings
from stack.settings import Instance
from waiting import poll, stays

ROOT = Path(__file__).resolve().parents[2]
ROUTING_KEY = "R0123456789ABCDEFGHIJKLMNOPQRSTU"
API_KEY = "11111111-2222-3333-4444-555555555555"
RUNBOOK = "http://localhost:8080/runbooks/WorkerUnhealthy"
DASHBOARD = "http://localhost:3002/d/insa-worker-health?viewPanel=panel-3"
EXPRESSION = "http://localhost:9090/graph?g0.expr=insa_worker_health_status+%3D%3D+0"


def bundle(directory: Path, url: str) -> Instance:
    """An instance whose Alertmanager has every receiver, which send to `url`, with short waits."""
    shutil.copytree(
        ROOT / "alertmanager", directory / "alertmanager", ignore=shutil.ignore_patterns("secrets")
    )
    shutil.copy(ROOT / ".env.example", directory)
    secrets = directory / "alertmanager" / "secrets"
    secrets.mkdir()
    for name, value in {
        "pagerduty_routing_key": ROUTING_KEY,
        "jira_service_management_api_key": API_KEY,
        "slack_webhook_url": f"{url}/slack/1",
        "microsoft_teams_webhook_url": f"{url}/teams/1",
    }.items():
        (secrets / name).write_text(f"{value}\n")
        (secrets / name).chmod(0o600)
    for path in (directory / "alertmanager" / "receivers").iterdir():
        tree = yaml.safe_load(path.read_text())
        for each in tree["receiver"].get("pagerduty_configs", []):
            each["url"] = f"{url}/pagerduty"
        for each in tree["receiver"].get("opsgenie_configs", []):
            each["api_url"] = f"{url}/jira/"
        for route in (tree["route"], *tree["route"].get("routes", [])):
            route |= {"group_wait": "300ms", "group_interval": "300ms"}
        path.write_text(yaml.safe_dump(tree))
    made = receivers.joined(settings.load(directory, "paging", directory / ".env", {}))
    made.env["SLA_WEBHOOK_TOKEN"] = "unused-by-this-test"  # noqa: S105  # not one
    secret_files.write(made)
    return made


def configuration(instance: Instance, version: tuple[int, ...], smtp_port: int) -> dict[str, Any]:
    """What Alertmanager would read of this instance, with mails to the sink and without the webhook."""
    place = Path(instance.env["ALERTMANAGER_CONFIG_DIR"])
    text = (place / "alertmanager.yml").read_text().replace("/run/secrets", str(instance.secrets))
    tree: dict[str, Any] = yaml.safe_load(text)
    tree["global"]["smtp_smarthost"] = f"127.0.0.1:{smtp_port}"
    tree["templates"] = [str(place / "templates" / "*.tmpl")]
    for each in tree["receivers"]:
        each.pop("webhook_configs", None)
    for route in tree["route"]["routes"][-1]["routes"]:
        if route["receiver"] == "critical":
            route["group_wait"] = "300ms"
    if version < (0, 28):
        tree["receivers"] = [each for each in tree["receivers"] if each["name"] != "microsoft-teams"]
        tree["route"]["routes"] = [
            each for each in tree["route"]["routes"] if each["receiver"] != "microsoft-teams"
        ]
    return tree


class Chain:
    """A running Alertmanager, the server that stands for the services, and what was sent."""

    def __init__(self, post: Post, sink: HTTPSink, instance: Instance, *, teams: bool) -> None:
        self.post = post
        self.sink = sink
        self.instance = instance
        self.teams = teams

    def send(
        self,
        name: str,
        *,
        ended: bool = False,
        count: int = 1,
        summary: str = "Worker mail-1 is unhealthy",
        description: str = "Its tasks wait.\nLook at its log.",
        **more: str,
    ) -> None:
        """Give Alertmanager the alerts of one rule, or their end; `more` are labels."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        labels = {"alertname": name, "severity": "critical", "component": "worker", "team": "platform"}
        self.post.send(
            [
                {
                    "labels": labels | {"job": "shop", "instance": f"shop-{number}:9091"} | more,
                    "annotations": {
                        "summary": summary,
                        "description": description,
                        "runbook_url": RUNBOOK,
                        "dashboard_url": DASHBOARD,
                    },
                    "generatorURL": EXPRESSION,
                    "startsAt": (now - dt.timedelta(minutes=10)).isoformat(),
                    **({"endsAt": (now - dt.timedelta(seconds=1)).isoformat()} if ended else {}),
                }
                for number in range(count)
            ]
        )

    def requests(self, beginning: str, word: str) -> list[Request]:
        return [each for each in self.sink.to(beginning) if word in json.dumps(each.body, ensure_ascii=False)]

    def next(self, beginning: str, word: str, number: int = 0) -> Request:
        """The request number `number` to a service that speaks of `word`."""

        def enough() -> list[Request]:
            return self.requests(beginning, word)[number:]

        return poll(enough, f"request {number} to {beginning} about {word}", seconds=20)[0]


@pytest.fixture(scope="module", params=versions("alertmanager"))
def chain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    program = required(request.param, "alertmanager")
    version = next(as_numbers(each) for each, path in found("alertmanager").items() if path == program)
    with http_sink() as sink:
        instance = bundle(tmp_path_factory.mktemp("bundle"), sink.url)
        directory = tmp_path_factory.mktemp("alertmanager")
        with running_alertmanager(
            program, directory, lambda port: configuration(instance, version, port)
        ) as post:
            yield Chain(post, sink, instance, teams=version >= (0, 28))


def check(schema: dict[str, Any], request: Request) -> None:
    errors = jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(request.body)
    assert [(each.instance_path, each.message[:300]) for each in errors] == []


def test_pagerduty_has_an_incident_with_severity_and_links_and_its_end(chain: Chain) -> None:
    chain.send("PagerDutyCase")
    fired = chain.next("/pagerduty", "PagerDutyCase")
    check(PAGERDUTY, fired)
    assert fired.body["routing_key"] == ROUTING_KEY
    assert fired.body["event_action"] == "trigger"
    payload = fired.body["payload"]
    assert payload["severity"] == "critical"
    assert payload["summary"] == "[FIRING:1] CRITICAL PagerDutyCase: Worker mail-1 is unhealthy"
    assert (payload["source"], payload["component"], payload["group"], payload["class"]) == (
        "shop-0:9091",
        "worker",
        "platform",
        "PagerDutyCase",
    )
    assert fired.body["links"] == [
        {"href": RUNBOOK, "text": "Runbook"},
        {"href": DASHBOARD, "text": "Dashboard"},
    ]
    assert fired.body["client_url"] == f"{EXTERNAL_URL}/#/alerts?receiver=pagerduty"
    assert EXPRESSION in payload["custom_details"]["alerts"]
    assert "Its tasks wait.\nLook at its log." in payload["custom_details"]["alerts"]
    chain.send("PagerDutyCase", ended=True)
    ended = chain.next("/pagerduty", "PagerDutyCase", 1)
    check(PAGERDUTY, ended)
    assert (ended.body["event_action"], ended.body["dedup_key"]) == ("resolve", fired.body["dedup_key"])
    assert ended.body["payload"]["summary"].startswith("[RESOLVED:1] CRITICAL PagerDutyCase")


def test_jira_has_an_alert_with_priority_and_links_and_its_end(chain: Chain) -> None:
    chain.send("JiraCase")
    fired = chain.next("/jira/v2/alerts", "JiraCase")
    check(JIRA_CREATE, fired)
    assert fired.path == "/jira/v2/alerts"
    assert fired.headers["authorization"] == f"GenieKey {API_KEY}"
    assert fired.body["message"] == "[FIRING:1] CRITICAL JiraCase: Worker mail-1 is unhealthy"
    assert fired.body["priority"] == "P1"
    assert fired.body["tags"] == ["critical", "worker", "platform"]
    assert fired.body["entity"] == "worker"
    assert (fired.body["details"]["runbook"], fired.body["details"]["dashboard"]) == (RUNBOOK, DASHBOARD)
    assert EXPRESSION in fired.body["description"]
    chain.send("JiraCase", ended=True)
    # The request to close says nothing of the alert but its alias.
    [ended] = poll(
        lambda: chain.sink.to(f"/jira/v2/alerts/{fired.body['alias']}/close"), "the end", seconds=20
    )
    check(JIRA_CLOSE, ended)
    assert ended.path.endswith("/close?identifierType=alias")


def test_slack_has_a_message_in_the_colour_of_its_state_and_one_about_the_end(chain: Chain) -> None:
    chain.send("SlackCase", severity="warning")
    fired = chain.next("/slack/1", "SlackCase")
    check(SLACK, fired)
    [message] = fired.body["attachments"]
    assert message["title"] == message["fallback"] == "[FIRING:1] WARNING SlackCase"
    assert message["color"] == "#9a5b00"
    for address, word in ((RUNBOOK, "Runbook"), (DASHBOARD, "Dashboard"), (EXPRESSION, "Expression")):
        assert f"<{address}|{word}>" in message["text"]
    assert message["title_link"] == f"{EXTERNAL_URL}/#/alerts?receiver=slack"
    assert "Its tasks wait.\nLook at its log." in message["text"]
    chain.send("SlackCase", severity="warning", ended=True)
    ended = chain.next("/slack/1", "SlackCase", 1)
    check(SLACK, ended)
    [message] = ended.body["attachments"]
    assert (message["title"], message["color"]) == ("[RESOLVED:1] WARNING SlackCase", "#15703a")
    assert "Its tasks wait." not in message["text"]


def test_teams_has_a_card_in_the_colour_of_its_state_and_one_about_the_end(chain: Chain) -> None:
    chain.send("TeamsCase", severity="warning")
    chain.next("/slack/1", "TeamsCase")
    if not chain.teams:  # an Alertmanager before 0.28
        assert chain.sink.to("/teams") == []
        return
    fired = chain.next("/teams/1", "TeamsCase")
    check(TEAMS, fired)
    title, text = fired.body["attachments"][0]["content"]["body"]
    assert (title["text"], title["color"]) == ("FIRING (1) WARNING TeamsCase", "Attention")
    assert f"[Runbook]({RUNBOOK})" in text["text"]
    assert f"[Dashboard]({DASHBOARD})" in text["text"]
    assert f"[Expression]({EXPRESSION})" in text["text"]
    assert "Its tasks wait.\n\nLook at its log." in text["text"]
    chain.send("TeamsCase", severity="warning", ended=True)
    ended = chain.next("/teams/1", "TeamsCase", 1)
    check(TEAMS, ended)
    assert ended.body["attachments"][0]["content"]["body"][0]["text"] == "RESOLVED (1) WARNING TeamsCase"


def test_a_warning_wakes_nobody_and_the_watchdog_is_told_to_none(chain: Chain) -> None:
    chain.send("Watchdog", severity="none", component="monitoring")
    chain.send("WarningCase", severity="warning")
    chain.next("/slack/1", "WarningCase")

    def told_too_much() -> list[Request]:
        return [
            *chain.requests("/pagerduty", "WarningCase"),
            *chain.requests("/jira", "WarningCase"),
            *chain.requests("/", "Watchdog"),
        ]

    stays(
        [], told_too_much, "a warning on call, or the Watchdog anywhere", for_seconds=0.6, every_seconds=0.2
    )


def test_mail_still_reaches_those_who_had_it(chain: Chain) -> None:
    seen = len(chain.post.sink.mails)
    chain.send("MailCase", component="database")
    chain.next("/pagerduty", "MailCase")
    chain.next("/slack/1", "MailCase")
    mail = chain.post.mail_with("MailCase", seen=seen, seconds=30, to="critical-alerts@example.com")
    assert mail["Subject"] == "[FIRING:1] CRITICAL MailCase"


def test_a_drill_says_so_everywhere(chain: Chain) -> None:
    chain.send("DrillCase", drill="true")
    assert chain.next("/pagerduty", "DrillCase").body["payload"]["summary"].startswith("[DRILL] [FIRING:1]")
    jira = chain.next("/jira", "DrillCase").body
    assert jira["message"].startswith("[DRILL]")
    assert "drill" in jira["tags"]
    [message] = chain.next("/slack/1", "DrillCase").body["attachments"]
    assert message["title"].startswith("[DRILL]")
    assert "This is an exercise: nothing is broken." in message["text"]
    if chain.teams:
        title, text = chain.next("/teams/1", "DrillCase").body["attachments"][0]["content"]["body"]
        assert title["text"].startswith("DRILL: ")
        assert "This is an exercise: nothing is broken." in text["text"]


def test_hostile_values_stay_text(chain: Chain) -> None:
    hostile = (
        "Hostile <!channel> & [click](http://bad.example.com) <http://bad.example.com|here>\u202e \"'`{{ 1 }}"
    )
    chain.send("HostileCase", summary=hostile, description=f"{hostile}\n<!here>")
    [message] = chain.next("/slack/1", "HostileCase").body["attachments"]
    assert "&lt;!channel&gt; &amp; [click]" in message["text"]
    assert "<!" not in message["text"]
    # Every link is one of ours.
    assert {word for _, word in re.findall(r"<([^|>]*)\|([^>]*)>", message["text"])} == {
        "Runbook",
        "Dashboard",
        "Expression",
    }
    if chain.teams:
        card = chain.next("/teams/1", "HostileCase")
        check(TEAMS, card)
        text = card.body["attachments"][0]["content"]["body"][1]["text"]
        assert "(click)(http://bad.example.com)" in text
        assert "\u202e" not in text
    for request, schema in (
        (chain.next("/pagerduty", "HostileCase"), PAGERDUTY),
        (chain.next("/jira", "HostileCase"), JIRA_CREATE),
    ):
        check(schema, request)
        assert "\u202e" not in json.dumps(request.body, ensure_ascii=False)


def test_the_longest_messages_fit(chain: Chain) -> None:
    chain.send("LongCase", count=200, summary="s" * 5000, description="d" * 20_000, host="h" * 3000)
    # On a busy machine the first message may leave before Alertmanager has taken all.
    more = "More alerts of this group are in Alertmanager."
    check(PAGERDUTY, chain.next("/pagerduty", more))
    jira = chain.next("/jira", more)
    check(JIRA_CREATE, jira)
    assert sum(map(len, jira.body["details"].values())) < 8000
    check(SLACK, chain.next("/slack/1", more))
    if chain.teams:
        teams = chain.next("/teams/1", more)
        check(TEAMS, teams)
        assert len(json.dumps(teams.body, ensure_ascii=False).encode()) < TEAMS_BYTES


def test_a_secret_that_is_replaced_counts_from_the_next_message(chain: Chain) -> None:
    place = chain.instance.path("alertmanager/secrets/slack_webhook_url")
    before = place.read_text()
    place.write_text(before.replace("/slack/1", "/slack/2"))
    assert chain.instance.root == place.parents[2]
    original = settings.load(chain.instance.root, "paging", chain.instance.root / ".env", {})
    again = receivers.joined(original)
    again.env["SLA_WEBHOOK_TOKEN"] = "unused-by-this-test"  # noqa: S105  # not one
    try:
        secret_files.write(again)
        chain.send("RotatedCase", severity="warning")
        check(SLACK, chain.next("/slack/2", "RotatedCase"))
    finally:
        place.write_text(before)
        secret_files.write(receivers.joined(original))
