"""What the rules would have recorded in the past: asked of a running Prometheus that holds the samples.

`promtool tsdb create-blocks-from rules` leaves alerts out; these are the same questions, with their `for`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack import alert_rules
from stack.errors import StackError

STEP_SECONDS = 60
_MOST_STEPS = 10_000
"""Prometheus answers 11,000 at once."""
_ANSWER_SECONDS = 120
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d+)([smhd])")
# Without proxies: Prometheus is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

Labels = Mapping[str, str]
Series = tuple[Labels, Sequence[tuple[int, str]]]
"""Labels, and each moment with its value as Prometheus writes it."""
Ask = Callable[[str, int, int], Iterable[Series]]
"""An expression over the steps from a moment to another one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `record` or `alert` is its name, the other one is empty."""

    expr: str
    record: str = ""
    alert: str = ""
    for_seconds: int = 0
    labels: tuple[tuple[str, str], ...] = ()


def rules(directory: Path) -> list[Rule]:
    """The rules in a directory's files, in their order; not those in directories below it."""
    return [
        Rule(
            rule["expr"],
            rule.get("record", ""),
            rule.get("alert", ""),
            sum(int(number) * _UNITS[unit] for number, unit in _DURATION.findall(str(rule.get("for", "")))),
            tuple(rule.get("labels", {}).items()),
        )
        for path in sorted(directory.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def recorded(ask: Ask, found: Iterable[Rule], start: int, end: int) -> Iterator[str]:
    """The samples of the recording rules from a moment to another one, as OpenMetrics."""
    for rule in found:
        for labels, samples in _in_parts(ask, rule.expr, start, end) if rule.record else ():
            name = _name(rule.record, {**labels, **dict(rule.labels)})
            for moment, value in samples:
                yield f"{name} {value} {moment}\n"


def alerts(ask: Ask, found: Iterable[Rule], start: int, end: int) -> Iterator[str]:
    """ALERTS and ALERTS_FOR_STATE of the alerting rules, as OpenMetrics; none is taken to last at the start.

    One that waits for its `for` is pending, as Prometheus records it.
    """
    for rule in found:
        lasting: dict[str, tuple[int, int]] = {}
        """By series: when it began to be true, and when it was last."""
        for labels, samples in _in_parts(ask, rule.expr, start, end) if rule.alert else ():
            own = {**labels, **alert_rules.labels_of(dict(rule.labels), labels), "alertname": rule.alert}
            since = _name("ALERTS_FOR_STATE", own)
            began, last = lasting.get(since, (0, 0))
            for moment, _ in samples:
                began, last = moment if moment - last > STEP_SECONDS else began, moment
                state = "firing" if moment - began >= rule.for_seconds else "pending"
                yield f"{_name('ALERTS', {**own, 'alertstate': state})} 1 {moment}\n"
                yield f"{since} {began} {moment}\n"
            lasting[since] = began, last


def _in_parts(ask: Ask, expr: str, start: int, end: int) -> Iterator[Series]:
    for first in range(start, end + 1, _MOST_STEPS * STEP_SECONDS):
        yield from ask(expr, first, min(end, first + (_MOST_STEPS - 1) * STEP_SECONDS))


def _name(metric: str, labels: Labels) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")

    inside = ",".join(f'{name}="{escaped(labels[name])}"' for name in sorted(labels) if name != "__name__")
    return f"{metric}{{{inside}}}"


def asking(url: str) -> Ask:
    """Asks the Prometheus of that address. Raises StackError when it refuses."""

    def ask(expr: str, start: int, end: int) -> Iterable[Series]:
        words = {"query": expr, "start": start, "end": end, "step": STEP_SECONDS}
        for each in _answer(f"{url}/api/v1/query_range", words):
            yield each["metric"], [(int(moment), value) for moment, value in each["values"]]

    return ask


def holds(url: str, expr: str, moment: int) -> bool:
    """Whether the Prometheus of that address has any series of an expression at a moment."""
    return bool(_answer(f"{url}/api/v1/query", {"query": expr, "time": moment}))


def _answer(url: str, words: Mapping[str, object]) -> list[dict[str, Any]]:
    data = urllib.parse.urlencode(dict(words)).encode()
    try:
        with _OPENER.open(url, data, timeout=_ANSWER_SECONDS) as answer:
            found = json.load(answer)["data"]["result"]
    except OSError as error:
        said = (
            error.read().decode("utf-8", "replace")[:200] if isinstance(error, urllib.error.HTTPError) else ""
        )
        raise StackError(f"Prometheus did not answer {words['query']!r}: {said or error}") from error
    return list(found)


def spans(
    incidents: Iterable[Mapping[str, int | None]], begin: int, end: int, *, after_seconds: int
) -> list[tuple[int, int]]:
    """The times around incidents in which alerts may fire, ascending and apart, within a month."""
    found: list[tuple[int, int]] = []
    for each in sorted(incidents, key=lambda one: one["begin"] or 0):
        first = max((each["begin"] or begin) - 5 * STEP_SECONDS, begin)
        last = min((each["end"] or end) + after_seconds, end)
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found


def iso(moment: int) -> str:
    """A moment as the sla-worker's commands take it."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat()
