"""The components of an SLA over a period: which of them are shown, and how much of it they should have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sla_worker.database.definitions import StoredDefinition
from sla_worker.database.exclusions import InForce
from sla_worker.database.rows import Pair
from sla_worker.database.sums import NONE, Found, Sums, total
from sla_worker.database.versions import StoredVersion, at
from sla_worker.model import Status


class Series(NamedTuple):
    """One component of an SLA as the ledger has it, and what its newest slot says."""

    name: str
    pair: Pair = (0, 0)
    first_slot: int | None = None
    slot: int | None = None
    actual: float | None = None
    status: Status = Status.NO_DATA
    in_breach: bool = False


class Component(NamedTuple):
    """A series over a period; `sums` is None when no slot of it lies in there.

    `pieces` are the same for each piece of the period.
    """

    series: Series
    sums: Sums | None = None
    pieces: Sequence[Sums | None] = ()

    @property
    def begins(self) -> int:
        """Its first slot in the ledger: one that was measured has one."""
        return self.series.first_slot or 0


def shown(definition: StoredDefinition, found: Sequence[Component]) -> Sequence[Component]:
    """The components that were measured in the period; without any, the one that the definition names.

    Slots without any data stand under the component of the definition: that is none of its own where others
    were measured, and its time is theirs. One that the newest slot does not have is gone: it keeps its
    figures, but says nothing about now.
    """
    measured = [each for each in found if each.sums is not None]
    if measured and len(found) == 1:
        return measured
    if not measured:
        named = (each for each in found if each.series.name == definition.component)
        return [next(named, Component(Series(definition.component)))]
    newest = max((each.series.slot for each in measured if each.series.slot is not None), default=None)
    if len(measured) > 1:
        measured = _without_unmeasured(definition.component, measured)
    return [each if each.series.slot == newest else _gone(each) for each in measured]


def _gone(component: Component) -> Component:
    return component._replace(series=component.series._replace(actual=None, status=Status.NO_DATA))


def _without_unmeasured(name: str, measured: list[Component]) -> list[Component]:
    """What the slots without any data add to the components that came first: time that was not measured.

    Without it an SLA that is split would seem to be covered better than one that is not. A component that
    came later joined then, and has missed nothing.
    """
    named = next((each for each in measured if each.series.name == name), None)
    if named is None or named.sums is None or named.sums.covered:
        return measured
    rest = [each for each in measured if each is not named]
    first = min(each.begins for each in rest)
    left_out = NONE._replace(left_out=named.sums.left_out)
    return [
        each._replace(
            series=each.series._replace(first_slot=min(first, named.begins)),
            sums=(each.sums or NONE).plus(left_out),
        )
        if each.begins == first
        else each
        for each in rest
    ]


def over(series: Sequence[Series], sums: Sequence[Found]) -> list[Component]:
    """The series over a period, by the sums of each of its pieces."""
    if len(sums) == 1:
        [only] = sums
        found = [only.get(each.pair) for each in series]
        return [Component(each, counted, (counted,)) for each, counted in zip(series, found, strict=True)]
    return [summed(each, [piece.get(each.pair) for piece in sums]) for each in series]


def summed(series: Series, pieces: Sequence[Sums | None]) -> Component:
    """A series over some pieces."""
    counted = [each for each in pieces if each is not None]
    return Component(series, total(counted) if counted else None, pieces)


class Expected(NamedTuple):
    """How many slots a component should have, those that are excluded left out; and their seconds."""

    slots: float
    excluded_seconds: int

    def coverage(self, sums: Sums) -> float:
        """The measured share.

        Nothing is expected where every slot was left out, out of hours say: nothing is missing either.
        """
        expected = self.slots - sums.left_out
        if expected > 0:
            return min(float(sums.covered) / expected, 1.0)
        return 1.0 if sums.left_out or self.excluded_seconds else 0.0


def expected(
    versions: Sequence[StoredVersion],
    component: Component,
    pieces: Iterable[tuple[int, int]],
    in_force: InForce,
    slot_seconds: int,
) -> Expected:
    """The slots of some pieces since the first of a component, while its SLA was in force.

    One that has no slots at all should have them from the beginning.
    """
    sla_id, first = versions[0].sla_id, component.series.first_slot
    since = None if first is None else first - slot_seconds
    covered = in_force.covered(sla_id, component.series.name) if in_force.anything else None
    seconds = excluded = 0
    for start, end in pieces:
        begin = start if since is None else max(start, since)
        if begin < end and at(versions, end).enabled:
            seconds += end - begin
            if covered is not None:
                excluded += covered.seconds(begin, end)
    return Expected((seconds - excluded) / slot_seconds, excluded)
