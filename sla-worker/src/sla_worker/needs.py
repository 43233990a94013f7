"""What a form of an SLI wants read, and what it is told of it: the values between forms and readers."""

from __future__ import annotations

import enum
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sla_worker.selectors import Selector

WHOLE = ""
"""The component of what is not split, as long as it is measured."""

UNDIVIDED = "all"
"""The component of an SLA that is not split; of a split one that of slots in which nothing was measured."""

MISSING = "none"
"""What a component's name has for a label that a series does not have, or has without a value."""

_ODD = re.compile(r"[/\\]")
_VALUE = re.compile(r"(?:\\.|[^/\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TAKEN = re.compile(rf"\\*(?:{UNDIVIDED}|{MISSING})")


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

    No two parts have one name: a value that is itself `none` is written as \\none, one of a single label that
    is `all` as \\all, and of several labels a / in a value as \\/. A database may not be able to hold a NUL.
    """
    if not by:
        return WHOLE
    name = _name(by, labels)
    if "\0" in name:
        return name.replace("\0", "\N{REPLACEMENT CHARACTER}") + f" #{zlib.crc32(name.encode()):08x}"
    return name


def _name(by: tuple[str, ...], labels: Mapping[str, str]) -> str:
    values = [labels.get(each, "") for each in by]
    if len(values) == 1:
        value = values[0]
        return (f"\\{value}" if _TAKEN.fullmatch(value) else value) if value else MISSING
    if any(value == MISSING or "/" in value or "\\" in value for value in values):
        values = [f"\\{value}" if value == MISSING else _ODD.sub(r"\\\g<0>", value) for value in values]
    return "/".join([value or MISSING for value in values])


def label_values(by: tuple[str, ...], name: str) -> list[str | None]:
    """The values of the labels that a component's name is made of; None for a label that is not there."""
    if len(by) == 1:
        if name == MISSING:
            return [None]
        return [name.removeprefix("\\") if _TAKEN.fullmatch(name) else name]
    return [None if each == MISSING else _ESCAPED.sub(r"\1", each) for each in _VALUE.findall(name)]


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
