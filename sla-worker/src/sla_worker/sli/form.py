"""What every form of an SLI has in common: what it reads, what it is asked, what ratios need."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NoReturn, Protocol

from sla_worker import promql
from sla_worker.conventions import COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.evaluation import allowance_used, meets
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Judgement, Member, Promise

METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# Blanks only: a line break would end the line that the expression has in the file of rules.
_MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]* *(?:=~|!~|!=|=) *"(?:[^"\\\n]|\\.)*"'
MATCHERS = re.compile(rf"(?:{_MATCHER}(?: *, *{_MATCHER})* *,?)?")
SELECTOR = re.compile(rf"{METRIC.pattern}(?:\{{ *{MATCHERS.pattern} *\}})?")


class Source(Protocol):
    """The mapping `sli:` of the file of definitions, as a form reads it; definitions/ has the real one."""

    def text(self, key: str, check: Callable[[str], object], fix: str) -> str:
        """A text that `check` accepts."""
        ...

    def number(self, key: str, check: Callable[[float], bool], fix: str) -> float:
        """A number that `check` accepts."""
        ...

    def has(self, key: str) -> bool:
        """Whether the key is there; it is known from now on."""
        ...

    def reject(self, what: str, fix: str) -> NoReturn:
        """Complain about the mapping as a whole."""
        ...


def selector(source: Source, key: str) -> str:
    """A metric's name with or without label matchers."""
    return source.text(key, SELECTOR.fullmatch, 'give a selector like name{label="value"}')


def name_of(selector: str) -> str:
    """The metric's name of a selector."""
    return selector.partition("{")[0]


@dataclass(frozen=True, slots=True)
class RatioForm:
    """A form whose value is the ratio of its two counts; a subclass says how they are counted."""

    unit: ClassVar[str] = "ratio"
    comparison: ClassVar[Comparison | None] = None

    @property
    def percentile(self) -> float | None:
        """None: it has none."""
        return None

    @property
    def members(self) -> tuple[Member, ...]:
        """None: it is measured itself."""
        return ()

    def good_and_total(self, grid: Grid) -> tuple[str, str]:
        """The expressions of the two counts."""
        raise NotImplementedError

    @property
    def scraped(self) -> str:
        """The selector whose samples show that a scrape took place."""
        raise NotImplementedError

    def figures(self, grid: Grid) -> Mapping[str, str]:
        """What is asked of raw series, by the names of the recording rules."""
        good, total = self.good_and_total(grid)
        return {GOOD_EVENTS: good, TOTAL_EVENTS: total, COVERAGE: promql.coverage(self.scraped, grid)}

    def judge(self, promise: Promise, good: float, total: float, _shown: float | None) -> Judgement:
        """The good share, or the bad one where the target is an upper limit."""
        actual = (total - good if promise.comparison is Comparison.AT_MOST else good) / total
        return Judgement(
            kept=meets(promise.comparison, promise.target, actual),
            actual=actual,
            used=allowance_used(promise.comparison, promise.target, actual, promise.unit),
        )
