"""A bound for the values of a label: a label whose values grow with the traffic would drown Prometheus."""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

OTHER: Final = "other"
"""The value that stands for all values beyond the bound."""

MAX_VALUES: Final = 100
MAX_CHARACTERS: Final = 100
"""Four bytes each at most: within the 500 that prometheus.yml lets a value have."""

Series = TypeVar("Series")


class Bounded(Generic[Series]):
    """What belongs to each value of a label, made when the value is first seen.

    A value beyond the first `limit` ones has what belongs to `other`, and so has one that is empty, longer
    than 100 characters or not printable. The first one beyond the limit is logged. Safe to use from every
    thread, and from a log handler: nothing that could come back here is called while the lock is held.
    """

    def __init__(self, label: str, make: Callable[[str], Series], limit: int) -> None:
        """`make` makes what belongs to a value; threads that come together may each call it for the same one.

        Raises ValueError for a limit below 1.
        """
        if limit < 1:
            raise ValueError(f"max_label_values is {limit}: give at least 1")
        self._label = label
        self._make = make
        self._limit = limit
        self._made: dict[str, Series] = {}
        self._kept: set[str] = set()
        self._full = False
        self._lock = Lock()

    def of(self, value: str) -> Series:
        """Return what belongs to the value, or to `other`."""
        found = self._made.get(value)
        return self._add(value) if found is None else found

    def _add(self, value: str) -> Series:
        name = value if self._has_room(value) else OTHER
        found = self._made.get(name)
        # setdefault is one step: every thread gets what the first of them has made.
        return self._made.setdefault(name, self._make(name)) if found is None else found

    def _has_room(self, value: str) -> bool:
        if value == OTHER:
            return True
        if not (value.isprintable() and 1 <= len(value) <= MAX_CHARACTERS):
            return False
        with self._lock:
            # Another thread may have added it since it was looked for.
            if value in self._kept or len(self._kept) < self._limit:
                self._kept.add(value)
                return True
            first, self._full = not self._full, True
        if first:
            log.warning(
                "label %s has %d values: %r and all further ones count as %r",
                self._label,
                self._limit,
                value,
                OTHER,
            )
        return False
