"""What lint asks the server itself: its alerting rules, and how long it keeps samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from sla_worker.lint.alerts import Alert
from sla_worker.prometheus import Pages, told

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_TIME = re.compile(rf"(?:{_PART.pattern})+")


def alerts(pages: Pages) -> list[Alert]:
    """The alerting rules, with the names of their files; none where an engine has no rules."""
    found = told(pages, "/api/v1/rules?type=alert")
    groups = found.get("groups") if isinstance(found, Mapping) else None
    return [
        Alert(
            str(rule["name"]), PurePosixPath(str(group.get("file", ""))).name or "rules", str(rule["query"])
        )
        for group in groups or ()
        for rule in group.get("rules") or ()
        if "name" in rule and "query" in rule
    ]


def kept_seconds(pages: Pages) -> float | None:
    """The retention by time; None where an engine does not tell, or keeps by size alone."""
    found = told(pages, "/api/v1/status/runtimeinfo")
    said = str(found.get("storageRetention", "")) if isinstance(found, Mapping) else ""
    for each in said.split(" or "):
        if _TIME.fullmatch(each):
            return sum(int(count) * _SECONDS[unit] for count, unit in _PART.findall(each)) or None
    return None
