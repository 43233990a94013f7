"""A PostgreSQL server of the tests' own: one a process of pytest, on a free port, never as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from ports import free_port
from programs import not_there
from waiting import patience, poll

_INITDB = ("-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB")


@dataclass
class Server:
    """A server that runs. `process` may be stopped and started by a test of lost connections."""

    program: Path
    data: Path
    port: int
    account: str | None
    process: subprocess.Popen[bytes] | None = None

    def url(self, schema: str | None = None) -> str:
        """How the user of the tests reaches its database, in one schema."""
        options = f"?options=-csearch_path%3D{schema}" if schema else ""
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres{options}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.data}"]
        options = [part for each in (*settings, *_FAST) for part in ("-c", each)]
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.program), "-D", str(self.data), *options],
                stdout=log,
                stderr=log,
                **_as(self.account),
            )
        poll(self._answers, "the PostgreSQL server of the tests", seconds=30)

    def stop(self) -> None:
        """Stop it at once; connections end."""
        if self.process is not None:
            self.process.send_signal(3)  # SIGQUIT: immediate shutdown
            self.process.wait(patience(30))
            self.process = None

    def query(self, sql: str, schema: str | None = None) -> list[tuple[Any, ...]]:
        """What somebody else sees or does in the database."""
        with psycopg.connect(self.url(schema), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return self.query("SELECT 1") == [(1,)]
        return False


@contextlib.contextmanager
def running_postgresql() -> Iterator[Server]:
    """Make a cluster in a directory of its own, run it, and remove it at the end."""
    binaries = _binaries()
    account = _account()
    directory = Path(tempfile.mkdtemp(prefix="postgresql-"))
    server = Server(binaries / "postgres", directory / "data", free_port(), account)
    try:
        if account:
            shutil.chown(directory, account)
        made = subprocess.run(
            [binaries / "initdb", "-D", server.data, "-U", "tester", *_INITDB],
            capture_output=True,
            text=True,
            check=False,
            **_as(account),
        )
        assert made.returncode == 0, made.stderr
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _binaries() -> Path:
    """Debian keeps them out of PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda each: int(each.parts[4]))
    if found:
        return found[-1].parent
    program = shutil.which("postgres")
    if program is None:
        not_there("no PostgreSQL found: its dialect is NOT TESTED. Install Debian's package postgresql")
    return Path(program).resolve().parent


def _account() -> str | None:
    """The server refuses to run as root."""
    if os.getuid():
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as(account: str | None) -> dict[str, Any]:
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
