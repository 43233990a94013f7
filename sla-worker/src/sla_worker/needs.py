"""What a form of an SLI wants read, and what it is told of it: the values between forms and readers."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sla_worker.selectors import Selector

_ODD = re.compile(r"[/\\]")
_VALUE = re.compile(r"(?:\\.|[^/\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
WHOLE = ""
"""The component of what is not split."""


class Kind(enum.Enum):
    """What the samples of a series are read for."""

    COUNTER = enum.auto()  # by how much it rises
    GAUGE = enum.auto()  # its values
    STATE = enum.auto()  # its values, and each failed scrape as a bad one


@dataclass(frozen=True, slots=True)
class Need:
    """Series that are read sample by sample, split by the labels `by`.

    `bound` asks for the buckets of a histogram at that `le`, compared as a number. With `baseline` a series
    that was not there before counts nothing at first.
    """

    selector: Selector
    kind: Kind
    by: tuple[str, ...] = ()
    bound: float | None = None
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """PromQL that is evaluated at the end of each slot; its series are told apart by the labels `by`."""

    text: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an SLA asks for; its form finds it in the order in which it named it."""

    needs: tuple[Need, ...] = ()
    expressions: tuple[Expression, ...] = ()


def component(by: tuple[str, ...], labels: Mapping[str, str]) -> str:
    """The part of an SLA that a series belongs to: the values of the labels, joined by /.

    Of several labels, a / in a value is written as \\/, or two components could have one name.
    """
    if not by:
        return WHOLE
    name = "/".join([labels.get(each) or "none" for each in by])
    if len(by) > 1 and (name.count("/") >= len(by) or "\\" in name):
        return "/".join([_ODD.sub(r"\\\g<0>", labels.get(each) or "none") for each in by])
    return name


def label_values(by: tuple[str, ...], name: str) -> list[str]:
    """The values of the labels that a component's name is made of."""
    if len(by) == 1:
        return [name]
    return [_ESCAPED.sub(r"\1", each) for each in _VALUE.findall(name)]


class Counts(Protocol):
    """What was read of a stretch of slots. All sequences are one value a slot, oldest first."""

    @property
    def slots(self) -> range:
        """The ends of the slots."""
        ...

    def increases(self, need: Need) -> Mapping[str, Sequence[float]]:
        """By how much its counters rose, by component; one whose series were not seen is not there."""
        ...

    def held(self, need: Need, holds: Callable[[float], bool]) -> Mapping[str, Sequence[tuple[int, int]]]:
        """The samples for which a condition holds, and all, by component."""
        ...

    def values(self, expression: Expression) -> Mapping[str, Sequence[float | None]]:
        """The values of an expression by component; None where it had none, NaN where it was no number."""
        ...

    def coverage(self, needs: Iterable[Need], component: str) -> Sequence[float]:
        """The measured share of each slot; for a state, a scrape that failed is a measurement."""
        ...

    def without_bucket(self, total: Need, within: Need) -> Mapping[str, str]:
        """The components with a histogram that has no bucket at the bound, and the buckets it has instead."""
        ...
