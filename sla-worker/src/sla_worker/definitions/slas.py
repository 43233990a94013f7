"""The file of SLA definitions, validated once."""

from __future__ import annotations

import datetime
import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from sla_worker.definitions.complaints import Complaints, line_of
from sla_worker.definitions.policy import KEYS as POLICY_KEYS
from sla_worker.definitions.policy import Holidays, read_holidays, read_policy
from sla_worker.definitions.team import KEYS as TEAM_KEYS
from sla_worker.definitions.team import read_team
from sla_worker.definitions.yaml_map import YamlMap, compose
from sla_worker.grid import Grid
from sla_worker.model import (
    CATEGORIES,
    DEFAULT_POLICY,
    SEVERITIES,
    UNDIVIDED,
    Comparison,
    Definition,
    Policy,
    Sli,
    Team,
)
from sla_worker.sli import FORMS

KEYS = (
    "key",
    "name",
    "category",
    "severity",
    "comparison",
    "target",
    "unit",
    "description",
    "component",
    "by",
    "enabled",
    "graph",
    "valid_from",
    "sli",
    *POLICY_KEYS,
)
COMPOSITE = "composite"
_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LABEL = re.compile(r"(?!__|le$)[^\n]+")
_LONGEST_UNIT = 30
_PERCENT = 100
_LAST_MOMENT = 253_402_300_800  # the year 10000


@dataclass(frozen=True, slots=True)
class Read:
    """What the file says: its SLAs, and the line on which each begins and each of its keys stands.

    `team` is that of a file of `sla.d`, `team_line` where its name stands.
    """

    file: Path
    definitions: tuple[Definition, ...]
    lines: Mapping[str, Mapping[str, int]]
    team: Team | None = None
    team_line: int = 1

    def place(self, key: str, field: str = "") -> str:
        """`file:line` of a key of an SLA (`by`, `sli.total`), else of the SLA itself."""
        lines = self.lines[key]
        return f"{self.file}:{lines.get(field, lines[''])}"


@dataclass(frozen=True, slots=True)
class _Shared:
    """What stands at the top of the file and holds for all SLAs, and what they are read for."""

    complaints: Complaints
    policy: Policy
    holidays: Holidays
    grid: Grid | None


def read_definitions(
    file: Path, grid: Grid | None = None, *, thorough: bool = True
) -> tuple[Definition, ...]:
    """All SLAs of the file that are enabled, in its order.

    With `grid`, service hours must begin and end where slots do. Not `thorough`: the grammar of expressions
    is left to Prometheus, which spares the memory of a parser. Raises DefinitionError with every mistake.
    """
    return tuple(each for each in read_file(file, grid, thorough=thorough).definitions if each.enabled)


def read_file(
    file: Path, grid: Grid | None = None, *, thorough: bool = True, of_team: bool | None = False
) -> Read:
    """All SLAs of the file, those that are disabled too. Raises DefinitionError with every mistake.

    A file `of_team` says whose it is; the categories of its composites are those of its own SLAs. None: it is
    one if it says so.
    """
    complaints = Complaints(file, thorough=thorough)
    top = YamlMap(complaints, compose(file), "the file")
    of_team = top.has("team") if of_team is None else of_team
    top.allow(*(TEAM_KEYS if of_team else ()), "slas", "holidays", "defaults")
    team = read_team(top, file) if of_team else None
    holidays: Holidays = {}
    if top.has("holidays") and (node := top.node_of("holidays")):
        holidays = read_holidays(complaints, node)
    shared = _Shared(complaints, _defaults(top, holidays, grid), holidays, grid)
    found: list[tuple[Definition, YamlMap]] = []
    for position, node in enumerate(top.items("slas", "give a list with at least one SLA"), start=1):
        source = YamlMap(complaints, node, f"SLA number {position}")
        definition = _definition(source, shared)
        if definition is not None:
            found.append((definition, source))
    _check_names(found)
    _check_members(found)
    complaints.stop()
    definitions = tuple(definition for definition, _ in found)
    return Read(
        file,
        definitions if team is None else _of_team(definitions, team.name),
        {definition.key: _lines_of(source.node) for definition, source in found},
        team,
        1 if (name := top.node_of("team") if of_team else None) is None else line_of(name),
    )


def _of_team(definitions: tuple[Definition, ...], team: str) -> tuple[Definition, ...]:
    """The SLAs of a team: a category that one of its composites names is that of its own alone."""
    return tuple(replace(each, team=team, sli=_among(each.sli, definitions)) for each in definitions)


