"""YAML mappings that are read key by key; each complaint names the file, the line, the value and the fix."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from sla_worker.errors import DefinitionError


class YamlMap:
    """A YAML mapping whose values are taken one by one; what is left over at the end is unknown."""

    def __init__(self, file: Path, node: yaml.Node, what: str) -> None:
        self.file, self.node, self.what = file, node, what
        if not isinstance(node, yaml.MappingNode):
            complain(file, node, f"{what} is {shown(node)}", "give `key: value` lines")
        self._nodes: dict[str, yaml.Node] = {}
        self._known: list[str] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                complain(file, key, f"{what} has the key {shown(key)}", "give a word")
            if key.value in self._nodes:
                complain(file, key, f"{what} has `{key.value}` twice", "keep one of them")
            self._nodes[key.value] = value
        self._keys = {key.value: key for key, _ in node.value}

    def node_of(self, key: str) -> yaml.Node:
        """The node of a key that must be there."""
        self._known.append(key)
        if key not in self._nodes:
            for near in difflib.get_close_matches(key, self._keys, n=1, cutoff=0.75):
                complain(
                    self.file,
                    self._keys[near],
                    f"{self.what} has the unknown key `{near}`",
                    f"did you mean `{key}`?",
                )
            complain(self.file, self.node, f"{self.what} has no `{key}`", "add it")
        return self._nodes[key]

    def has(self, key: str) -> bool:
        """Whether the key is there; it is known from now on."""
        self._known.append(key)
        return key in self._nodes

    def text(self, key: str, check: Callable[[str], object], fix: str) -> str:
        """A text that `check` accepts."""
        node = self.node_of(key)
        if (
            not isinstance(node, yaml.ScalarNode)
            or node.tag != "tag:yaml.org,2002:str"
            or not check(node.value)
        ):
            self.fail(node, key, fix)
        return str(node.value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        return self.text(key, choices.__contains__, f"give one of {', '.join(choices)}")

    def number(self, key: str, check: Callable[[float], bool], fix: str) -> float:
        """A number that `check` accepts."""
        node = self.node_of(key)
        if node.tag not in {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}:
            self.fail(node, key, fix)
        try:
            value = float(yaml.safe_load(node.value))
        except (TypeError, ValueError):  # 1_0:20 and other odd numbers of YAML
            self.fail(node, key, fix)
        if not math.isfinite(value) or not check(value):
            self.fail(node, key, fix)
        return value

    def fail(self, node: yaml.Node, key: str, fix: str) -> NoReturn:
        """Complain about the value of a key."""
        complain(self.file, node, f"{self.what}: {key} is {shown(node)}", fix)

    def reject(self, what: str, fix: str) -> NoReturn:
        """Complain about the mapping as a whole."""
        complain(self.file, self.node, f"{self.what} {what}", fix)

    def close(self) -> None:
        """Refuse the keys that nobody asked for."""
        for key, node in self._keys.items():
            if key not in self._known:
                known = ", ".join(dict.fromkeys(self._known))
                complain(self.file, node, f"{self.what} has the unknown key `{key}`", f"known are {known}")


def shown(node: yaml.Node) -> str:
    """A node's value as a complaint shows it."""
    if isinstance(node, yaml.ScalarNode):
        value = node.value if node.value.isprintable() else ascii(node.value)[1:-1]
        return f"`{value}`" if value else "empty"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def complain(file: Path, node: yaml.Node, what: str, fix: str) -> NoReturn:
    """Raise DefinitionError with `file:line: what; fix`."""
    raise DefinitionError(f"{file}:{node.start_mark.line + 1}: {what}; {fix}")


def compose(file: Path) -> yaml.Node:
    """The tree of a YAML file with its line numbers. Raises DefinitionError."""
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
        raise DefinitionError(f"{file}:{line}: this is not YAML: {problem}; fix the line") from error
    except RecursionError as error:
        raise DefinitionError(f"{file}:1: this is nested too deeply; give `slas:` and a list") from error
    if node is None:
        raise DefinitionError(f"{file}:1: the file is empty; give `slas:` and a list")
    return node  # type: ignore[no-any-return]  # yaml.compose is typed as Any
