"""The file of SLA definitions, validated once."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import yaml

from sla_worker.definitions.yaml_map import YamlMap, compose
from sla_worker.model import CATEGORIES, SEVERITIES, UNDIVIDED, Comparison, Definition, Sli
from sla_worker.sli import FORMS

_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_UNITS = ("ratio", "seconds")


def _one_line(text: str) -> bool:
    """Whether a text can stand in the subject of a mail and in one line of a log."""
    return bool(text.strip()) and all(
        each.isprintable() or unicodedata.category(each) == "Zs" for each in text
    )


def _lines(text: str) -> bool:
    """Whether every line of a text is printable, and one has words."""
    return bool(text.strip()) and all(_one_line(line) for line in text.split("\n") if line.strip())


def _sli(source: YamlMap, comparison: Comparison, target: float, unit: str) -> Sli:
    kind = source.choice("kind", tuple(FORMS))
    form = FORMS[kind]
    if unit != form.unit:
        source.fail(source.node_of("kind"), "kind", f"its unit must be {form.unit}, not {unit}")
    if form.comparison is not None and comparison is not form.comparison:
        source.fail(source.node_of("kind"), "kind", f'its comparison must be "{form.comparison}"')
    sli = form.read(source, target)
    source.close()
    return sli


def _definition(file: Path, node: yaml.Node, position: int) -> tuple[Definition, YamlMap]:
    source = YamlMap(file, node, f"SLA number {position}")
    key = source.text("key", _KEY.fullmatch, "give lower case words joined by -, like api-error-rate")
    source.what = f"SLA {key}"
    comparison = Comparison(source.choice("comparison", tuple(Comparison)))
    unit = source.choice("unit", _UNITS)
    if unit == "ratio":
        target = source.number(
            "target", lambda value: 0 <= value <= 1, "give a ratio from 0 to 1 (99.9 % is 0.999)"
        )
    else:
        target = source.number("target", lambda value: value > 0, "give seconds above 0")
    definition = Definition(
        key=key,
        name=source.text("name", _one_line, "give a name for people, in one line"),
        category=source.choice("category", CATEGORIES),
        description=source.text("description", _lines, "give a sentence for people"),
        comparison=comparison,
        target=target,
        unit=unit,
        severity=source.choice("severity", SEVERITIES),
        sli=_sli(YamlMap(file, source.node_of("sli"), f"SLA {key}: sli"), comparison, target, unit),
        component=source.text("component", _KEY.fullmatch, "give lower case words joined by -")
        if source.has("component")
        else UNDIVIDED,
    )
    source.close()
    return definition, source


def read_definitions(file: Path) -> tuple[Definition, ...]:
    """All SLAs of the file, in its order.

    Raises DefinitionError with `file:line: what, value; fix`.
    """
    top = YamlMap(file, compose(file), "the file")
    slas = top.node_of("slas")
    if not isinstance(slas, yaml.SequenceNode) or not slas.value:
        top.fail(slas, "slas", "give a list with at least one SLA")
    top.close()
    definitions: list[Definition] = []
    seen: dict[str, int] = {}
    for position, node in enumerate(slas.value, start=1):
        definition, source = _definition(file, node, position)
        for field in ("key", "name"):
            value = f"{field} {getattr(definition, field)}"
            if value in seen:
                source.fail(source.node_of(field), field, f"line {seen[value]} has it already, give another")
            seen[value] = source.node_of(field).start_mark.line + 1
        definitions.append(definition)
    return tuple(definitions)
