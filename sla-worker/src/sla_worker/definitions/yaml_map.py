"""YAML mappings that are read key by key; what is wrong is noted, and the reading goes on with a stand-in."""

from __future__ import annotations

import contextlib
import difflib
import math
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml

from sla_worker.definitions.complaints import Complaints
from sla_worker.errors import DefinitionError, Mistake

_T = TypeVar("_T")
_TEXT = "tag:yaml.org,2002:str"
# As every version of YAML reads them: no octal 010, no 1_000, no 1:30.
_NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_HALF = re.compile(r"[\ud800-\udfff]")  # what "\\ud800" in a file becomes; it can neither be sent nor stored
_SHOWN = 120  # letters of a value that a complaint shows
_TRUTH = {"true": True, "false": False}


_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlMap:
    """A YAML mapping. A value that is not there or wrong is noted; what is returned then is never used."""

    def __init__(self, complaints: Complaints, node: yaml.Node, what: str) -> None:
        """`what` names the mapping in complaints."""
        self.complaints, self.node, self.what = complaints, node, what
        self._nodes: dict[str, yaml.Node] = {}
        self._keys: dict[str, yaml.Node] = {}
        self._excused: set[str] = set()
        self._broken = not isinstance(node, yaml.MappingNode)
        if not isinstance(node, yaml.MappingNode):
            complaints.add(node, f"{what} is {shown(node)}", "give `key: value` lines")
            return
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                complaints.add(key, f"{what} has the key {shown(key)}", "give a word")
            elif key.value in self._nodes:
                complaints.add(key, f"{what} has `{key.value}` twice", "keep one of them")
            else:
                self._nodes[key.value] = value
                self._keys[key.value] = key

    @property
    def thorough(self) -> bool:
        """Whether expressions are parsed too."""
        return self.complaints.thorough

    def allow(self, *known: str) -> None:
        """Refuse the keys that are none of these; one that looks like a key that is missing stands for it."""
        missing = [key for key in known if key not in self._nodes]
        for key, node in self._keys.items():
            if key in known:
                continue
            near = difflib.get_close_matches(key, missing, n=1, cutoff=0.75)
            self._excused.update(near)
            fix = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
            self.complaints.add(node, f"{self.what} has the unknown key {shown(node)}", fix)

    def names(self) -> tuple[str, ...]:
        """The keys that are there."""
        return tuple(self._nodes)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._nodes

    def keeps_lines(self, key: str) -> bool:
        """Whether the lines of a text are those of the file: `|` keeps them, all else folds them into one."""
        node = self._nodes.get(key)
        if not isinstance(node, yaml.ScalarNode):
            return True
        return node.style == "|" or node.start_mark.line == node.end_mark.line

    def node_of(self, key: str) -> yaml.Node | None:
        """The node of a key that must be there; None, and a complaint, when it is not."""
        found = self._nodes.get(key)
        if found is None and not self._broken and key not in self._excused:
            self.complaints.add(self.node, f"{self.what} has no `{key}`", "add it")
        return found

    def text(self, key: str, check: Callable[[str], object], fix: str) -> str:
        """A text that `check` accepts."""
        node = self.node_of(key)
        if node is None:
            return ""
        if not is_text(node) or not check(node.value):
            self.fail(node, key, fix)
            return ""
        return str(node.value)

    def parsed(self, key: str, parse: Callable[[str], _T], stand_in: _T, fix: str) -> _T:
        """What `parse` makes of a text; its ValueError says why not, with a fix of its own after `; `."""
        node = self.node_of(key)
        if node is None:
            return stand_in
        if not is_text(node) or not node.value.strip():
            self.fail(node, key, fix)
            return stand_in
        try:
            return parse(node.value)
        except ValueError as error:
            reason, _, better = str(error).partition("; ")
            self.complaints.add(node, f"{self.what}: {key} is {shown(node)}: {reason}", better or fix)
            return stand_in

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """One of a few words."""
        node, words = self.node_of(key), tuple(choices)
        if node is None:
            return None
        if isinstance(node, yaml.ScalarNode) and node.value in words:
            return str(node.value)
        near = difflib.get_close_matches(node.value, words, n=1) if is_text(node) else []
        self.fail(node, key, f"did you mean {near[0]}?" if near else f"give one of {', '.join(words)}")
        return None

    def number(self, key: str, check: Callable[[float], bool], fix: str | Callable[[float], str]) -> float:
        """A number that `check` accepts; `fix` may depend on it."""
        node = self.node_of(key)
        if node is None:
            return math.nan
        value = number_of(node)
        if value is not None and check(value):
            return value
        if _is_quoted(node) and _NUMBER.fullmatch(node.value):
            fix = "leave the quotes out"
        self.fail(node, key, fix if isinstance(fix, str) else fix(math.nan if value is None else value))
        return math.nan

    def decimal(self, key: str, check: Callable[[Decimal], bool], fix: str) -> Decimal:
        """A number that `check` accepts, with the digits that the file has."""
        node = self.node_of(key)
        if node is None:
            return Decimal()
        if number_of(node) is not None and isinstance(node, yaml.ScalarNode):
            value = Decimal(node.value)
            if check(value):
                return value
        self.fail(node, key, "leave the quotes out" if _is_quoted(node) else fix)
        return Decimal()

    def whole(self, key: str, minimum: int, maximum: int) -> int:
        """A whole number from `minimum` to `maximum`."""
        value = self.number(
            key,
            lambda value: value == int(value) and minimum <= value <= maximum,
            f"give a whole number from {minimum} to {maximum}",
        )
        return int(value) if math.isfinite(value) else minimum

    def flag(self, key: str) -> bool:
        """True or false."""
        node = self.node_of(key)
        value = _TRUTH.get(node.value) if isinstance(node, yaml.ScalarNode) and not node.style else None
        if node is not None and value is None:
            quoted = _is_quoted(node) and node.value in _TRUTH
            self.fail(node, key, "leave the quotes out" if quoted else "give true or false")
        return value is not False

    def items(self, key: str, fix: str) -> list[yaml.Node]:
        """The nodes of a list with something in it."""
        node = self.node_of(key)
        if isinstance(node, yaml.SequenceNode) and node.value:
            return list(node.value)
        if node is not None:
            self.fail(node, key, fix)
        return []

    def words(self, key: str, check: Callable[[str], object], fix: str) -> tuple[str, ...]:
        """A list of different texts that `check` accepts."""
        found: list[str] = []
        for node in self.items(key, fix):
            if not is_text(node) or not check(node.value):
                self.fail(node, key, fix)
            elif node.value in found:
                self.complaints.add(node, f"{self.what}: {key} has {shown(node)} twice", "keep one of them")
            else:
                found.append(node.value)
        return tuple(found)

    def children(self, key: str, what: str, fix: str) -> list[YamlMap]:
        """The mappings of a list, each called `what` and its number in complaints."""
        nodes = enumerate(self.items(key, fix), start=1)
        return [YamlMap(self.complaints, node, f"{self.what}: {what} {number}") for number, node in nodes]

    def fail(self, node: yaml.Node, key: str, fix: str) -> None:
        """Complain about the value of a key."""
        self.complaints.add(node, f"{self.what}: {key} is {shown(node)}", fix)

    def reject(self, what: str, fix: str, key: str | None = None) -> None:
        """Complain about the mapping as a whole, at the line of a key if one is given."""
        if not self._broken:
            place = self._keys.get(key, self.node) if key else self.node
            self.complaints.add(place, f"{self.what} {what}", fix)


