"""Routing and inhibition of the shipped alertmanager.yml, simulated by amlint, are those of routes.yml."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from amlint.routing import Inhibitor, Router

from rules.binaries import each_version_of, found, required
from stack import receivers

ROOT = Path(__file__).resolve().parents[2]
TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "routes.yml").read_text())
CONFIG_FILE = ROOT / "alertmanager" / "alertmanager.yml"
CONFIG: dict[str, Any] = yaml.safe_load(CONFIG_FILE.read_text())
RECEIVERS = {receiver["name"]: receiver for receiver in CONFIG["receivers"]}
WEBHOOK = "http://sla-worker:8080/webhook/alertmanager"


def labels(row: dict[str, Any]) -> dict[str, str]:
    """The labels of a row, as an alert carries them."""
    found = {name: row[name] for name in ("severity", "component", "team") if name in row}
    return found | {"alertname": row.get("alert", "AnythingElse")}


def rows() -> list[dict[str, Any]]:
    """The rows of named alerts, and those of any other."""
    return [*TABLE["alerts"], *TABLE["other"]]


def row_id(row: dict[str, Any]) -> str:
    return "-".join(labels(row).values())


@pytest.mark.parametrize("row", rows(), ids=row_id)
def test_the_alert_reaches_the_receivers_of_the_table(row: dict[str, Any]) -> None:
    matches = Router(CONFIG["route"]).match(labels(row))
    assert [match.receiver for match in matches] == row["reaches"]


@pytest.mark.parametrize("row", rows(), ids=row_id)
@each_version_of("amtool")
def test_amtool_says_the_same(row: dict[str, Any], program: Path | None) -> None:
    words = [f"{name}={value}" for name, value in labels(row).items()]
    amtool = required(program, "amtool")
    done = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={CONFIG_FILE}", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip().split(",") == row["reaches"], done.stderr


def every_receiver() -> dict[str, Any]:
    """The shipped configuration with all receivers that a secret switches on."""
    on = []
    for path in sorted((ROOT / "alertmanager" / "receivers").glob("*.yml")):
        tree = yaml.safe_load(path.read_text())
        on.append(receivers.Receiver(path.stem, tree["secret"], "", tree["route"], tree["receiver"]))
    return receivers.join(CONFIG_FILE, tuple(on), ROOT)


def test_receivers_beside_mail_take_no_alert_from_those_of_the_table() -> None:
    router = Router(every_receiver()["route"])
    for row in rows():
        on_call = ["jira-service-management", "pagerduty"] if row.get("severity") == "critical" else []
        chat = [] if row.get("alert") == "Watchdog" else ["microsoft-teams", "slack"]
        reached = [match.receiver for match in router.match(labels(row))]
        # An alert that only the default receiver has must go on having it.
        assert sorted(reached) == sorted([*on_call, *chat, *row["reaches"]]), row


def with_the_route_of_a_team() -> dict[str, Any]:
    """The shipped configuration with what docs/teams.md says to add to it, where it says."""
    page = (ROOT / "docs" / "teams.md").read_text(encoding="utf-8")
    about = page.partition("## Whose alerts are whose")[2].partition("\n## ")[0]
    route, receiver = re.findall(r"```yaml\n(.*?)```", about, re.DOTALL)
    before, routes, rest = CONFIG_FILE.read_text(encoding="utf-8").partition("\n  routes:\n")
    made: dict[str, Any] = yaml.safe_load(f"{before}{routes}{route}{rest}\n{receiver}")
    return made


@pytest.mark.parametrize("row", rows(), ids=row_id)
def test_the_documented_route_of_a_team_takes_the_alerts_on_its_slas_and_no_other(
    row: dict[str, Any],
) -> None:
    reached = [match.receiver for match in Router(with_the_route_of_a_team()["route"]).match(labels(row))]
    if row.get("component") == "sla" and row.get("team") == "payments":
        # The default receiver has what no route takes; those of critical ones come after the team.
        assert reached == ["payments", *(name for name in row["reaches"] if name != "default")]
    else:
        assert reached == row["reaches"]


def test_amtool_takes_the_documented_route_of_a_team(tmp_path: Path) -> None:
    newest = list(found("amtool").values())[-1:]
    amtool = required(newest[0] if newest else None, "amtool")
    shutil.copytree(ROOT / "alertmanager" / "templates", tmp_path / "templates")
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(with_the_route_of_a_team()))
    words = ["severity=critical", "component=sla", "alertname=SLABudgetBurnFast", "team=payments"]
    command = [amtool, "config", "routes", "test", f"--config.file={file}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "payments,critical", done.stderr


def test_amtool_takes_every_receiver(tmp_path: Path) -> None:
    newest = list(found("amtool").values())[-1:]
    amtool = required(newest[0] if newest else None, "amtool")
    shutil.copytree(ROOT / "alertmanager" / "templates", tmp_path / "templates")
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(every_receiver()))
    command = [amtool, "check-config", tmp_path / "alertmanager.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 receivers" in done.stdout


def test_the_table_holds_every_alert_with_its_severity_and_component() -> None:
    shipped = {
        (rule["alert"], rule["labels"]["severity"], rule["labels"].get("component"))
        for path in (ROOT / "prometheus" / "rules").rglob("*.yml")
        for group in yaml.safe_load(path.read_text()).get("groups") or []
        for rule in group["rules"]
        if "alert" in rule
    }
    assert {(row["alert"], row["severity"], row["component"]) for row in TABLE["alerts"]} == shipped
    assert len(TABLE["alerts"]) == len(shipped)


def test_every_route_and_receiver_is_reached_by_a_row() -> None:
    router = Router(CONFIG["route"])
    reached = {match.path[-1] for row in rows() for match in router.match(labels(row))}
    assert reached == set(router.paths())
    assert (
        {name for row in rows() for name in row["reaches"]} == RECEIVERS.keys() == TABLE["receivers"].keys()
    )


@pytest.mark.parametrize("name", RECEIVERS)
def test_a_receiver_has_its_own_address_and_the_webhook_and_tells_of_the_end(name: str) -> None:
    receiver = RECEIVERS[name]
    mails = receiver.get("email_configs", [])
    assert [mail["to"] for mail in mails] == ([] if name == "watchdog" else [TABLE["receivers"][name]])
    assert [hook["url"] for hook in receiver["webhook_configs"]] == [WEBHOOK]
    assert all(each["send_resolved"] is True for each in [*mails, *receiver["webhook_configs"]])
    for hook in receiver["webhook_configs"]:
        # The secret that the sla-worker asks for, and no more alerts at once than fit into its 4 MiB.
        authorization = {"type": "Bearer", "credentials_file": "/run/secrets/sla_webhook_token"}
        assert hook["http_config"] == {"authorization": authorization}
        assert hook["max_alerts"] == 1000
    for mail in mails:
        assert mail["headers"] == {
            "Subject": '{{ template "insa.mail.subject" . }}',
            "References": '{{ template "insa.mail.thread" . }}',
            "In-Reply-To": '{{ template "insa.mail.thread" . }}',
        }
        assert (mail["html"], mail["text"]) == (
            '{{ template "insa.mail.html" . }}',
            '{{ template "insa.mail.text" . }}',
        )


def test_no_two_receivers_share_an_address() -> None:
    addresses = [address for address in TABLE["receivers"].values() if address != "none"]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("row", rows(), ids=row_id)
def test_mails_are_grouped_and_wait_as_the_table_says(row: dict[str, Any]) -> None:
    for match in Router(CONFIG["route"]).match(labels(row)):
        opts = match.opts
        assert opts.group_by == ("alertname", "severity", "component", "sla", "drill")
        if match.receiver in TABLE["waits"]:
            waits = [opts.group_wait, opts.group_interval, opts.repeat_interval]
            assert waits == TABLE["waits"][match.receiver]


@pytest.mark.parametrize("case", TABLE["inhibition"], ids=lambda case: case["name"])
def test_what_is_muted_and_what_is_not(case: dict[str, Any]) -> None:
    inhibition = Inhibitor(CONFIG["inhibit_rules"]).inhibited_by(case["alert"], [case["firing"]])
    assert (inhibition is not None) is case["muted"]


@pytest.mark.parametrize(
    "case", [case for case in TABLE["inhibition"] if case["muted"]], ids=lambda case: case["name"]
)
def test_what_fires_in_a_drill_mutes_nothing(case: dict[str, Any]) -> None:
    drill = case["firing"] | {"drill": "true"}
    assert Inhibitor(CONFIG["inhibit_rules"]).inhibited_by(case["alert"], [drill]) is None


def test_every_inhibition_rule_mutes_in_some_case() -> None:
    inhibitor = Inhibitor(CONFIG["inhibit_rules"])
    at_work = {
        found.rule
        for case in TABLE["inhibition"]
        if (found := inhibitor.inhibited_by(case["alert"], [case["firing"]])) is not None
    }
    assert at_work == {f"inhibit_rules[{number}]" for number in range(len(CONFIG["inhibit_rules"]))}


def test_amlint_finds_nothing_to_warn_of() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "amlint.cli",
            "check",
            str(CONFIG_FILE),
            "--strict",
            "--rules",
            "prometheus/rules/**/*.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
