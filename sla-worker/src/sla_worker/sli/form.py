"""What every form of an SLI has in common: what it reads, what it is asked, what ratios need."""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from sla_worker.evaluation import allowance_used, meets
from sla_worker.model import Comparison, Definition, Figures, Judgement, Member, Promise
from sla_worker.needs import Expression
from sla_worker.promql_text import refuse_folded
from sla_worker.selectors import Selector, parse_selector

_T = TypeVar("_T")
_CONDITION = re.compile(r"(==|!=|<=|>=|<|>) *([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "==": operators.eq,
    "!=": operators.ne,
    "<=": operators.le,
    ">=": operators.ge,
    "<": operators.lt,
    ">": operators.gt,
}
NOTHING = Selector("")
"""Stands in for a selector that could not be read; the SLA is refused then."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a sample must satisfy to be good, such as `<= 50`."""

    operator: str
    number: float

    def holds(self, value: float) -> bool:
        """Whether a value satisfies it; NaN satisfies nothing but `!=`."""
        return _OPERATORS[self.operator](value, self.number)

    def __str__(self) -> str:
        return f"{self.operator} {self.number:.15g}"


IS_ONE = Condition("==", 1.0)


class Source(Protocol):
    """The mapping `sli:` of the file of definitions, as a form reads it; definitions/ has the real one.

    What is wrong is noted, and a stand-in returned: the SLA is refused when the reading has ended.
    """

    def parsed(self, key: str, parse: Callable[[str], _T], stand_in: _T, fix: str) -> _T:
        """What `parse` makes of a text; its ValueError says why it cannot be used."""
        ...

    def number(self, key: str, check: Callable[[float], bool], fix: str) -> float:
        """A number that `check` accepts."""
        ...

    @property
    def thorough(self) -> bool:
        """Whether expressions are parsed too."""
        ...

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        ...

    def keeps_lines(self, key: str) -> bool:
        """Whether the lines of a text are those of the file, and not folded into one."""
        ...

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        """One of a few words."""
        ...

    def text(self, key: str, check: Callable[[str], object], fix: str) -> str:
        """A text that `check` accepts."""
        ...

    def allow(self, *known: str) -> None:
        """Refuse other keys than these."""
        ...

    def children(self, key: str, what: str, fix: str) -> Sequence[Source]:
        """The mappings of a list, each called `what` and its number in complaints."""
        ...

    def reject(self, what: str, fix: str, key: str | None = None) -> None:
        """Complain about the mapping as a whole."""
        ...


def selector(source: Source, key: str) -> Selector:
    """A metric's name with or without label matchers."""
    fix = 'give a selector like name{label="value"}, or {"http.requests"} for a name with dots'
    return source.parsed(key, unfolded(source, key, parse_selector), NOTHING, fix)


def unfolded(source: Source, key: str, parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """The parser of a key's text, which refuses a comment that hides part of it."""

    def parsed(text: str) -> _T:
        if not source.keeps_lines(key):
            refuse_folded(text)
        return parse(text)

    return parsed


def condition(source: Source) -> Condition:
    """A comparison with a number."""
    return source.parsed("condition", _condition, IS_ONE, "give a comparison with a number, like <= 50")


def _condition(text: str) -> Condition:
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise ValueError("it compares nothing with a number")
    return Condition(match[1], float(match[2]))


def objective(source: Source) -> float:
    """The share of events that must be within the target."""
    return source.number(
        "objective", lambda value: 0 < value < 1, "give a ratio between 0 and 1 (95 % is 0.95)"
    )


def figures(pairs: Iterable[tuple[float, float]], coverage: Iterable[float]) -> list[Figures]:
    """Good and total events of each slot, with the measured share of it."""
    return [
        Figures(good=good, total=total, coverage=share)
        for (good, total), share in zip(pairs, coverage, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class RatioForm:
    """A form whose value is the ratio of its two counts; a subclass says how they are counted."""

    unit: ClassVar[str | None] = "ratio"
    comparison: ClassVar[Comparison | None] = None
    one_event_a_slot: ClassVar[bool] = False

    @property
    def percentile(self) -> float | None:
        """None: it has none."""
        return None

    def asked(self, _slot_seconds: int) -> str | None:
        """None: it reads series."""
        return None

    @property
    def members(self) -> tuple[Member, ...]:
        """None: it is measured itself."""
        return ()

    def expressions(self, _definition: Definition, _slot_seconds: int) -> tuple[Expression, ...]:
        """None: the counts say it all."""
        return ()

    def judge(self, promise: Promise, good: float, total: float, _shown: float | None) -> Judgement:
        """The good share, or the bad one where the target is an upper limit."""
        actual = (total - good if promise.comparison is Comparison.AT_MOST else good) / total
        return Judgement(
            kept=meets(promise.comparison, promise.target, actual),
            actual=actual,
            used=allowance_used(promise.comparison, promise.target, actual, promise.unit),
        )
