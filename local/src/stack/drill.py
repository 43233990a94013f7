"""A fire drill: gives an alert of the bundle to the running Alertmanager and follows it to its receivers.

It carries the labels of the real one and `drill="true"`, which keeps it from muting anything and in groups of
its own, and it ends by itself. It proves the way from Alertmanager to the receivers, and nothing before that.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from typing import Any

import yaml

from stack import alert_rules
from stack.alert_rules import AlertRule
from stack.errors import StackError
from stack.settings import Instance

_ANSWER_SECONDS = 10
_POLL_SECONDS = 0.5
_SLACK_SECONDS = 15.0
_NEWEST = 250
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
# Without proxies: everything asked is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Target:
    """One way out of a receiver: a mail address, or a webhook."""

    receiver: str
    address: str
    mail: bool


def run(instance: Instance, name: str, seconds: int, tell: Callable[[str], None]) -> bool:
    """Drill one alert for so many seconds; return whether all that can be looked at has arrived.

    Raises StackError when the alert is unknown or always fires, Alertmanager does not answer or mutes it, or
    `seconds` are too few for its routes.
    """
    directory = instance.path(instance.env["PROMETHEUS_CONFIG_DIR"])
    rule = alert_rules.pick(alert_rules.load(directory), name)
    _refuse_what_always_fires(rule)
    alertmanager = _url(instance, "ALERTMANAGER_PORT")
    config = _config(alertmanager)
    waits = max(_waits(config["route"]), default=30.0)
    if seconds <= waits:
        raise StackError(
            f"SECONDS={seconds} is too short: Alertmanager waits up to {waits:g} s before it notifies",
            f"make drill ALERT={name} SECONDS={int(waits) + 30}",
        )
    began = time.time()
    alert = _alert(instance, rule, seconds)
    _ask(f"{alertmanager}/api/v2/alerts", [alert])
    targets = _targets(config, _receivers(alertmanager, alert["labels"]))
    tell(f"{name}: {alert['annotations']['summary']}")
    tell(f"it ends by itself after {seconds} s and reaches:")
    for target in targets:
        tell(f"  {target.receiver}: {target.address}")
    patience = waits + _SLACK_SECONDS
    return _follow(instance, alert, targets, began=began, patience_seconds=patience, tell=tell)


def _refuse_what_always_fires(rule: AlertRule) -> None:
    """Raise StackError for an alert like Watchdog, whose arrival must prove that Prometheus sent it."""
    if rule.labels.get("severity") == "none":
        raise StackError(
            f"{rule.name} cannot be drilled: its arrival proves that Prometheus reaches Alertmanager, and a "
            "drill starts at Alertmanager",
            "make drill ALERT=WorkerUnhealthy, or another; to see this one missed, stop Prometheus: "
            f"runbooks/{rule.name}.md",
        )


def _url(instance: Instance, variable: str) -> str:
    return f"http://127.0.0.1:{instance.env[variable]}"


def _ask(url: str, body: object = None) -> Any:
    """The JSON at a URL, None for an empty answer; StackError when it cannot be had."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310  # ours
    try:
        with _OPENER.open(request, timeout=_ANSWER_SECONDS) as answer:
            text = answer.read()
    except (OSError, ValueError) as error:
        words = (
            error.read(300).decode("utf-8", "replace") if isinstance(error, urllib.error.HTTPError) else error
        )
        raise StackError(f"{url} does not answer as expected: {words}", "make ps shows what runs") from error
    return json.loads(text) if text.strip() else None


def _config(alertmanager: str) -> dict[str, Any]:
    """The configuration that Alertmanager runs with now."""
    found = yaml.safe_load(_ask(f"{alertmanager}/api/v2/status")["config"]["original"])
    return dict(found)


def _waits(route: Mapping[str, Any]) -> Iterator[float]:
    """The group_wait of a route and of all below it, in seconds."""
    if "group_wait" in route:
        yield sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(str(route["group_wait"])))
    for child in route.get("routes") or []:
        yield from _waits(child)


def _alert(instance: Instance, rule: AlertRule, seconds: int) -> dict[str, Any]:
    """The drill as Prometheus would send it."""
    external = {
        "grafana_url": _public_url(instance, "GRAFANA"),
        "sla_worker_url": _public_url(instance, "SLA_WORKER"),
    }
    now = datetime.now(UTC)
    expression = urllib.parse.quote_plus(rule.expression)
    return rule.rehearsed(_series(instance, rule), external) | {
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=seconds)).isoformat(),
        "generatorURL": f"{_public_url(instance, 'PROMETHEUS')}/graph?g0.expr={expression}&g0.tab=1",
    }


def _public_url(instance: Instance, service: str) -> str:
    """Where readers of a mail reach a service, as docker-compose.yml has it."""
    return instance.env[f"{service}_PUBLIC_URL"] or f"http://localhost:{instance.env[f'{service}_PORT']}"


