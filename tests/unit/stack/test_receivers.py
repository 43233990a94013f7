"""Receivers beside mail are on when their secret is there: what is joined, copied and refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack import receivers, rendering, secret_files
from stack.errors import StackError
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    "jira_service_management_api_key": "11111111-2222-3333-4444-555555555555",
    "microsoft_teams_webhook_url": "https://example.com/workflows/1?sig=x",
    "pagerduty_routing_key": "R0123456789ABCDEFGHIJKLMNOPQRSTU",
    "slack_webhook_url": "https://hooks.example.com/services/T0/B0/x",
}
NAMES = ("jira-service-management", "microsoft-teams", "pagerduty", "slack")


@pytest.fixture
def shipped(instance: Instance) -> Instance:
    """The miniature bundle with the shipped configuration of Alertmanager, and no secret."""
    shutil.rmtree(instance.root / "alertmanager")
    shutil.copytree(
        ROOT / "alertmanager", instance.root / "alertmanager", ignore=shutil.ignore_patterns("secrets")
    )
    (instance.root / "alertmanager" / "secrets").mkdir()
    return instance


def put(instance: Instance, name: str, value: str, mode: int = 0o600) -> Path:
    path = instance.root / "alertmanager" / "secrets" / name
    path.write_text(value)
    path.chmod(mode)
    return path


def tree_of(instance: Instance) -> dict[str, Any]:
    path = instance.path(instance.env["ALERTMANAGER_CONFIG_DIR"]) / "alertmanager.yml"
    tree: dict[str, Any] = yaml.safe_load(path.read_text())
    return tree


def test_without_a_secret_alertmanager_reads_the_directory_as_it_is(shipped: Instance) -> None:
    assert receivers.switched_on(shipped) == ()
    assert receivers.joined(shipped) == shipped


def test_each_secret_switches_on_its_receiver_and_nothing_else_changes(shipped: Instance) -> None:
    plain = tree_of(shipped)
    for name, value in SECRETS.items():
        put(shipped, name, f"{value}\n")
    joined = receivers.joined(shipped)
    tree = tree_of(joined)
    assert tuple(each["receiver"] for each in tree["route"]["routes"][:4]) == NAMES
    assert all(each["continue"] is True for each in tree["route"]["routes"][:4])
    assert [each["name"] for each in tree["receivers"][-4:]] == list(NAMES)
    [tree["route"]] = tree["route"]["routes"][4:]
    tree["receivers"] = tree["receivers"][:-4]
    assert tree == plain
    assert joined.receiver_secrets == SECRETS


def test_the_copy_holds_the_templates_and_no_secret(shipped: Instance) -> None:
    put(shipped, "slack_webhook_url", SECRETS["slack_webhook_url"])
    old = os.umask(0o077)
    try:
        place = Path(receivers.joined(shipped).env["ALERTMANAGER_CONFIG_DIR"])
    finally:
        os.umask(old)
    files = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert files == {"alertmanager.yml", "templates/mail.tmpl", "templates/messages.tmpl"}
    assert SECRETS["slack_webhook_url"] not in "".join((place / name).read_text() for name in files)
    # The container runs as another user, whatever the umask of who runs make up.
    assert {path.stat().st_mode & 0o777 for path in place.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in (place, place / "templates")} == {0o755}


@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n\n"])
def test_the_end_of_the_line_is_no_part_of_a_secret(shipped: Instance, end: str) -> None:
    for name, value in SECRETS.items():
        path = put(shipped, name, "")
        path.write_bytes(f"{value}{end}".encode())
    assert {each.secret_file: each.secret for each in receivers.switched_on(shipped)} == SECRETS


def test_a_secret_that_was_removed_switches_off(shipped: Instance) -> None:
    path = put(shipped, "slack_webhook_url", SECRETS["slack_webhook_url"])
    put(shipped, "pagerduty_routing_key", SECRETS["pagerduty_routing_key"])
    secret_files.write(receivers.joined(shipped))
    assert (shipped.secrets / "slack_webhook_url").read_text() == SECRETS["slack_webhook_url"]
    path.unlink()
    joined = receivers.joined(shipped)
    secret_files.write(joined)
    assert "slack" not in {each["name"] for each in tree_of(joined)["receivers"]}
    assert {each.name for each in shipped.secrets.iterdir()} == {"sla_webhook_token", "pagerduty_routing_key"}
    (shipped.root / "alertmanager" / "secrets" / "pagerduty_routing_key").unlink()
    assert receivers.joined(shipped) == shipped
    assert not (shipped.root / ".run" / "alertmanager" / shipped.name).exists()


def test_a_template_that_was_removed_leaves_the_copy(shipped: Instance) -> None:
    put(shipped, "slack_webhook_url", SECRETS["slack_webhook_url"])
    extra = shipped.root / "alertmanager" / "templates" / "extra.tmpl"
    extra.write_text("{{/* nothing */}}")
    place = Path(receivers.joined(shipped).env["ALERTMANAGER_CONFIG_DIR"])
    assert (place / "templates" / "extra.tmpl").exists()
    extra.unlink()
    receivers.joined(shipped)
    assert not (place / "templates" / "extra.tmpl").exists()


REFUSED: dict[str, tuple[Callable[[Instance], object], str, str]] = {
    "a name that no receiver reads": (
        lambda bundle: put(bundle, "slack", SECRETS["slack_webhook_url"]),
        "alertmanager/secrets/slack: no receiver reads this file",
        "slack_webhook_url",
    ),
    "others may read it": (
        lambda bundle: put(bundle, "slack_webhook_url", SECRETS["slack_webhook_url"], 0o640),
        "can be read by others than its owner",
        "chmod 600 alertmanager/secrets/slack_webhook_url",
    ),
    "empty": (lambda bundle: put(bundle, "slack_webhook_url", "\n"), "is empty", "remove the file"),
    "a key in place of an address": (
        lambda bundle: put(bundle, "slack_webhook_url", SECRETS["pagerduty_routing_key"]),
        "slack_webhook_url (32 characters) is not an address that begins with https://",
        "copy it again",
    ),
    "an address that anybody on the way reads": (
        lambda bundle: put(bundle, "slack_webhook_url", "http://hooks.example.com/services/secret"),
        "is not an address that begins with https://",
        "copy it again",
    ),
    "a key with spaces": (
        lambda bundle: put(bundle, "pagerduty_routing_key", "R0123456789ABCDEF ABCDEF"),
        "pagerduty_routing_key (24 characters) is not a key",
        "copy it again",
    ),
    "a key in quotes": (
        lambda bundle: put(bundle, "pagerduty_routing_key", f'"{SECRETS["pagerduty_routing_key"]}"\n'),
        "pagerduty_routing_key (34 characters) is not a key",
        "without quotes",
    ),
    "an address in place of a key": (
        lambda bundle: put(bundle, "pagerduty_routing_key", SECRETS["slack_webhook_url"]),
        "is not a key",
        "copy it again",
    ),
    "typographic quotes": (
        lambda bundle: put(bundle, "pagerduty_routing_key", "“R0123456789ABCDEF”"),
        "not ASCII text",
        "without quotes",
    ),
    "a whole file": (
        lambda bundle: put(bundle, "pagerduty_routing_key", "x" * 5000),
        "more than 4096 bytes",
        "one line",
    ),
    "a directory": (
        lambda bundle: (bundle.root / "alertmanager/secrets/pagerduty_routing_key").mkdir(),
        "is not a file",
        "one line",
    ),
    "two receivers of one name": (
        lambda bundle: (
            put(bundle, "pagerduty_routing_key", SECRETS["pagerduty_routing_key"]),
            (bundle.root / "alertmanager/receivers/pagerduty.yml").rename(
                bundle.root / "alertmanager/receivers/default.yml"
            ),
        ),
        "alertmanager/alertmanager.yml has a receiver default too",
        "rename one of the two",
    ),
    "an alertmanager.yml without routes": (
        lambda bundle: (
            put(bundle, "pagerduty_routing_key", SECRETS["pagerduty_routing_key"]),
            (bundle.root / "alertmanager/alertmanager.yml").write_text("receivers: []\n"),
        ),
        "alertmanager/alertmanager.yml has no route",
        "route and receivers",
    ),
    "a file without its secret": (
        lambda bundle: (bundle.root / "alertmanager/receivers/slack.yml").write_text("route: {}\n"),
        "alertmanager/receivers/slack.yml: not the three keys secret, route and receiver",
        "compare it",
    ),
    "two files with one secret": (
        lambda bundle: shutil.copy(
            bundle.root / "alertmanager/receivers/slack.yml", bundle.root / "alertmanager/receivers/z.yml"
        ),
        "alertmanager/receivers/z.yml: slack.yml has the secret slack_webhook_url too",
        "give each its own",
    ),
    "a secret outside of the directory": (
        lambda bundle: (bundle.root / "alertmanager/receivers/slack.yml").write_text(
            "{secret: ../x, route: {}, receiver: {}}\n"
        ),
        "alertmanager/receivers/slack.yml: secret: invalid name of a file: '../x'",
        "small letters",
    ),
    "broken YAML": (
        lambda bundle: (bundle.root / "alertmanager/receivers/slack.yml").write_text("a: [\n"),
        "alertmanager/receivers/slack.yml:",
        "close the bracket",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_one_error_without_the_secret(
    shipped: Instance, case: tuple[Callable[[Instance], object], str, str]
) -> None:
    change, error, fix = case
    change(shipped)
    with pytest.raises(StackError) as raised:
        receivers.joined(shipped)
    assert error in str(raised.value)
    assert fix in (raised.value.fix or "")
    said = f"{raised.value} {raised.value.fix}"
    assert not any(value in said for value in SECRETS.values())


def test_an_alertmanager_before_0_28_gets_the_others(shipped: Instance, tmp_path: Path) -> None:
    for name, value in SECRETS.items():
        put(shipped, name, value)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(tree_of(receivers.joined(shipped))))
    assert rendering.fit_alertmanager(path, (0, 28, 0)) == []
    assert rendering.fit_alertmanager(path, (0, 27, 9)) == ["microsoft-teams"]
    tree = yaml.safe_load(path.read_text())
    assert "microsoft-teams" not in str(tree)
    assert {"pagerduty", "slack"} < {each["receiver"] for each in tree["route"]["routes"]}
    assert len(tree["receivers"]) == 8 + 3
