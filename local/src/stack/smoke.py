"""Checks a running Grafana over its API: dashboards, datasource, alert rules, each panel's query, its log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack import panel_queries
from stack.envfile import PASSWORD
from stack.errors import StackError
from stack.grafana_api import Grafana, RefusedError
from stack.settings import Instance

_START = "Starting Grafana"
_LEVEL = re.compile(r"\b(?:level|lvl)=(?:error|eror|crit)\b|^(?:EROR|ERROR|CRIT)\[")
_PROVISIONING = re.compile(r"\blogger=\"?(?:provisioning|plugin)\b|\bprovision")
_MESSAGE = re.compile(r"\bmsg=\"((?:[^\"\\]|\\.)*)\"|\bmsg=(\S+)")
_CAUSE = re.compile(r"\b(?:error|err)=\"((?:[^\"\\]|\\.)*)\"|\b(?:error|err)=(\S+)")


_NO_DATA = "the first SLAs are measured 5 to 10 minutes after the start: make smoke then; else make ps"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what is fine, or what is wrong and what to do about it."""

    good: bool
    words: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What the files of the bundle say that Grafana has: files of dashboards, their folder, and alerting."""

    dashboards: tuple[Path, ...]
    folder: str
    datasource: str
    rules: tuple[str, ...]
    contact_points: tuple[str, ...]
    receiver: str


def of_stack(
    instance: Instance,
    running: Collection[str],
    log: Callable[[], Sequence[str]],
    tell: Callable[[Check], None],
) -> None:
    """Make all checks of a stack in which these services run. Raises StackError when one has failed."""
    if not running:
        raise StackError(f"the stack {instance.name} is not running", "make up")
    if "grafana" not in running:
        raise StackError(
            f"Grafana is not part of the stack {instance.name}: there is no program of that name here",
            "make doctor says how to have it; everything else runs without it",
        )
    failed = run(instance, log, tell)
    if failed:
        number = "a check has" if len(failed) == 1 else f"{len(failed)} checks have"
        raise StackError(f"{number} failed", failed[0].fix)


def run(instance: Instance, log: Callable[[], Sequence[str]], tell: Callable[[Check], None]) -> list[Check]:
    """Make all checks, telling each; return those that failed. `log` gives the lines of Grafana's log.

    Raises StackError when Grafana cannot be asked at all: it does not answer, or refuses the password.
    """
    password = instance.env[PASSWORD]
    if not password:
        raise StackError(f"{PASSWORD} is empty in {instance.env_file}", "make up makes one")
    grafana = Grafana(instance.env["GRAFANA_PORT"], password, instance.env_file.name)
    expected = provisioned(instance.root)
    failed = []
    for check in checks(grafana, expected, log):
        tell(check)
        if not check.good:
            failed.append(check)
    return failed


def checks(grafana: Grafana, expected: Provisioned, log: Callable[[], Sequence[str]]) -> Iterator[Check]:
    """Every check in the order in which one explains the next."""
    yield of_health(grafana)
    yield of_datasource(grafana, expected)
    served = []
    for file in expected.dashboards:
        check, dashboard = of_dashboard(grafana, expected, file)
        yield check
        if dashboard is not None:
            served.append(dashboard)
    yield from of_alerting(grafana, expected)
    for dashboard in served:
        yield from of_panels(grafana, dashboard, expected.datasource)
    yield from of_log(log())


def provisioned(root: Path) -> Provisioned:
    """What the bundle's own files say; StackError names one that is missing."""
    provisioning = root / "grafana" / "provisioning"
    alerting = [_yaml(file) for file in sorted((provisioning / "alerting").glob("*.yml"))]
    try:
        provider = _yaml(provisioning / "dashboards" / "insa.yml")["providers"][0]
        datasource = _yaml(provisioning / "datasources" / "prometheus.yml")["datasources"][0]
    except OSError as error:
        raise StackError(f"{error.filename} is missing", "take it from the bundle again") from error
    groups = [group for content in alerting for group in content.get("groups") or []]
    points = [point for content in alerting for point in content.get("contactPoints") or []]
    policies = [policy for content in alerting for policy in content.get("policies") or []]
    return Provisioned(
        dashboards=tuple(sorted((root / "grafana" / "dashboards" / "json").glob("*.json"))),
        folder=provider["folderUid"],
        datasource=datasource["uid"],
        rules=tuple(rule["uid"] for group in groups for rule in group["rules"]),
        contact_points=tuple(point["name"] for point in points),
        receiver=policies[0]["receiver"] if policies else "",
    )