def _series(instance: Instance, rule: AlertRule) -> dict[str, str]:
    """Labels of a real series that the rule looks at, as far as its texts name them.

    What Prometheus does not know gets a made-up value.
    """
    wanted = rule.asked_labels - rule.optional_labels
    query = urllib.parse.urlencode({"match[]": f'{{__name__=~"{"|".join(sorted(rule.words))}"}}'})
    try:
        found: list[dict[str, str]] = _ask(f"{_url(instance, 'PROMETHEUS_PORT')}/api/v1/series?{query}")[
            "data"
        ]
    except StackError:
        found = []
    best = max(found, key=lambda labels: len(wanted & labels.keys()), default=dict[str, str]())
    known = {name: best[name] for name in sorted(rule.optional_labels & best.keys())}
    return known | {name: best.get(name, f"drill-{name}") for name in sorted(wanted)}


def _receivers(alertmanager: str, labels: Mapping[str, str]) -> list[str]:
    """The receivers that Alertmanager has chosen for the alert; StackError when it mutes it."""
    matchers = [("filter", f'{name}="{_quoted(value)}"') for name, value in labels.items()]
    query = urllib.parse.urlencode(matchers)
    deadline = time.monotonic() + _ANSWER_SECONDS
    while not (found := _ask(f"{alertmanager}/api/v2/alerts?{query}")):
        if time.monotonic() > deadline:
            raise StackError(
                "Alertmanager accepted the drill and does not show it", "make logs s=alertmanager"
            )
        time.sleep(_POLL_SECONDS)
    status = found[0]["status"]
    for why, word in (("silencedBy", "a silence"), ("inhibitedBy", "another alert, which mutes it")):
        if status.get(why):
            raise StackError(f"the drill reaches nobody: there is {word}", f"see {alertmanager}/#/alerts")
    return [receiver["name"] for receiver in found[0]["receivers"]]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _targets(config: Mapping[str, Any], receivers: list[str]) -> list[Target]:
    found = []
    for receiver in config["receivers"]:
        if receiver["name"] in receivers:
            name = receiver["name"]
            found += [Target(name, each["to"], mail=True) for each in receiver.get("email_configs") or []]
            # Alertmanager shows no URL of a webhook: it may hold a secret.
            found += [Target(name, "webhook", mail=False) for _ in receiver.get("webhook_configs") or []]
    return found


def _follow(
    instance: Instance,
    alert: Mapping[str, Any],
    targets: list[Target],
    *,
    began: float,
    patience_seconds: float,
    tell: Callable[[str], None],
) -> bool:
    """Wait until all targets that can be looked at are notified, and say when each was."""
    looks = {True: ("MailHog", _mailed), False: ("the sla-worker", _stored)}
    missing = list(targets)
    for is_mail, (who, look) in looks.items():
        try:
            look(instance, alert, began)
        except StackError as error:
            tell(f"{who} cannot be asked what has arrived: {error.message}")
            missing = [target for target in missing if target.mail is not is_mail]
    deadline = began + patience_seconds
    while missing and time.time() < deadline:
        time.sleep(_POLL_SECONDS)
        for target in list(missing):
            reached = looks[target.mail][1](instance, alert, began)
            if target.address in reached or target.receiver in reached:
                tell(f"✓ {target.receiver}: {target.address} after {time.time() - began:.0f} s")
                missing.remove(target)
    for target in missing:
        tell(f"✗ {target.receiver}: {target.address}: nothing after {patience_seconds:.0f} s")
    if missing:
        tell("if it was drilled a moment ago: Alertmanager reports the end of that first, after up to 5m")
    return not missing


def _mailed(instance: Instance, alert: Mapping[str, Any], began: float) -> set[str]:
    """The addresses that have received the mail of the drill."""
    found = _ask(f"{_url(instance, 'MAILHOG_PORT')}/api/v2/messages?limit={_NEWEST}")["items"]
    reached: set[str] = set()
    for item in found:
        if datetime.fromisoformat(item["Created"]).timestamp() >= began - 1 and _is_about(item, alert):
            reached.update(item["Raw"]["To"])
    return reached


def _is_about(item: Mapping[str, Any], alert: Mapping[str, Any]) -> bool:
    message = message_from_string(item["Raw"]["Data"], policy=policy.default)
    part = message.get_body(("plain", "html"))
    subject, text = str(message["Subject"]), "" if part is None else str(part.get_content())
    return alert["labels"]["alertname"] in subject and alert["annotations"]["summary"].split()[0] in text


def _stored(instance: Instance, alert: Mapping[str, Any], began: float) -> set[str]:
    """The receivers whose webhook the sla-worker has stored for the drill."""
    found = _ask(f"{_url(instance, 'SLA_WORKER_PORT')}/api/alerts?limit={_NEWEST}")["alerts"]
    return {
        each["receiver"]
        for each in found
        if each["labels"] == alert["labels"]
        and each["received_at"] >= int(began)
        and each["status"] == "firing"
    }