def is_text(node: yaml.Node) -> bool:
    """Whether a node is a text, and no number, date or truth value; half a surrogate pair is none."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _TEXT and not _HALF.search(node.value)


def _is_quoted(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}


def number_of(node: yaml.Node) -> float | None:
    """The finite number that a node is, unquoted; None for anything else."""
    if not isinstance(node, yaml.ScalarNode) or node.style or not _NUMBER.fullmatch(node.value):
        return None
    value = float(node.value)
    return value if math.isfinite(value) else None


def shown(node: yaml.Node) -> str:
    """A node's value as a complaint shows it, in one line."""
    if isinstance(node, yaml.ScalarNode):
        value = node.value if node.value.isprintable() else ascii(node.value)[1:-1]
        if len(value) > _SHOWN:
            value = value[: _SHOWN - 1] + "…"
        return f"`{value}`" if value else "empty"
    name = "list" if isinstance(node, yaml.SequenceNode) else "mapping"
    return f"a {name}" if node.value else f"an empty {name}"


def compose(file: Path) -> yaml.Node:
    """The tree of a YAML file with its line numbers. Raises DefinitionError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(
            file, None, f"cannot be read ({error})", "set SLA_DEFINITIONS to the file"
        ) from error
    try:
        node = _compose(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"this is not YAML: the character {chr(error.character)!a} cannot stand in it"
        raise _unreadable(file, line, what, "delete it") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        line = mark.line + 1 if mark else 1
        raise _unreadable(file, line, f"this is not YAML: {problem}", "fix the line") from error
    except RecursionError as error:
        raise _unreadable(file, 1, "this is nested too deeply", "give `slas:` and a list") from error
    if node is None:
        raise _unreadable(file, 1, "the file is empty", "give `slas:` and a list")
    return node  # type: ignore[no-any-return]  # yaml.compose is typed as Any


def _compose(text: str) -> Any:
    """Thirty times faster with libyaml; what that refuses is read again, for plainer words."""
    with contextlib.suppress(yaml.YAMLError):
        return yaml.compose(text, Loader=_FAST)
    return yaml.compose(text, Loader=yaml.SafeLoader)


def _unreadable(file: Path, line: int | None, what: str, fix: str) -> DefinitionError:
    place = str(file) if line is None else f"{file}:{line}"
    return DefinitionError((Mistake(place, " ".join(what.split()), fix),))
