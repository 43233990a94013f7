"""What to do about an error of a database, by the name that the database gives it: the end of its line."""

from __future__ import annotations

from typing import Final

DAMAGED: Final = (
    "it is damaged: put a backup in its place (sla_restore FILE --force), or stop the worker and move it"
    " away: a new ledger is filled with what Prometheus still has"
)

_SQLITE: Final = {
    "SQLITE_FULL": "free space on its disk",
    "SQLITE_BUSY": "another program holds it; end that program",
    "SQLITE_LOCKED": "another program holds it; end that program",
    "SQLITE_READONLY": "let the worker's user write the file and its directory",
    "SQLITE_CANTOPEN": "check the path, and the rights of the file and its directory",
    "SQLITE_PERM": "check the rights of the file and its directory",
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_IOERR": "check its disk, which may be full or failing",
}

_POSTGRESQL: Final = {
    "25006": "the server is a standby or set to read-only: give the URL of the primary",  # read_only_sql_…
    "53100": "free space on the server's disk",  # disk_full
    "53": "the server lacks resources; look at its log",  # insufficient_resources
    "55P03": "another session locks the tables; end it",  # lock_not_available
    "57014": "the server ended the statement; look at its log and its statement_timeout",  # query_canceled
    "42501": "give the user of the URL all rights on the schema",  # insufficient_privilege
    "XX": "the server's data are damaged; look at its log and restore a backup",  # internal_error, corrupted
}

_OTHERWISE: Final = {"read": "run sla_database once", "written": "check space and rights"}


def of_sqlite(name: str | None, what: str) -> str:
    """The fix of an error named like SQLITE_IOERR_WRITE; `what` it kept from being read, written, opened."""
    words = (name or "").split("_")
    return _SQLITE.get("_".join(words[:2]), _OTHERWISE.get(what, "check the file and its directory"))


def is_damage(name: str | None) -> bool:
    """Whether an error of SQLite says that the file is damaged."""
    return of_sqlite(name, "read") == DAMAGED


def of_postgresql(state: str | None, what: str) -> str:
    """The fix of an error by its SQLSTATE, or by the class of it."""
    state = state or ""
    found = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    return found or _OTHERWISE.get(what, "check SLA_DATABASE_URL and the server")
