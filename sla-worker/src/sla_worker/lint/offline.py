"""What can be seen in the file alone, though each SLA by itself is right."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from sla_worker.definitions.slas import Read
from sla_worker.lint.finding import ERROR, WARNING, Finding
from sla_worker.model import Comparison, Definition


def advise(read: Read, today: datetime.date) -> Iterator[Finding]:
    """Findings in the order of the file."""
    enabled = [each for each in read.definitions if each.enabled]
    for each in enabled:
        yield from _same_series(read, each)
        yield from _always_met(read, each)
        yield from _counted_twice(read, each, enabled)
        yield from _past_holidays(read, each, today)


def _same_series(read: Read, definition: Definition) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for each in definition.sli.inputs:
        before = seen.setdefault(str(each.selector), each.key)
        if before != each.key:
            yield Finding(
                ERROR,
                read.place(definition.key, f"sli.{each.key}"),
                f"SLA {definition.key}: {each.key} and {before} are the same series: {each.selector}",
                f"narrow {each.key} down with a label",
            )


def _always_met(read: Read, definition: Definition) -> Iterator[Finding]:
    edge = {Comparison.AT_LEAST: 0.0, Comparison.AT_MOST: 1.0}[definition.comparison]
    if definition.unit == "ratio" and definition.target == edge:
        yield Finding(
            WARNING,
            read.place(definition.key, "target"),
            f"SLA {definition.key}: target {definition.comparison} {definition.target:g} is always met",
            "turn `comparison` round, or give another target",
        )


def _counted_twice(read: Read, definition: Definition, enabled: list[Definition]) -> Iterator[Finding]:
    categories = {each.category for each in definition.sli.members if each.category}
    of = {each.key: each.category for each in enabled}
    for member in definition.sli.members:
        if member.sla and of.get(member.sla) in categories:
            yield Finding(
                WARNING,
                read.place(definition.key, "sli.members"),
                f"SLA {definition.key}: {member.sla} counts twice, in {of[member.sla]} too",
                "leave one of the two out, unless it should weigh more",
            )


def _past_holidays(read: Read, definition: Definition, today: datetime.date) -> Iterator[Finding]:
    hours = definition.policy.service_hours
    if hours is None or not hours.holidays or max(hours.holidays) >= today:
        return
    yield Finding(
        WARNING,
        read.place(definition.key, "service_hours"),
        f"SLA {definition.key}: its last holiday, {max(hours.holidays)}, is over",
        "add those of the next year",
    )