def _among(sli: Sli, definitions: tuple[Definition, ...]) -> Sli:
    if not sli.members:
        return sli
    plain = [each for each in definitions if each.enabled and not each.sli.members]
    members = tuple(
        member
        if member.category is None
        else replace(member, among=tuple(each.key for each in plain if each.category == member.category))
        for member in sli.members
    )
    values: dict[str, Any] = {"parts": members}
    made: Sli = FORMS[COMPOSITE](**values)
    return made


def _lines_of(node: yaml.Node, before: str = "") -> dict[str, int]:
    """The lines of a mapping and of its keys; those of a mapping inside it are named `outer.inner`."""
    lines = {} if before else {"": line_of(node)}
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        lines[before + key.value] = line_of(key)
        lines |= _lines_of(value, f"{before}{key.value}.")
    return lines


def _defaults(top: YamlMap, holidays: Holidays, grid: Grid | None) -> Policy:
    node = top.node_of("defaults") if top.has("defaults") else None
    if node is None:
        return DEFAULT_POLICY
    source = YamlMap(top.complaints, node, "defaults")
    source.allow(*POLICY_KEYS)
    return read_policy(source, DEFAULT_POLICY, holidays, grid)


def _definition(source: YamlMap, shared: _Shared) -> Definition | None:
    """One SLA; None when it cannot be told what it is."""
    if not isinstance(source.node, yaml.MappingNode):
        return None
    key = source.text("key", _KEY.fullmatch, "give lower case words joined by -, like api-error-rate")
    if _KEY.fullmatch(key):
        source.what = f"SLA {key}"
    source.allow(*KEYS)
    name = source.text("name", _one_line, "give a name for people, in one line")
    category = source.choice("category", CATEGORIES)
    severity = source.choice("severity", SEVERITIES)
    comparison = source.choice("comparison", tuple(Comparison))
    description = source.text("description", _lines, "give a sentence for people")
    unit = source.text("unit", _is_unit, "give ratio, seconds, or what is counted in a word or two")
    target = _target(source, unit)
    node = source.node_of("sli")
    sli = None if node is None else YamlMap(shared.complaints, node, f"{source.what}: sli")
    kind = None if sli is None else sli.choice("kind", FORMS)
    policy = read_policy(source, shared.policy, shared.holidays, shared.grid)
    by = (
        source.words("by", _LABEL.fullmatch, "give a list of labels, like [worker_name]")
        if source.has("by")
        else ()
    )
    component = UNDIVIDED
    if source.has("component"):
        component = source.text("component", _KEY.fullmatch, "give lower case words joined by -")
        if by:
            source.reject("has both `by` and `component`", "keep `by`: it names the components", "component")
    enabled = source.flag("enabled") if source.has("enabled") else True
    graph = source.flag("graph") if source.has("graph") else False
    valid_from = _moment(source, "valid_from") if source.has("valid_from") else None
    if sli is None or kind is None:
        return None
    _check_form(source, kind, {"unit": unit, "comparison": comparison, "category": category})
    form = FORMS[kind]
    sli.allow("kind", *form.keys)
    if form.one_event_a_slot:
        policy = _for_one_event(source, policy)
    return Definition(
        key=key,
        name=name,
        category=category or CATEGORIES[0],
        description=description,
        comparison=Comparison(comparison or Comparison.AT_LEAST),
        target=target,
        unit=unit,
        severity=severity or SEVERITIES[0],
        sli=form.read(sli, target),
        component=component,
        by=by,
        policy=policy,
        enabled=enabled,
        graph=graph,
        valid_from=valid_from,
    )


def _moment(source: YamlMap, key: str) -> int | None:
    """A time with its offset from UTC, in epoch seconds: a file is read in many timezones."""
    node = source.node_of(key)
    try:
        found = datetime.datetime.fromisoformat(node.value)  # type: ignore[union-attr]  # caught below
        if found.tzinfo is not None and 0 < found.timestamp() < _LAST_MOMENT:
            return ceil(found.timestamp())
    except (TypeError, ValueError, AttributeError, OverflowError):
        pass
    if node is not None:
        source.fail(node, key, "give a time with its offset, like 2026-12-01T00:00+01:00")
    return None