def _yaml(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def of_health(grafana: Grafana) -> Check:
    """Grafana answers and reaches its database."""
    health = grafana.get("/api/health")
    state = health.get("database") if isinstance(health, dict) else None
    if state != "ok":
        return Check(
            good=False,
            words=f"Grafana's database: {state or 'not named'}",
            fix="make logs s=grafana says more",
        )
    return Check(
        good=True, words=f"Grafana {health.get('version', 'of unknown version')} answers, its database is ok"
    )


def of_datasource(grafana: Grafana, expected: Provisioned) -> Check:
    """The provisioned datasource is there, and reaches Prometheus."""
    uid = expected.datasource
    found = [each for each in grafana.get("/api/datasources") if each["uid"] == uid]
    if not found:
        return Check(
            good=False,
            words=f"there is no datasource {uid}",
            fix="make restart s=grafana, then make logs s=grafana: it says why it was not provisioned",
        )
    try:
        health = grafana.find(f"/api/datasources/uid/{uid}/health") or {}
    except RefusedError as error:
        health = {"message": error.message}
    if health.get("status") != "OK":
        reason = health.get("message") or "it does not say why"
        return Check(
            good=False,
            words=f"the datasource {uid} does not reach {found[0]['url']}: {reason}",
            fix="make ps shows whether prometheus runs",
        )
    return Check(good=True, words=f"datasource {uid}: {health['message']}")


def of_dashboard(grafana: Grafana, expected: Provisioned, file: Path) -> tuple[Check, dict[str, Any] | None]:
    """The dashboard of a file is served from its folder, with all its panels; and as it is served."""
    own = json.loads(file.read_text(encoding="utf-8"))
    answer = grafana.find(f"/api/dashboards/uid/{own['uid']}")
    again = "make restart s=grafana, then make logs s=grafana: it says why a dashboard was not loaded"
    if answer is None:
        return Check(good=False, words=f"dashboard {own['uid']} is missing", fix=again), None
    dashboard, meta = dict(answer["dashboard"]), answer["meta"]
    there = len([*panel_queries.panels(dashboard)])
    wanted = len([*panel_queries.panels(own)])
    name = f"dashboard {own['uid']} ({own['title']})"
    if meta.get("folderUid") != expected.folder:
        words = f"{name} is in the folder {meta.get('folderUid')!r}, not in {expected.folder!r}"
    elif not meta.get("provisioned"):
        words = f"{name} is not the provisioned one: somebody has saved another over it"
    elif there != wanted:
        words = f"{name} has {there} panels, and its file {wanted}"
    else:
        return Check(good=True, words=f"{name}: {there} panels"), dashboard
    return Check(good=False, words=words, fix=again), dashboard


def of_alerting(grafana: Grafana, expected: Provisioned) -> Iterator[Check]:
    """Rules, contact points and the policy are the provisioned ones, and no rule has an error."""
    again = "make restart s=grafana, then make logs s=grafana"
    uids = {rule["uid"] for rule in grafana.get("/api/v1/provisioning/alert-rules")}
    points = {point["name"] for point in grafana.get("/api/v1/provisioning/contact-points")}
    receiver = grafana.get("/api/v1/provisioning/policies").get("receiver")
    states = {rule["uid"]: rule for rule in _rules(grafana) if "uid" in rule}
    for uid in expected.rules:
        if uid not in uids:
            yield Check(good=False, words=f"alert rule {uid} is missing", fix=again)
        else:
            yield of_rule(uid, states.get(uid))
    missing = sorted(set(expected.contact_points) - points)
    if missing:
        yield Check(good=False, words=f"contact point {', '.join(missing)} is missing", fix=again)
    elif receiver != expected.receiver:
        yield Check(good=False, words=f"alerts go to {receiver}, not to {expected.receiver}", fix=again)
    else:
        yield Check(good=True, words=f"alerts go to {receiver}, the provisioned contact point")


def _rules(grafana: Grafana) -> list[dict[str, Any]]:
    groups = grafana.get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def of_rule(uid: str, rule: dict[str, Any] | None) -> Check:
    """The rule is evaluated without an error, and has something to evaluate."""
    if rule is None:
        return Check(
            good=False,
            words=f"alert rule {uid} is not evaluated",
            fix="Grafana evaluates it every minute: wait one, then make smoke; else make logs s=grafana",
        )
    health, name = rule.get("health"), f"alert rule {rule['name']}"
    if health == "ok":
        return Check(good=True, words=f"{name}: {rule['state']}")
    if health == "nodata":
        return Check(good=False, words=f"{name} has no data: {rule['query']}", fix=_NO_DATA)
    reason = rule.get("lastError") or "not evaluated yet"
    return Check(good=False, words=f"{name}: {reason}", fix="make logs s=grafana says more")


def of_panels(grafana: Grafana, dashboard: dict[str, Any], datasource: str) -> Iterator[Check]:
    """Each panel's queries return data; a panel of which none does is named, as is each query with an error.

    A query without data beside others that have some is no fault: a table has columns that may be empty.
    """
    asked = failed = 0
    for each in panel_queries.queries(dashboard, datasource):
        asked += len(each.expressions)
        try:
            results = grafana.query(each.body)
        except RefusedError as error:
            results = {ref: {"error": error.message} for ref in each.expressions}
        troubles = {ref: panel_queries.trouble(results.get(ref)) for ref in each.expressions}
        empty = all(trouble is not None for trouble in troubles.values())
        for ref, trouble in troubles.items():
            if trouble is None or (trouble == "no data" and not empty):
                continue
            failed += 1
            where = f"{dashboard['title']}, panel {each.panel} {each.title!r}, query {ref}"
            fix = _NO_DATA if trouble == "no data" else "correct the query in grafana/src/dashboards"
            yield Check(good=False, words=f"{where}: {trouble}: {each.expressions[ref]}", fix=fix)
    if not failed:
        words = f"{dashboard['title']}: {asked} queries answered, no panel without data"
        yield Check(good=bool(asked), words=words if asked else f"{dashboard['title']} asks nothing")


def of_log(lines: Sequence[str]) -> Iterator[Check]:
    """Grafana has logged no error about its provisioning since its last start."""
    start = max((number for number, line in enumerate(lines) if _START in line), default=0)
    newest = lines[start:]
    seen = dict.fromkeys(_said(line) for line in newest if _LEVEL.search(line) and _PROVISIONING.search(line))
    for words in seen:
        yield Check(
            good=False,
            words=f"Grafana's log: {words}",
            fix="correct what it names, then make restart s=grafana",
        )
    if not seen:
        yield Check(good=True, words="no error of provisioning in Grafana's log")


def _said(line: str) -> str:
    """The message of a line of the log, and its cause."""
    found = [
        next(filter(None, match.groups()), "") for each in (_MESSAGE, _CAUSE) if (match := each.search(line))
    ]
    return ": ".join(found) or line.strip()
