"""The forms of an SLA, read from the file of definitions itself: which sample means what."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from simulation.series import Metric, Target
from truth.policy import Policy, read_policy
from truth.selectors import Selector, read_matchers, read_selector

GOOD, BAD, TOTAL = "good", "bad", "total"
_CONDITION = re.compile(r"^\s*(==|!=|<=|>=|<|>)\s*(-?[\d.e+]+)\s*$")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def series_labels(target: Target, metric: Metric) -> dict[str, str]:
    """All labels of a series, its name among them."""
    return {"__name__": metric.name, "job": target.job, "instance": target.instance, **dict(metric.labels)}


@dataclass(frozen=True, slots=True)
class Member:
    """A part of a composite: an SLA or a category, and its weight."""

    weight: Fraction
    sla: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """One SLA. `roles` pairs what a matching series is with its selector.

    `holds` is the condition of gauges and values, None for counters. `failed_is_bad`: a failed scrape is one
    bad sample for every series of the target. `bound` is where the bucket of a latency SLA must stand.
    `expression` is that of a value, `members` those of a composite.
    """

    key: str
    category: str
    kind: str
    component: str
    by: tuple[str, ...]
    roles: tuple[tuple[str, Selector], ...]
    policy: Policy
    holds: Callable[[float | Fraction], bool] | None = None
    failed_is_bad: bool = False
    bound: float | None = None
    expression: str | None = None
    members: tuple[Member, ...] = ()

    @property
    def names_job(self) -> bool:
        """Whether the selectors say by themselves which targets they are about."""
        return bool(self.roles) and any(name == "job" for name, _, _ in self.roles[0][1].matchers)

    def role(self, target: Target, metric: Metric) -> tuple[str, tuple[str, ...]] | None:
        """The component and the roles of a series, None when it is none of this SLA's."""
        labels = series_labels(target, metric)
        roles = tuple(role for role, selector in self.roles if selector.matches(labels))
        if self.bound is not None and GOOD in roles and float(labels["le"]) != self.bound:
            roles = tuple(role for role in roles if role != GOOD)
        if not roles:
            return None
        return self.part(labels), roles

    def part(self, labels: Mapping[str, str]) -> str:
        """The component that labels belong to."""
        return "/".join(labels.get(each, "") for each in self.by) if self.by else self.component


def read_forms(file: Path) -> list[Form]:
    """All SLAs that are enabled."""
    tree: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [form for each in tree["slas"] for form in _form(each, read_policy(each, tree))]


def _form(sla: Mapping[str, Any], policy: Policy) -> Iterable[Form]:
    sli = sla["sli"]
    if sla.get("enabled", True):
        yield _MAKE[sli["kind"]]({**sla, "policy": policy}, sli)


def _names(sla: Mapping[str, Any]) -> dict[str, Any]:
    by = sla.get("by") or ()
    return {
        "key": sla["key"],
        "category": sla["category"],
        "kind": sla["sli"]["kind"],
        "component": str(sla.get("component", "all")),
        "by": tuple(by if isinstance(by, list) else [by]) if by else (),
        "policy": sla["policy"],
    }


def _condition(text: str) -> Callable[[float | Fraction], bool]:
    found = _CONDITION.match(text)
    if not found:
        raise ValueError(f"not a condition: {text!r}")
    compare, limit = _OPERATORS[found[1]], float(found[2])
    return lambda value: compare(value, limit)


def _uptime(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    selector = read_selector(sli["selector"])
    return Form(
        **_names(sla),
        roles=((TOTAL, selector),),
        holds=_condition(str(sli.get("condition", "== 1"))),
        failed_is_bad=("__name__", "=", "up") not in selector.matchers,
    )


def _time(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    return Form(
        **_names(sla),
        roles=((TOTAL, read_selector(sli["selector"])),),
        holds=_condition(str(sli["condition"])),
    )


def _events(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    if "total" not in sli:  # good and bad ones, which are all there are
        good, bad = read_selector(sli["good"]), read_selector(sli["bad"])
        return Form(**_names(sla), roles=((TOTAL, good), (TOTAL, bad), (GOOD, good)))
    role = GOOD if "good" in sli else BAD
    return Form(**_names(sla), roles=((TOTAL, read_selector(sli["total"])), (role, read_selector(sli[role]))))


def _latency(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    matchers = read_matchers(str(sli.get("matchers") or ""))
    name = sli["histogram"]
    return Form(
        **_names(sla),
        roles=(
            (TOTAL, Selector((("__name__", "=", f"{name}_count"), *matchers))),
            (GOOD, Selector((("__name__", "=", f"{name}_bucket"), *matchers))),
        ),
        bound=float(sla["target"]),
    )


def _value(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    target = Fraction(str(sla["target"]))
    reaches = _OPERATORS[sla["comparison"]]
    return Form(
        **_names(sla),
        roles=(),
        holds=lambda value: reaches(value, target),
        expression=" ".join(str(sli["expression"]).split()),
    )


def _composite(sla: Mapping[str, Any], sli: Mapping[str, Any]) -> Form:
    target = Fraction(str(sla["target"]))
    reaches = _OPERATORS[sla["comparison"]]
    members = (
        Member(Fraction(str(each["weight"])), each.get("sla"), each.get("category"))
        for each in sli["members"]
    )
    return Form(**_names(sla), roles=(), holds=lambda value: reaches(value, target), members=tuple(members))


_MAKE: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Form]] = {
    "uptime": _uptime,
    "events": _events,
    "latency": _latency,
    "time": _time,
    "value": _value,
    "composite": _composite,
}