def _target(source: YamlMap, unit: str) -> float:
    if unit == "ratio":
        return source.number("target", lambda value: 0 <= value <= 1, _ratio_fix)
    if unit == "seconds":
        return source.number("target", lambda value: value > 0, "give seconds above 0")
    return source.number("target", lambda value: value >= 0, f"give {unit or 'a number'} from 0 on")


def _ratio_fix(value: float) -> str:
    if 1 < value <= _PERCENT:
        return f"give a ratio from 0 to 1: {value:g} % is {value / _PERCENT:.6g}"
    return "give a ratio from 0 to 1 (99.9 % is 0.999)"


def _check_form(source: YamlMap, kind: str, said: Mapping[str, str | None]) -> None:
    """What a form asks of the rest of its SLA; what is not said has been complained of."""
    form = FORMS[kind]
    for field, wanted in (("unit", form.unit), ("comparison", form.comparison)):
        value = said[field]
        if wanted is not None and value and value != wanted:
            place = source.node_of(field) or source.node
            source.complaints.add(
                place,
                f"{source.what}: {field} is {value}, but its kind is {kind}",
                f'give {field}: "{wanted}"',
            )
    if (kind == COMPOSITE) != (said["category"] == COMPOSITE) and said["category"] is not None:
        source.complaints.add(
            source.node_of("category") or source.node,
            f"{source.what}: category is {said['category']}, but its kind is {kind}",
            "a composite has the category composite, and nothing else has",
        )
    if kind == COMPOSITE and (source.has("by") or source.has("component")):
        source.reject(
            "is a composite, but names components", "leave `by` and `component` out: it has one score"
        )


def _for_one_event(source: YamlMap, policy: Policy) -> Policy:
    """A slot of these forms has one event: another minimum would judge nothing, for ever."""
    if source.has("minimum_events") and policy.minimum_events > 1:
        what = "has one event a slot, but a higher `minimum_events`"
        source.reject(what, "leave `minimum_events` out", "minimum_events")
    return replace(policy, minimum_events=1)


def _check_names(found: list[tuple[Definition, YamlMap]]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for definition, source in found:
        for field in ("key", "name"):
            node, value = source.node_of(field), getattr(definition, field)
            if node is None or not value:
                continue
            if (field, value) in seen:
                source.fail(node, field, f"line {seen[field, value]} has it already, give another")
            seen.setdefault((field, value), line_of(node))


def _check_members(found: list[tuple[Definition, YamlMap]]) -> None:
    """The members of composites are SLAs that are measured themselves."""
    enabled = [each for each, _ in found if each.enabled]
    plain = {each.key for each in enabled if not each.sli.members}
    categories = {each.category for each in enabled if not each.sli.members}
    for definition, source in found:
        members = definition.sli.members if definition.enabled else ()
        for each, node in zip(members, _member_nodes(source), strict=False):
            if each.sla and each.sla not in plain:
                what, fix = _unknown_member(each.sla, {one.key for one, _ in found}, plain)
            elif each.category and each.category not in categories:
                what, fix = f"has the member {each.category}, a category without SLAs", "leave it out"
            else:
                continue
            source.complaints.add(node, f"{source.what} {what}", fix)


def _member_nodes(source: YamlMap) -> list[yaml.Node]:
    sli = source.node_of("sli")
    return [
        each
        for key, value in (sli.value if isinstance(sli, yaml.MappingNode) else ())
        if key.value == "members" and isinstance(value, yaml.SequenceNode)
        for each in value.value
    ]


def _unknown_member(key: str, all_keys: set[str], plain: set[str]) -> tuple[str, str]:
    if key in all_keys:
        return (
            f"has the member {key}, which is disabled or a composite",
            "give an SLA that is measured itself",
        )
    near = difflib.get_close_matches(key, plain, n=1)
    return f"has the member {key}, which is no SLA of this file", (
        f"did you mean {near[0]}?" if near else "give the key of an SLA of this file"
    )


def _is_unit(text: str) -> bool:
    return _one_line(text) and len(text) <= _LONGEST_UNIT


def _one_line(text: str) -> bool:
    """Whether a text can stand in the subject of a mail and in one line of a log."""
    return bool(text.strip()) and all(
        each.isprintable() or unicodedata.category(each) == "Zs" for each in text
    )


def _lines(text: str) -> bool:
    """Whether every line of a text is printable, and one has words."""
    return bool(text.strip()) and all(_one_line(line) for line in text.split("\n") if line.strip())
