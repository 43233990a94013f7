"""The alerts that the rule files define, and one of them as Prometheus would send it."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack.errors import StackError

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_LABEL = re.compile(r"\$labels\.(\w+)")
_OR_ELSE = re.compile(r'or \$labels\.(\w+) "([^"\\]*)"')
_EXTERNAL = re.compile(r"\$externalLabels\.(\w+)")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MARK = "[DRILL] "
_WHERE = "each alert has a page in runbooks/"
VALUE = "(the value)"
"""What stands in a drill where the rule would say its value."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alerting rule as written."""

    name: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def asked_labels(self) -> frozenset[str]:
        """The labels of its series that its texts name."""
        return frozenset(_LABEL.findall(" ".join([*self.annotations.values(), *self.labels.values()])))

    @property
    def optional_labels(self) -> frozenset[str]:
        """Those of them that a series may lack, because the rule says what stands in their place."""
        return frozenset(name for text in self.labels.values() for name, _ in _OR_ELSE.findall(text))

    @property
    def words(self) -> frozenset[str]:
        """All names in its expression: those of metrics, and of functions and labels too."""
        return frozenset(_NAME.findall(self.expression))

    def rehearsed(self, series: Mapping[str, str], external: Mapping[str, str]) -> dict[str, Any]:
        """Labels and annotations of a drill, in the form of Alertmanager's API.

        `series` are the labels of the thing that it is about, `external` the addresses for its links.
        """

        def said(text: str) -> str:
            return _ACTION.sub(lambda match: _said(match[1], series, external), text)

        labels = labels_of(self.labels, series)
        annotations = {name: said(text) for name, text in self.annotations.items()}
        annotations["summary"] = _MARK + annotations.get("summary", self.name)
        return {
            "labels": dict(series) | labels | {"alertname": self.name, "drill": "true"},
            "annotations": annotations,
        }


def labels_of(labels: Mapping[str, str], series: Mapping[str, str]) -> dict[str, str]:
    """The labels of a rule as Prometheus gives them to an alert about a series."""
    return {
        name: _ACTION.sub(lambda match: _said(match[1], series, {}), text) for name, text in labels.items()
    }


def _said(action: str, series: Mapping[str, str], external: Mapping[str, str]) -> str:
    """What a template's action becomes: a label, an address, or else the place of the value."""
    if match := _LABEL.match(action):
        return series.get(match[1], "")
    if match := _OR_ELSE.fullmatch(action):
        return series.get(match[1]) or match[2]
    if match := _EXTERNAL.match(action):
        return external.get(match[1], "")
    return VALUE


def load(directory: Path) -> dict[str, AlertRule]:
    """The alerting rules of a directory that holds prometheus.yml, by name.

    Raises StackError for files that cannot be read.
    """
    found = {}
    try:
        config = yaml.safe_load((directory / "prometheus.yml").read_text(encoding="utf-8")) or {}
        patterns = [each for each in config.get("rule_files") or [] if each]
        paths = {directory / found for each in patterns for found in glob.glob(each, root_dir=directory)}  # noqa: PTH207  # pathlib refuses **.yml
        for path in sorted(paths):
            for group in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("groups") or []:
                for rule in group.get("rules") or []:
                    if "alert" in rule:
                        found[rule["alert"]] = _rule(rule)
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StackError(
            f"the rules in {directory} cannot be read: {error}", "make check names the file and the line"
        ) from error
    return found


def _rule(tree: dict[str, Any]) -> AlertRule:
    return AlertRule(
        name=tree["alert"],
        expression=str(tree["expr"]),
        labels=tree.get("labels") or {},
        annotations=tree.get("annotations") or {},
    )


def pick(rules: Mapping[str, AlertRule], name: str) -> AlertRule:
    """The rule of a name; StackError with near names when there is none."""
    if name in rules:
        return rules[name]
    if not name:
        raise StackError("no alert was named", f"make drill ALERT=WorkerUnhealthy, or another: {_WHERE}")
    by_small = {known.lower(): known for known in rules}
    near = [by_small[each] for each in difflib.get_close_matches(name.lower(), by_small, n=3, cutoff=0.5)]
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise StackError(f"no alert is called {name!r}", f"{meant}{_WHERE}")
