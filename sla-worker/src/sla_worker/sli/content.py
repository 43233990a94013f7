"""All that an SLA is judged by, as one text: written when a version begins, read when its slots come late.

Names, descriptions and severities are not in it: they change no judgement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from sla_worker.model import (
    DEFAULT_POLICY,
    SEVERITIES,
    Comparison,
    Definition,
    Details,
    Member,
    Sli,
    policy_values,
    read_policy_values,
)
from sla_worker.selectors import Matcher, Selector
from sla_worker.sli import FORMS
from sla_worker.sli.form import NOTHING, Condition


def write(definition: Definition) -> str:
    """JSON, the same for the same judgement."""
    return _json(_values(definition))


def fingerprint(definition: Definition) -> str:
    """What tells two versions apart, SHA-256. What is left at its default is not in it.

    So a field that a later release adds makes no new version of an SLA that does not use it.
    """
    values = _values(definition)
    usual = policy_values(DEFAULT_POLICY)
    values["policy"] = {key: each for key, each in values["policy"].items() if each != usual[key]}
    unset = {
        each.name
        for each in fields(type(definition.sli))  # type: ignore[arg-type]  # every form is a dataclass
        if each.default is not MISSING and getattr(definition.sli, each.name) == each.default
    }
    values["sli"] = {key: each for key, each in values["sli"].items() if key not in unset}
    return hashlib.sha256(_json(values).encode()).hexdigest()


def read(text: str, *, key: str, name: str) -> Definition:
    """The definition that `write` wrote; who it is and how grave, it does not say."""
    values = json.loads(text)
    return Definition(
        key=key,
        name=name,
        category=values["category"],
        description="",
        comparison=Comparison(values["comparison"]),
        target=values["target"],
        unit=values["unit"],
        severity=SEVERITIES[0],
        sli=_sli(values["sli"]),
        component=values["component"],
        by=tuple(values["by"]),
        policy=read_policy_values(values["policy"]),
    )


def stand_in(details: Details, *, target: float, percentile: float | None) -> Sli:
    """A form that judges counts alike, for a version of which only this is known."""
    values: Mapping[str, Any] = {}
    kind = details.kind
    if details.members:
        kind, values = "composite", {"parts": details.members}
    elif percentile is not None and kind == "latency":
        values = {"histogram": NOTHING, "threshold_seconds": target, "objective": percentile}
    elif kind in {"", "value"}:
        kind, values = "value", {"expression": "", "objective": 1.0 if percentile is None else percentile}
    else:
        kind = "events"
    made: Sli = FORMS[kind](**values)
    return made


def _values(definition: Definition) -> dict[str, Any]:
    sli = definition.sli
    return {
        "category": definition.category,
        "comparison": str(definition.comparison),
        "target": float(definition.target),
        "unit": definition.unit,
        "component": definition.component,
        "by": list(definition.by),
        "policy": policy_values(definition.policy),
        "sli": {"kind": sli.kind} | {each.name: _written(getattr(sli, each.name)) for each in fields(sli)},  # type: ignore[arg-type]
    }


def _sli(values: Mapping[str, Any]) -> Sli:
    form = FORMS[values["kind"]]
    known = {each.name for each in fields(form)}
    made: Sli = form(**{name: _read(value) for name, value in values.items() if name in known})
    return made


def _written(value: object) -> object:
    """A field of a form; what JSON has no type for is a mapping with the type's name."""
    if isinstance(value, Selector):
        matchers = [[each.label, each.operator, each.value] for each in value.matchers]
        return {"selector": value.name, "matchers": matchers}
    if isinstance(value, Condition):
        return {"condition": value.operator, "number": value.number}
    if isinstance(value, tuple):
        return {"members": [_member(each) for each in value]}
    return value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "selector" in value:
        return Selector(value["selector"], tuple(Matcher(*each) for each in value["matchers"]))
    if "condition" in value:
        return Condition(value["condition"], value["number"])
    return tuple(_read_member(*each) for each in value["members"])


def _read_member(
    weight: float, sla: str | None, category: str | None, among: list[str] | None = None
) -> Member:
    return Member(weight, sla, category, None if among is None else tuple(among))


def _member(member: Member) -> list[Any]:
    values = [member.weight, member.sla, member.category]
    return values if member.among is None else [*values, list(member.among)]


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
