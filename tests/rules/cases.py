"""Reads the cases of alerts, as README.md describes them, and makes unit tests of promtool from them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import re
from pathlib import Path
from typing import Any

import yaml

from compression.durations import parsed

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "prometheus" / "rules"
CASES = Path(__file__).parent / "cases"
STEP_SECONDS = 15
EXTERNAL_LABELS = {
    "grafana_url": "http://grafana.example.com",
    "sla_worker_url": "http://sla-worker.example.com",
}
KINDS = ("fires", "too_short", "at_threshold", "absent", "low_traffic", "reset", "quiet")
"""Of the cases that are written down; scrapes.py makes others."""
STATE = re.compile(r"(pending|firing|inactive) (\S+)")
TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
CHOICE = re.compile(r"\{\{ if .*?\{\{ end \}\}")
BRANCH = re.compile(r"\{\{ (?:else )?(?:if (.*?)|else) \}\}(.*?)(?=\{\{ (?:else|end))")

Timeline = list[tuple[int, str]]


@dataclasses.dataclass(frozen=True)
class Expected:
    """One alert of the name: its labels without `alertname`, and its states as written."""

    labels: dict[str, str]
    states: str

    def timeline(self, major: int) -> Timeline:
        """When (seconds) it takes which state, by major version of Prometheus; inactive before the first."""
        return _timeline(self.states, major)

    def at(self, seconds: int, major: int) -> str:
        """The state at a time."""
        return (["inactive"] + [state for time, state in self.timeline(major) if time <= seconds])[-1]

    def samples_in(self, state: str, end: int, major: int, every: int = STEP_SECONDS) -> int:
        """In how many evaluations, one `every` so many seconds up to the end, it is in the state."""
        changes = [*self.timeline(major), (end + every, "")]
        spans = [
            range(since, until, every)
            for (since, each), (until, _) in itertools.pairwise(changes)
            if each == state
        ]
        return sum(len(span) for span in spans)


@functools.cache
def _timeline(states: str, major: int) -> Timeline:
    changes: Timeline = []
    for state, times in STATE.findall(states):
        time = times.rstrip(",").split("/")[-1 if major < 3 else 0]
        changes.append((int(parsed(time).total_seconds()), state))
    assert changes, f"no states in {states!r}"
    assert changes == sorted(changes), f"{states!r} does not go forward in time"
    return changes


@dataclasses.dataclass(frozen=True)
class Case:
    """What an alert does with some series; nothing at all when `expected` is empty.

    `every_seconds` is between two evaluations, the samples of the series are a step apart in any case.
    """

    alert: str
    name: str
    kind: str
    series: dict[str, str]
    expected: tuple[Expected, ...]
    says: dict[str, str]
    checks_annotations: bool
    says_at: dict[str, dict[str, str]]
    every_seconds: int = STEP_SECONDS

    @property
    def end_seconds(self) -> int:
        """When the last series ends."""
        return max(_samples(values) for values in self.series.values()) * STEP_SECONDS - STEP_SECONDS

    @property
    def evaluations(self) -> int:
        """How often its rules are evaluated."""
        return self.end_seconds // self.every_seconds + 1


def _samples(values: str) -> int:
    """How many samples a series in promtool's notation has."""
    count = 0
    for item in values.split():
        times = re.search(r"x(\d+)$", item)
        count += 1 if times is None else int(times.group(1)) + (0 if item.startswith("_") else 1)
    return count


@dataclasses.dataclass(frozen=True)
class Shipped:
    """An alert as it is shipped: its rule and the file in which it stands."""

    rule: dict[str, Any]
    file: Path


@functools.cache
def shipped_alerts() -> dict[str, Shipped]:
    """Every alert of the rule files, by name."""
    return _shipped("alert")


@functools.cache
def shipped_records() -> dict[str, Shipped]:
    """Every record of the rule files, by name."""
    return _shipped("record")


def _shipped(kind: str) -> dict[str, Shipped]:
    found: dict[str, Shipped] = {}
    for path in sorted(RULES.rglob("*.yml")):
        for rule in _rules_of(path):
            if kind in rule:
                assert rule[kind] not in found, f"{rule[kind]} stands twice in prometheus/rules"
                found[rule[kind]] = Shipped(rule, path)
    return found


