"""The policy of an SLA, its service hours and the holidays, from the file of definitions."""

from __future__ import annotations

import datetime
import difflib
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import replace

import yaml

from sla_worker.definitions.complaints import Complaints
from sla_worker.definitions.credits import read_credits
from sla_worker.definitions.yaml_map import YamlMap, is_text, shown
from sla_worker.grid import Grid
from sla_worker.model import WINDOWS, Maintenance, NewSeries, NoData, Policy, ServiceHours
from sla_worker.service_hours import off_the_grid

KEYS = (
    "minimum_events",
    "no_data",
    "maintenance",
    "breach_after",
    "recover_after",
    "service_hours",
    "windows",
    "public",
    "new_series",
    "credits",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "always"
_MOST_SLOTS = 2016  # a week of slots of five minutes
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_LAST_MINUTE = 24 * 60

Holidays = Mapping[str, frozenset[datetime.date]]


def read_policy(source: YamlMap, base: Policy, holidays: Holidays, grid: Grid | None) -> Policy:
    """The policy that a mapping gives; what it does not name is that of `base`."""
    found: dict[str, object] = {}
    if source.has("minimum_events"):
        found["minimum_events"] = source.number(
            "minimum_events", lambda value: value > 0, "give a number above 0"
        )
    for key, words in (("no_data", NoData), ("maintenance", Maintenance), ("new_series", NewSeries)):
        if source.has(key):
            word = source.choice(key, tuple(words))
            found[key] = words(word) if word else getattr(base, key)
    for key in ("breach_after", "recover_after"):
        if source.has(key):
            found[key] = source.whole(key, 1, _MOST_SLOTS)
    if source.has("windows"):
        found["windows"] = source.words(
            "windows", WINDOWS.__contains__, f"give a list of some of {', '.join(WINDOWS)}"
        )
    if source.has("public"):
        found["public"] = source.flag("public")
    if source.has("credits"):
        found["credits"], found["credit_terms"] = read_credits(source)
    if source.has("service_hours"):
        found["service_hours"] = _service_hours(source, holidays, grid)
    return replace(base, **found)  # type: ignore[arg-type]  # each value is of its field's type


def _service_hours(source: YamlMap, holidays: Holidays, grid: Grid | None) -> ServiceHours | None:
    node = source.node_of("service_hours")
    if node is None or (is_text(node) and node.value == ALWAYS):
        return None
    if not isinstance(node, yaml.MappingNode):
        source.fail(node, "service_hours", f"give {ALWAYS}, or days, from, to and timezone")
        return None
    before = len(source.complaints)
    hours = YamlMap(source.complaints, node, f"{source.what}: service_hours")
    hours.allow("days", "from", "to", "timezone", "holidays")
    made = ServiceHours(
        days=_days(hours),
        from_minute=_minute(hours, "from"),
        to_minute=_minute(hours, "to"),
        timezone=hours.parsed("timezone", _timezone, "UTC", "give a name like Europe/Berlin"),
        holidays=_named_holidays(hours, holidays) if hours.has("holidays") else frozenset(),
    )
    if len(source.complaints) > before:
        return None
    if made.from_minute == made.to_minute:
        hours.reject("begins and ends at the same time", 'for whole days give from: "00:00" and to: "24:00"')
    elif grid is not None and (time := off_the_grid(made, grid.slot_seconds)):
        hours.reject(
            f"has {time}, which is inside a slot of {grid.slot_seconds} s",
            f"give times at which slots end, in {made.timezone}",
        )
    return made


def _days(hours: YamlMap) -> frozenset[int]:
    """`mon-fri`, `sat`, or a list of such."""
    fix = "give days like mon-fri, or a list like [mon, wed]"
    node = hours.node_of("days")
    if node is None:
        return frozenset()
    nodes = hours.items("days", fix) if isinstance(node, yaml.SequenceNode) else [node]
    found: set[int] = set()
    for each in nodes:
        first, _, last = each.value.partition("-") if is_text(each) else ("", "", "")
        if first not in DAYS or (last or first) not in DAYS:
            hours.fail(each, "days", fix)
            continue
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found.update(range(begin, end + 1) if begin <= end else {*range(begin, 7), *range(end + 1)})
    return frozenset(found)


def _minute(hours: YamlMap, key: str) -> int:
    """`HH:MM`; YAML takes an unquoted 17:00 for a number, which is right here all the same."""
    node = hours.node_of(key)
    if node is None:
        return 0
    match = _TIME.fullmatch(node.value) if isinstance(node, yaml.ScalarNode) else None
    minute = int(match[1]) * 60 + int(match[2]) if match else _LAST_MINUTE + 1
    if minute > _LAST_MINUTE or (minute == _LAST_MINUTE and key == "from"):
        hours.fail(node, key, 'give a time from "00:00" to "24:00"')
    return minute


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        fix = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no such timezone{fix}") from None
    return name


def _named_holidays(hours: YamlMap, holidays: Holidays) -> frozenset[datetime.date]:
    """The name of a list at the top of the file, or the days themselves."""
    node = hours.node_of("holidays")
    if node is not None and is_text(node):
        if node.value in holidays:
            return holidays[node.value]
        near = difflib.get_close_matches(node.value, holidays, n=1)
        fix = f"did you mean {near[0]}?" if near else "name a list under `holidays:` at the top of the file"
        hours.fail(node, "holidays", fix)
        return frozenset()
    return _dates(hours, "holidays")


def read_holidays(complaints: Complaints, node: yaml.Node) -> Holidays:
    """Lists of days by their name."""
    source = YamlMap(complaints, node, "holidays")
    return {name: _dates(source, name) for name in source.names()}


def _dates(source: YamlMap, key: str) -> frozenset[datetime.date]:
    fix = "give a list of days like [2026-12-25, 2026-12-26]"
    found = set()
    for node in source.items(key, fix):
        try:
            found.add(datetime.date.fromisoformat(node.value))
        except (TypeError, ValueError):
            source.complaints.add(
                node, f"{source.what}: {key} has {shown(node)}", "give a day like 2026-12-25"
            )
    return frozenset(found)
