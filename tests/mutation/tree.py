"""Expressions as a tree of our own, which can be changed and, with `str`, written again on one line.

The nodes of promql_parser can neither be made nor changed, and it writes long expressions over several lines.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from compression.durations import written


@dataclasses.dataclass(frozen=True)
class Number:
    """A number, as it is written."""

    digits: str

    def __str__(self) -> str:
        return self.digits


@dataclasses.dataclass(frozen=True)
class String:
    """A text in an argument, without its quotes."""

    value: str

    def __str__(self) -> str:
        return quoted(self.value)


@dataclasses.dataclass(frozen=True)
class Matcher:
    """One condition on a label; the operator is `=`, `!=`, `=~` or `!~`."""

    name: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.name}{self.operator}{quoted(self.value)}"


@dataclasses.dataclass(frozen=True)
class Selector:
    """Series by name and labels: their last values, or with `span` all that lie in it."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    span: timedelta | None = None
    at: str = ""
    offset: timedelta | None = None

    def __str__(self) -> str:
        span = "" if self.span is None else f"[{written(self.span)}]"
        return f"{self.series}{span}{_tail(self.at, self.offset)}"

    @property
    def series(self) -> str:
        """Name and matchers alone."""
        matchers = ",".join(str(each) for each in self.matchers)
        return self.name + (f"{{{matchers}}}" if matchers or not self.name else "")


@dataclasses.dataclass(frozen=True)
class Subquery:
    """An expression evaluated again and again over a span; without a step, at the interval of evaluation."""

    inner: Node
    span: timedelta
    step: timedelta | None = None
    at: str = ""
    offset: timedelta | None = None

    def __str__(self) -> str:
        step = "" if self.step is None else written(self.step)
        return f"{self.inner}[{written(self.span)}:{step}]{_tail(self.at, self.offset)}"


@dataclasses.dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Node, ...] = ()

    def __str__(self) -> str:
        return f"{self.function}({', '.join(str(each) for each in self.arguments)})"


@dataclasses.dataclass(frozen=True)
class Labels:
    """A list of labels behind its word: `by`, `without`, `on`, `ignoring`, `group_left` or `group_right`."""

    word: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.word} ({', '.join(self.names)})"


@dataclasses.dataclass(frozen=True)
class Aggregate:
    """An aggregation such as `sum by (job) (…)`; `topk` and `quantile` have a parameter."""

    operator: str
    inner: Node
    grouping: Labels | None = None
    parameter: Node | None = None

    def __str__(self) -> str:
        space = "" if self.grouping is None else " "
        parameter = "" if self.parameter is None else f"{self.parameter}, "
        return f"{self.head}{space}({parameter}{self.inner})"

    @property
    def head(self) -> str:
        """How it aggregates, without what: `sum by (job)`."""
        return self.operator + ("" if self.grouping is None else f" {self.grouping}")


@dataclasses.dataclass(frozen=True)
class Binary:
    """Two sides and the operator between them, with the labels on which they are joined."""

    left: Node
    operator: str
    right: Node
    returns_bool: bool = False
    matching: Labels | None = None
    group: Labels | None = None

    def __str__(self) -> str:
        return f"{self.left} {self.right_side}"

    @property
    def right_side(self) -> str:
        """All but the left side: `> 0.05`."""
        words = [self.operator, *(["bool"] if self.returns_bool else [])]
        words += [str(each) for each in (self.matching, self.group) if each is not None]
        return " ".join([*words, str(self.right)])


@dataclasses.dataclass(frozen=True)
class Paren:
    """An expression in parentheses."""

    inner: Node

    def __str__(self) -> str:
        return f"({self.inner})"


@dataclasses.dataclass(frozen=True)
class Negative:
    """An expression with a minus before it."""

    inner: Node

    def __str__(self) -> str:
        return f"-{self.inner}"


Node = Number | String | Selector | Subquery | Call | Aggregate | Binary | Paren | Negative


def children(node: Node) -> dict[str, Node]:
    """The nodes below a node, by the name of their place."""
    match node:
        case Call():
            return {str(number): each for number, each in enumerate(node.arguments)}
        case Binary():
            return {"left": node.left, "right": node.right}
        case Aggregate() if node.parameter is not None:
            return {"parameter": node.parameter, "inner": node.inner}
        case Aggregate() | Subquery() | Paren() | Negative():
            return {"inner": node.inner}
        case _:
            return {}


def with_child(node: Node, place: str, child: Node) -> Node:
    """The node with another node at a place that `children` has named."""
    if isinstance(node, Call):
        arguments = [child if str(number) == place else each for number, each in enumerate(node.arguments)]
        return dataclasses.replace(node, arguments=tuple(arguments))
    changes: dict[str, Node] = {place: child}
    return dataclasses.replace(node, **changes)  # type: ignore[arg-type]  # the place is a field of the node


def quoted(value: str) -> str:
    """A text in quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _tail(at: str, offset: timedelta | None) -> str:
    return (f" {at}" if at else "") + (f" offset {written(offset)}" if offset else "")