def _rules_of(path: Path) -> list[dict[str, Any]]:
    """The rules of all groups of a file, in their order."""
    return [rule for group in _yaml(path.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


@functools.cache
def _yaml(text: str) -> Any:
    """Read once, and by libyaml where it is there: some files are read for each of their alerts."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a SafeLoader too


def beside(shipped: Shipped) -> list[dict[str, Any]]:
    """The other rules of the file that the alert reads: records, and if it reads alerts, all of these."""
    rules = _rules_of(shipped.file)
    reads_alerts = "ALERTS" in shipped.rule["expr"]
    read = [shipped.rule, *(rule for rule in rules if reads_alerts and "alert" in rule)]
    for rule in read:  # grows: a record may read another one
        read += [each for each in rules if each.get("record", "ALERTS") in rule["expr"] and each not in read]
    return [rule for rule in rules if rule in read and rule.get("alert") != shipped.rule["alert"]]


@functools.cache
def written_cases() -> tuple[Case, ...]:
    """Every case of every file; scrapes.py makes more of them."""
    cases: list[Case] = []
    for path in sorted(CASES.glob("*.yml")):
        for alert, entry in _yaml(path.read_text(encoding="utf-8")).items():
            cases += _cases_of(alert, entry)
    return tuple(cases)


def _cases_of(alert: str, entry: dict[str, Any]) -> list[Case]:
    cases: list[Case] = []
    for raw in entry["cases"]:
        assert set(raw) <= {"name", "kind", "series", "expect", "says", "says_at", "every"}, (
            f"{alert}: unknown keys in {raw}"
        )
        kind = raw["kind"]
        assert kind in KINDS, f"{alert}: {kind!r} is none of {', '.join(KINDS)}"
        expected = tuple(
            Expected(entry["labels"] | each["labels"], each["states"]) for each in raw.get("expect", [])
        )
        says = raw.get("says", {})
        first = all(case.kind != "fires" for case in cases)
        checks_annotations = kind == "fires" and (first or bool(says))
        for selector, values in raw["series"].items():
            assert isinstance(values, str), (
                f"{alert}: put the values of {selector} in quotes, YAML reads {values!r}"
            )
        later = raw.get("says_at", {})
        every = int(parsed(raw.get("every", f"{STEP_SECONDS}s")).total_seconds())
        cases.append(
            Case(alert, raw["name"], kind, raw["series"], expected, says, checks_annotations, later, every)
        )
    return cases


def promtool_test(case: Case, major: int, name: str = "") -> dict[str, Any]:
    """The case as a test group of promtool. `name`: under which the alert is evaluated, if not its own."""
    name = name or case.alert
    group: dict[str, Any] = {
        "name": f"{case.alert}: {case.name}",
        "interval": f"{STEP_SECONDS}s",
        "external_labels": EXTERNAL_LABELS,
        "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
        "promql_expr_test": _state_checks(case, major, name) + _count_checks(case, major, name),
    }
    if case.checks_annotations:
        first = min(
            when for each in case.expected for when, state in each.timeline(major) if state == "firing"
        )
        group["alert_rule_test"] = [_annotation_check(case, major, name, first, case.says)]
    for time, says in case.says_at.items():
        seconds = int(parsed(time).total_seconds())
        checks = group.setdefault("alert_rule_test", [])
        checks.append(_annotation_check(case, major, name, seconds, says))
    return group


def _state_checks(case: Case, major: int, name: str) -> list[dict[str, Any]]:
    """At every change, one evaluation before it, and at the end: exactly the alerts that must be there."""
    times = {case.end_seconds}
    for expected in case.expected:
        for time, _ in expected.timeline(major):
            times |= {time, time - case.every_seconds} if time else {time}
    assert not [time for time in times if time % case.every_seconds], (
        f"{case.alert}: {case.name}: a change or the end lies between two evaluations"
    )
    assert max(times) == case.end_seconds, f"{case.alert}: {case.name}: the series end before the last change"
    checks = []
    for time in sorted(times):
        states = [(expected.labels, expected.at(time, major)) for expected in case.expected]
        present = [(labels | {"alertstate": state}, 1) for labels, state in states if state != "inactive"]
        checks.append(_check(f'ALERTS{{alertname="{name}"}}', time, "ALERTS", name, present))
    return checks


def _count_checks(case: Case, major: int, name: str) -> list[dict[str, Any]]:
    """How many samples each alert was pending and firing, over the whole time."""
    checks = []
    for state in ("pending", "firing"):
        counts = [
            (each.labels, each.samples_in(state, case.end_seconds, major, case.every_seconds))
            for each in case.expected
        ]
        present = [(labels | {"alertstate": state}, count) for labels, count in counts if count]
        expression = f'count_over_time(ALERTS{{alertname="{name}",alertstate="{state}"}}[7d])'
        checks.append(_check(expression, case.end_seconds, "", name, present))
    return checks


def _check(
    expression: str, time: int, metric: str, alert: str, present: list[tuple[dict[str, str], int]]
) -> dict[str, Any]:
    samples = []
    for labels, value in present:
        pairs = ",".join(f"{key}={json.dumps(text)}" for key, text in (labels | {"alertname": alert}).items())
        samples.append({"labels": f"{metric}{{{pairs}}}", "value": value})
    return {"expr": expression, "eval_time": f"{time}s", "exp_samples": samples}


def _annotation_check(case: Case, major: int, name: str, time: int, says: dict[str, str]) -> dict[str, Any]:
    """At a moment (seconds) at which the alert fires: its labels and its annotations, whole."""
    annotations = shipped_alerts()[case.alert].rule["annotations"]
    alerts = [
        {
            "exp_labels": each.labels,
            "exp_annotations": {key: _filled(text, each.labels, says) for key, text in annotations.items()},
        }
        for each in case.expected
        if each.at(time, major) == "firing"
    ]
    return {"eval_time": f"{time}s", "alertname": name, "exp_alerts": alerts}


def _filled(text: str, labels: dict[str, str], says: dict[str, str]) -> str:
    """An annotation with the values of this case in the place of its templates."""
    known = {f"$labels.{name}": value for name, value in labels.items()}
    known |= {f"$externalLabels.{name}": value for name, value in EXTERNAL_LABELS.items()}
    known |= says
    text = CHOICE.sub(lambda match: _chosen(match.group(), says), text)

    def fill(match: re.Match[str]) -> str:
        action = match.group(1)
        assert action in known, f"`says` must tell what {action!r} becomes in {text!r}"
        return known[action]

    return TEMPLATE.sub(fill, text)


def _chosen(choice: str, says: dict[str, str]) -> str:
    """The branch of `{{ if A }}…{{ else if B }}…{{ else }}…{{ end }}` that `says` names, or else."""
    branches = BRANCH.findall(choice)
    return next((text for condition, text in branches if not condition or condition in says), "")
