"""Where a benchmark keeps its ledger: in a file of SQLite, or in a PostgreSQL server of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postgresql import Server, running_postgresql
from truth.places import read

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TABLES = """
SELECT COALESCE(i.inhparent, c.oid)::regclass::text, SUM(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY size DESC
"""
_PAGES = """
SELECT m.tbl_name, SUM(s.pgsize) AS size FROM dbstat s JOIN sqlite_master m ON m.name = s.name
WHERE s.aggregate = TRUE GROUP BY 1 ORDER BY size DESC
"""


class Ledger:
    """An empty place, what it holds and what its server has used."""

    def __init__(self, directory: Path, server: Server | None = None) -> None:
        self._directory = directory
        self._server = server
        self.place: Path | str = directory / "sla.db" if server is None else server.url()

    def megabytes(self) -> float:
        """The size of the file and its log, or of the tables and their indexes."""
        if self._server is None:
            return sum(each.stat().st_size for each in self._directory.iterdir()) / 1e6
        return sum(self.tables().values())

    def tables(self) -> dict[str, float]:
        """The megabytes of each table with its indexes and partitions, the largest first.

        Empty for a SQLite that was built without the table that says so.
        """
        if self._server is not None:
            return {name: float(size) / 1e6 for name, size in self._server.query(_TABLES)}
        with contextlib.suppress(sqlite3.OperationalError):
            [found] = read(self.place, [_PAGES])
            return {name: size / 1e6 for name, size in found}
        return {}

    def server_cpu(self) -> float:
        """CPU seconds of the server's processes so far; 0 where there is none."""
        if self._server is None or self._server.process is None:
            return 0.0
        main = self._server.process.pid
        fields = _stat(main)
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return ended + sum(_nanoseconds(each) for each in (main, *children(main))) / 1e9


def asked_for(parser: argparse.ArgumentParser) -> None:
    """The option of a benchmark that says which database."""
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), default=SQLITE)


@contextmanager
def ledger(kind: str, directory: Path) -> Iterator[Ledger]:
    """A place for a ledger."""
    if kind == SQLITE:
        yield Ledger(directory)
        return
    with running_postgresql() as server:
        yield Ledger(directory, server)


def children(main: int) -> Iterator[int]:
    """The processes that a process has started."""
    for each in Path("/proc").iterdir():
        with contextlib.suppress(OSError):  # it has just ended
            if each.name.isdigit() and int(_stat(int(each.name))[1]) == main:
                yield int(each.name)


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def _nanoseconds(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    return 0
