"""Where a benchmark keeps its ledger: in a file of SQLite, or in a PostgreSQL server of its own."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postgresql import Server, running_postgresql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TABLES = """
SELECT COALESCE(SUM(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
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
        [(size,)] = self._server.query(_TABLES)
        return float(size) / 1e6

    def server_cpu(self) -> float:
        """CPU seconds of the server's processes so far; 0 where there is none."""
        if self._server is None or self._server.process is None:
            return 0.0
        main = self._server.process.pid
        fields = _stat(main)
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return ended + sum(_nanoseconds(each) for each in (main, *_children(main))) / 1e9


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


def _children(main: int) -> Iterator[int]:
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
