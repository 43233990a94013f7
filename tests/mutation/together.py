"""Lets many versions of one rule stand in one rule file, so that one run of promtool tries them all.

Each version, and each rule that reads it, gets a name of its own, and reads what belongs to its version. A
rule that could see the other versions all the same cannot be tried so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mutation.reading import parsed
from mutation.tree import Matcher, Node, Selector, children, with_child

Rule = dict[str, Any]

MARK = "_version_"
"""Stands between a name and the number of its version; no rule and no case holds it."""


@dataclasses.dataclass(frozen=True)
class Together:
    """The rules of all versions in the order of evaluation, and the names that were given up for them."""

    rules: list[Rule]
    renamed: frozenset[str]


def name_of(rule: Rule) -> str:
    """The name of an alert or of a record."""
    return str(rule.get("alert") or rule["record"])


def together(
    rules: Sequence[Rule], target: str, versions: Mapping[int, Rule | None], judged: str
) -> Together | None:
    """The rules with each version in the place of the target; None if they would see each other.

    `versions`: by number, None where the rule is removed. `judged`: the alert whose cases are run.
    """
    renamed = _dependent(rules, {target, judged})
    result: list[Rule] = []
    for rule in rules:
        if name_of(rule) not in renamed:
            result.append(rule)
            continue
        for number, version in versions.items():
            changed = version if name_of(rule) == target else rule
            if changed is None:
                continue
            if not is_told_apart(changed):
                return None
            expression = str(_renamed(parsed(changed["expr"]), renamed, number))
            key = "alert" if "alert" in changed else "record"
            result.append(changed | {key: versioned(name_of(rule), number), "expr": expression})
    return Together(result, frozenset(renamed))


def versioned(name: str, number: int) -> str:
    """The name of a version."""
    return f"{name}{MARK}{number}"


def _dependent(rules: Sequence[Rule], names: set[str]) -> set[str]:
    """The names, and those of all rules that read one of them, directly or by another rule."""
    found = set(names)
    while more := {name_of(rule) for rule in rules if _reads(rule) & found} - found:
        found |= more
    return found


def _reads(rule: Rule) -> set[str]:
    return {name for each in _selectors(parsed(rule["expr"])) for name in (each.name, _alert(each)) if name}


def _alert(selector: Selector) -> str | None:
    """The alert whose ALERTS are asked for, if it is one."""
    names = [each.value for each in selector.matchers if (each.name, each.operator) == ("alertname", "=")]
    return names[0] if selector.name.startswith("ALERTS") and names else None


def is_told_apart(rule: Rule) -> bool:
    """Whether it cannot see other versions: all it selects has a name, and of alerts it asks for one."""
    return all(
        each.name and (not each.name.startswith("ALERTS") or _alert(each) is not None)
        for each in _selectors(parsed(rule["expr"]))
    )


def _selectors(node: Node) -> Iterator[Selector]:
    if isinstance(node, Selector):
        yield node
    for child in children(node).values():
        yield from _selectors(child)


def _renamed(node: Node, names: set[str], number: int) -> Node:
    if isinstance(node, Selector):
        name = versioned(node.name, number) if node.name in names else node.name
        matchers = tuple(
            Matcher(each.name, each.operator, versioned(each.value, number))
            if _alert(node) in names and (each.name, each.operator) == ("alertname", "=")
            else each
            for each in node.matchers
        )
        return dataclasses.replace(node, name=name, matchers=matchers)
    for place, child in children(node).items():
        node = with_child(node, place, _renamed(child, names, number))
    return node
