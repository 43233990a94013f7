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
    than 100 characters or not printable. The first one beyond the limit is logged. Any thread may ask.
    """

    def __init__(self, label: str, make: Callable[[str], Series], limit: int) -> None:
        """`make` makes what belongs to a value; raises ValueError for a limit below 1."""
        if limit < 1:
            raise ValueError(f"max_label_values is {limit}: give at least 1")
        self._label = label
        self._make = make
        self._limit = limit
        self._made: dict[str, Series] = {}
        self._full = False
        self._lock = Lock()

    def of(self, value: str) -> Series:
        """Return what belongs to the value, or to `other`."""
        found = self._made.get(value)
        return self._add(value) if found is None else found

    def _add(self, value: str) -> Series:
        with self._lock:
            name = value if self._has_room(value) else OTHER
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def _has_room(self, value: str) -> bool:
        if not (value.isprintable() and 1 <= len(value) <= MAX_CHARACTERS):
            return False
        # Another thread may have added it since it was looked for.
        if value in self._made or len(self._made.keys() - {OTHER}) < self._limit:
            return True
        if not self._full:
            self._full = True
            log.warning(
                "label %s has %d values: %r and all further ones count as %r",
                self._label,
                self._limit,
                value,
                OTHER,
            )
        return False
