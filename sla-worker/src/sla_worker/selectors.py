"""Selectors of series as Prometheus writes them, and which series they select.

The grammar is that of Prometheus, with quoted UTF-8 names: `a{b="c"}`, `{"a.b", c="d"}`.
What selects by more than one name, at another time or by alternatives is refused: an SLA counts the series of
one metric.
"""

from __future__ import annotations

import functools
import importlib
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from sla_worker.promql_text import OPEN, quoted

if TYPE_CHECKING:
    import promql_parser

LEGACY_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NAME_LABEL = "__name__"
# What nearly every selector looks like; only others, and expressions, need the library and its 3 MB.
_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*) *(=~|!~|!=|=) *"([^"\\\n]*)"')
_PLAIN = re.compile(
    rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{ *((?:{_MATCHER.pattern} *, *)*(?:{_MATCHER.pattern})?) *\}})?"
)
_ODD = re.compile(r"__name__|\(\?")
_WORDS = frozenset({"inf", "nan", "bool", "on", "ignoring", "group_left", "group_right", "atan2"})
_LONGEST = 4000  # letters; nobody writes that by hand, and no parser is asked to nest without end
_SETS = re.compile(r"\\.|\[\]?[^\]]*\]")
_NOT_RE2 = re.compile(r"[*+?}][*+]|\{,")
_UNCLOSED = re.compile(r"unexpected end|unclosed")


class SelectorError(ValueError):
    """A text is not the selector or expression that is wanted; `str()` says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label. `operator` is `=`, `!=`, `=~` or `!~`."""

    label: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy it; a label that is not there is an empty one, a regex matches all of it."""
        return _test(self.operator, self.value)(labels.get(self.label, ""))

    def __str__(self) -> str:
        label = self.label if LABEL.fullmatch(self.label) else quoted(self.label)
        return f"{label}{self.operator}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """The series of one metric, all or those with certain labels."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series, given with its `__name__`, is selected."""
        return labels.get(_NAME_LABEL) == self.name and all(each.matches(labels) for each in self.matchers)

    def renamed(self, name: str) -> Selector:
        """The same conditions on another metric."""
        return Selector(name, self.matchers)

    def bare(self) -> Selector:
        """All series of the metric."""
        return Selector(self.name)

    def plus(self, *matchers: Matcher) -> Selector:
        """The same with further conditions."""
        return Selector(self.name, (*self.matchers, *matchers))

    def __str__(self) -> str:
        inside = [str(each) for each in self.matchers]
        if not LEGACY_NAME.fullmatch(self.name):
            return "{" + ", ".join([quoted(self.name), *inside]) + "}"
        return self.name + ("{" + ", ".join(inside) + "}" if inside else "")


def parse_selector(text: str) -> Selector:
    """The selector that a text is. Raises SelectorError."""
    plain = _PLAIN.fullmatch(text.strip()) if len(text) <= _LONGEST and not _ODD.search(text) else None
    if plain is not None and plain[1].lower() not in _WORDS:
        matchers = tuple(Matcher(*each) for each in _MATCHER.findall(plain[2] or ""))
        found = Selector(plain[1], matchers)
    else:
        found = _parse_odd(text)
    for matcher in found.matchers:
        _test(matcher.operator, matcher.value)
    return found


def _parse_odd(text: str) -> Selector:
    """By the library, which knows all of the grammar."""
    library = parser_library()
    parsed = _parse(text)
    if isinstance(parsed, library.MatrixSelector):
        raise SelectorError("it has a range; leave the brackets out")
    if not isinstance(parsed, library.VectorSelector):
        raise SelectorError("it is an expression, not a selector of series")
    if parsed.offset is not None or parsed.at is not None:
        raise SelectorError("it looks at another time; leave `offset` and `@` out")
    if parsed.matchers.or_matchers:
        raise SelectorError("it has alternatives; leave `or` out of the braces")
    name, matchers = parsed.name, []
    for each in parsed.matchers.matchers:
        if each.name != _NAME_LABEL:
            matchers.append(_matcher(each))
        elif name is None and each.op == library.MatchOp.Equal and each.value:
            name = each.value
        else:
            raise SelectorError("it selects by more than one name; give the name of one metric")
    if name is None:
        raise SelectorError("it names no metric; give the name of one metric")
    return Selector(name, tuple(matchers))


def matchers_of(parsed: promql_parser.VectorSelector) -> list[Matcher]:
    """The conditions of a selector in a parsed expression."""
    return [_matcher(each) for each in parsed.matchers.matchers]


def check_expression(text: str) -> None:
    """Raise SelectorError for what is no PromQL, or gives no number a series."""
    library = parser_library()
    parsed = _parse(text)
    if isinstance(parsed, library.MatrixSelector | library.StringLiteral):
        raise SelectorError("it gives no number; wrap a range in a function such as avg_over_time")
    if isinstance(parsed, library.SubqueryExpr):
        raise SelectorError("it gives a range; wrap it in a function such as avg_over_time")
    try:
        library.parse(f'label_replace(({text}), "a", "", "", "")')  # as it is asked
    except ValueError as error:
        raise SelectorError("it gives a number and no series; wrap it in vector(...)") from error


def parser_library() -> ModuleType:
    """promql_parser, which is loaded when it is first needed."""
    return importlib.import_module("promql_parser")


def _parse(text: str) -> promql_parser.Expr:
    if len(text) > _LONGEST:
        raise SelectorError(f"it is longer than {_LONGEST} letters")
    try:
        return parser_library().parse(text)  # type: ignore[no-any-return]  # a module loaded by its name
    except ValueError as error:
        said = " ".join(str(error).split())
        reason = OPEN if _UNCLOSED.search(said) else said
        raise SelectorError(reason) from error


def _matcher(parsed: promql_parser.Matcher) -> Matcher:
    return Matcher(parsed.name, _operator(parsed.op), parsed.value)


def _operator(parsed: promql_parser.MatchOp) -> str:
    known = parser_library().MatchOp
    pairs = ((known.Equal, "="), (known.NotEqual, "!="), (known.Re, "=~"), (known.NotRe, "!~"))
    return next(text for operator, text in pairs if operator == parsed)


@functools.lru_cache(maxsize=4096)
def _test(operator: str, value: str) -> Callable[[str], bool]:
    """A matcher's condition on the label's value. Raises SelectorError for a regex that cannot be used."""
    if operator == "=":
        return value.__eq__
    if operator == "!=":
        return value.__ne__
    pattern = _regex(value)
    if operator == "=~":
        return lambda text: pattern.fullmatch(text) is not None
    return lambda text: pattern.fullmatch(text) is None


def _regex(value: str) -> re.Pattern[str]:
    """RE2's pattern as one of Python's; what the two read differently is refused, never read wrongly."""
    refusal = "upper and lower case of letters beyond ASCII" if "(?i" in value and not value.isascii() else ""
    if _NOT_RE2.search(_SETS.sub("x", value)):
        refusal = "a repetition that RE2 reads differently"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns where it reads [[:alpha:]] as a plain set
        try:
            pattern = re.compile(value, re.DOTALL | re.ASCII)
        except (re.error, Warning, OverflowError, RecursionError) as error:
            refusal = str(error)
    if refusal:
        raise SelectorError(
            f"the regex {value} cannot be used here ({refusal}); write it with plain sets and groups"
        )
    return pattern
