"""Which definitions are in force in which slots: those of the file now, and the former versions of them.

Slots come late: after an outage, when they are read again, or when somebody asks for it. They are measured
and judged by what was in force at their end, whatever the file says by now.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from sla_worker.model import Definition
from sla_worker.sli.content import read


class Version(Protocol):
    """A version of an SLA; database/versions.py has the real one."""

    @property
    def number(self) -> int: ...
    @property
    def valid_from(self) -> int: ...
    @property
    def enabled(self) -> bool: ...


class Versions(Protocol):
    """What is asked of the ledger."""

    def versions(self) -> Mapping[str, Sequence[Version]]:
        """The versions of each SLA by its key, oldest first."""
        ...

    def version_content(self, key: str, number: int) -> str | None:
        """All that a version judges by; None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class _Epoch:
    """The time between two neighbouring beginnings of versions."""

    definitions: tuple[Definition, ...]
    keys: frozenset[str]
    current: frozenset[str]  # of those that are measured as the file says now


class InForce:
    """The definitions of the file, and of the ledger those that were in force before.

    Without a ledger the file holds for all slots.
    """

    def __init__(self, definitions: Sequence[Definition], ledger: Versions | None = None) -> None:
        self._file = {each.key: each for each in definitions}
        self._ledger = ledger
        self._versions: Mapping[str, Sequence[Version]] = {}
        self._borders: list[int] = []
        self._epochs: dict[int, _Epoch] = {}

    def refresh(self) -> None:
        """Take the versions that the ledger has now."""
        if self._ledger is None:
            return
        versions = self._ledger.versions()
        if versions != self._versions:
            self._versions = versions
            self._borders = sorted({each.valid_from for found in versions.values() for each in found})
            self._epochs.clear()

    def epoch(self, slot: int) -> int:
        """The same number for slots in which the same versions hold."""
        return bisect_left(self._borders, slot)

    def at(self, slot: int) -> tuple[Definition, ...]:
        """What is measured in the slot ending at `slot`: what is in force, and new SLAs before they were."""
        return self._epoch(slot).definitions

    def only(self, slots: Mapping[str, AbstractSet[int]]) -> dict[str, AbstractSet[int]]:
        """Of slots by SLA those in which it is measured."""
        if not self._borders:
            return dict(slots)
        return {
            key: {slot for slot in found if key in self._epoch(slot).keys} for key, found in slots.items()
        }

    def is_current(self, key: str, slot: int) -> bool:
        """Whether an SLA is measured in a slot as the file says now, and not by a former version."""
        return key in self._epoch(slot).current

    def members(self, composite: Definition, slot: int) -> AbstractSet[str] | None:
        """The SLAs that a composite may count in a slot; None: all that are measured in it.

        An SLA that was defined later was no part of it then, even if its past was filled in since. A slot
        before the composite itself was defined is scored from those that were there when it was.
        """
        first = self._begin(composite.key)
        seen_at = max(slot, first + 1)
        keys = self._epoch(slot).keys
        counted = {key for key in keys if self._begin(key) < seen_at and key in self._epoch(seen_at).keys}
        return None if len(counted) == len(keys) else counted

    def _begin(self, key: str) -> int:
        found = self._versions.get(key)
        return found[0].valid_from if found else 0

    def _epoch(self, slot: int) -> _Epoch:
        number = self.epoch(slot)
        found = self._epochs.get(number)
        if found is None:
            keys = [*self._file, *(key for key in self._versions if key not in self._file)]
            definitions = tuple(each for key in keys if (each := self._definition(key, slot)) is not None)
            found = self._epochs[number] = _Epoch(
                definitions,
                frozenset(each.key for each in definitions),
                frozenset(each.key for each in definitions if each is self._file.get(each.key)),
            )
        return found

    def _definition(self, key: str, slot: int) -> Definition | None:
        """What an SLA was judged by; None when it was not in force, or nobody knows by what.

        A ledger of a former release does not say: then it is what is known of the time after it.
        """
        now = self._file.get(key)
        versions = self._versions.get(key, ())
        begun = [each for each in versions if each.valid_from < slot] or list(versions[:1])
        if not begun:
            return now
        if not begun[-1].enabled:
            return None
        for each in versions[len(begun) - 1 :]:
            if now is not None and each is versions[-1]:
                return now
            text = None if self._ledger is None else self._ledger.version_content(key, each.number)
            if text is not None:
                return read(text, key=key, name=key if now is None else now.name)
        return now
