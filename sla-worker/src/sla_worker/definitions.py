"""The file of SLA definitions, validated once, with file and line in every complaint."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from sla_worker.errors import DefinitionError
from sla_worker.model import (
    CATEGORIES,
    SEVERITIES,
    UNDIVIDED,
    Comparison,
    Definition,
    LatencySli,
    RatioSli,
    Sli,
    UpSli,
)

_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n]|\\.)*"'
_MATCHERS = re.compile(rf"(?:{_MATCHER}(?:\s*,\s*{_MATCHER})*\s*,?)?")
_SELECTOR = re.compile(rf"{_METRIC.pattern}(?:\{{\s*{_MATCHERS.pattern}\s*\}})?")
_UNITS = ("ratio", "seconds")


class _Map:
    """A YAML mapping whose values are taken one by one; what is left over at the end is unknown."""

    def __init__(self, file: Path, node: yaml.Node, what: str) -> None:
        self.file, self.node, self.what = file, node, what
        if not isinstance(node, yaml.MappingNode):
            _fail(file, node, f"{what} is {_shown(node)}", "give `key: value` lines")
        self._nodes: dict[str, yaml.Node] = {}
        self._known: list[str] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _fail(file, key, f"{what} has the key {_shown(key)}", "give a word")
            if key.value in self._nodes:
                _fail(file, key, f"{what} has `{key.value}` twice", "keep one of them")
            self._nodes[key.value] = value
        self._keys = {key.value: key for key, _ in node.value}

    def node_of(self, key: str) -> yaml.Node:
        """The node of a key that must be there."""
        self._known.append(key)
        if key not in self._nodes:
            _fail(self.file, self.node, f"{self.what} has no `{key}`", "add it")
        return self._nodes[key]

    def has(self, key: str) -> bool:
        """Whether the key is there; it is known from now on."""
        self._known.append(key)
        return key in self._nodes

    def text(self, key: str, check: Callable[[str], object], mend: str) -> str:
        """A text that `check` accepts."""
        node = self.node_of(key)
        if (
            not isinstance(node, yaml.ScalarNode)
            or node.tag != "tag:yaml.org,2002:str"
            or not check(node.value)
        ):
            self.fail(node, key, mend)
        return str(node.value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        return self.text(key, choices.__contains__, f"give one of {', '.join(choices)}")

    def number(self, key: str, check: Callable[[float], bool], mend: str) -> float:
        """A number that `check` accepts."""
        node = self.node_of(key)
        if node.tag not in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
            self.fail(node, key, mend)
        try:
            value = float(yaml.safe_load(node.value))
        except (TypeError, ValueError):  # 1_0:20 and other odd numbers of YAML
            self.fail(node, key, mend)
        if not math.isfinite(value) or not check(value):
            self.fail(node, key, mend)
        return value

    def fail(self, node: yaml.Node, key: str, mend: str) -> NoReturn:
        """Complain about the value of a key."""
        _fail(self.file, node, f"{self.what}: {key} is {_shown(node)}", mend)

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key, node in self._keys.items():
            if key not in self._known:
                known = ", ".join(dict.fromkeys(self._known))
                _fail(self.file, node, f"{self.what} has the unknown key `{key}`", f"known are {known}")


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return f"`{node.value}`" if node.value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _fail(file: Path, node: yaml.Node, what: str, mend: str) -> NoReturn:
    raise DefinitionError(f"{file}:{node.start_mark.line + 1}: {what}; {mend}")


def _selector(source: _Map, key: str) -> str:
    return source.text(key, _SELECTOR.fullmatch, 'give a selector like name{label="value"}')


def _up(source: _Map) -> UpSli:
    return UpSli(_selector(source, "selector"))


def _ratio(source: _Map) -> RatioSli:
    total = _selector(source, "total")
    good = _selector(source, "good") if source.has("good") else None
    bad = _selector(source, "bad") if source.has("bad") else None
    if (good is None) == (bad is None):
        _fail(source.file, source.node, f"{source.what} needs either `good` or `bad`", "give one of them")
    return RatioSli(total=total, good=good, bad=bad)


def _latency(source: _Map, threshold_seconds: float) -> LatencySli:
    return LatencySli(
        histogram=source.text("histogram", _METRIC.fullmatch, "give the histogram's name without _bucket"),
        matchers=source.text("matchers", _MATCHERS.fullmatch, 'give matchers like job="a", path!="/b"').strip(
            ", "
        )
        if source.has("matchers")
        else "",
        threshold_seconds=threshold_seconds,
        objective=source.number("objective", lambda value: 0 < value < 1, "give a ratio between 0 and 1"),
    )


def _sli(source: _Map, comparison: Comparison, target: float, unit: str) -> Sli:
    kind = source.choice("kind", ("up", "ratio", "latency"))
    expected_unit = "seconds" if kind == "latency" else "ratio"
    if unit != expected_unit:
        source.fail(source.node_of("kind"), "kind", f"its unit must be {expected_unit}, not {unit}")
    needed = {"up": Comparison.AT_LEAST, "latency": Comparison.AT_MOST}.get(kind)
    if isinstance(needed, Comparison) and comparison is not needed:
        source.fail(source.node_of("kind"), "kind", f'its comparison must be "{needed}"')
    sli: Sli
    if kind == "up":
        sli = _up(source)
    elif kind == "ratio":
        sli = _ratio(source)
    else:
        sli = _latency(source, target)
    source.close()
    return sli


def _definition(file: Path, node: yaml.Node, position: int) -> tuple[Definition, _Map]:
    source = _Map(file, node, f"SLA number {position}")
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
        name=source.text("name", str.strip, "give a name for people"),
        category=source.choice("category", CATEGORIES),
        description=source.text("description", str.strip, "give a sentence for people"),
        comparison=comparison,
        target=target,
        unit=unit,
        severity=source.choice("severity", SEVERITIES),
        sli=_sli(_Map(file, source.node_of("sli"), f"SLA {key}: sli"), comparison, target, unit),
        component=source.text("component", _KEY.fullmatch, "give lower case words joined by -")
        if source.has("component")
        else UNDIVIDED,
    )
    source.close()
    return definition, source


def _compose(file: Path) -> yaml.Node:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{file}: cannot be read ({error}); set SLA_DEFINITIONS to the file") from error
    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DefinitionError(f"{file}:{line}: this is not YAML: {problem}; mend the line") from error
    if node is None:
        raise DefinitionError(f"{file}:1: the file is empty; give `slas:` and a list")
    return node  # type: ignore[no-any-return]  # yaml.compose is typed as Any


def read_definitions(file: Path) -> tuple[Definition, ...]:
    """All SLAs of the file, in its order.

    Raises DefinitionError with `file:line: what, value; mend`.
    """
    top = _Map(file, _compose(file), "the file")
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
