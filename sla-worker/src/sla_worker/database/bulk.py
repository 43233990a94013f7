"""What copying a whole ledger needs of a database: all rows of a table out, and in, one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sla_worker.database.engine import Dialect

_DIGEST_BYTES = 16
_SUMS = 2 ** (8 * _DIGEST_BYTES)


class Bulk(Dialect, Protocol):
    """A dialect that streams. Memory is that of one row, whatever a table holds."""

    def tables(self) -> Mapping[str, Sequence[str]]:
        """The tables that are there, by name, with their columns; those of other programs as well."""
        ...

    def stream(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """All rows of a table, in any order."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows to a table."""
        ...

    def filling(self, make: Callable[[], None]) -> AbstractContextManager[None]:
        """A transaction that makes tables, and in which they may then be filled in any order.

        At its end all references are checked, and everything is undone if one of them leads nowhere.
        """
        ...

    def stored(self, value: Any) -> Any:
        """The value as this database gives it back."""
        ...


class Sum:
    """How many rows were seen, and a sum of their digests that does not depend on the order of rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row: Sequence[Any]) -> None:
        """Take one row in. 0.0 and -0.0 are the same figure: SQLite does not tell them apart."""
        values = [each + 0.0 if isinstance(each, float) else each for each in row]
        digest = hashlib.blake2b(repr(values).encode(), digest_size=_DIGEST_BYTES).digest()
        self._sum = (self._sum + int.from_bytes(digest)) % _SUMS
        self.rows += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.rows, self._sum) == (other.rows, other._sum)

    def __hash__(self) -> int:
        return hash((self.rows, self._sum))
