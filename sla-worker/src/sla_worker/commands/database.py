"""`sla_database`: makes the database and prints what it holds; copies a ledger to another place."""

from __future__ import annotations

import sys
import time
from contextlib import closing

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_files
from sla_worker.errors import DatabaseLockedError
from sla_worker.gathering import gather
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Make the database if there is none, and print its counts; or move it."""
    options = parser("sla_database", "Make the database if there is none, and print what it holds.")
    moving = options.add_mutually_exclusive_group()
    moving.add_argument(
        "--copy-to",
        metavar="PLACE",
        help="copy the ledger to an empty PostgreSQL (its URL) or a new file (its path), check the copy, and"
        " let nobody write to this one any more; no worker may run",
    )
    moving.add_argument(
        "--reopen", action="store_true", help="go on with a ledger that was copied, instead of its copy"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if arguments.copy_to:
            return _copy(settings, arguments.copy_to)
        if arguments.reopen:
            return _reopen(settings)
        return _show(settings)

    return run(command)


def _show(settings: Settings) -> int:
    try:
        store = service.open_database(settings)
        gather(read_files(settings.definitions_path, settings.grid), store)
    except DatabaseLockedError:  # the service has made it; reading is all that is left to do
        store = service.open_database(settings, read_only=True)
    with closing(store):
        print(f"database:         {store.place}")
        for name, count in store.counts().items():
            print(f"{name + ':':<17} {count}")
    return 0


def _copy(settings: Settings, target: str) -> int:
    from sla_worker.database.moving import copy_ledger  # noqa: PLC0415 - no other use of the command needs it

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    found = copy_ledger(settings.database, target, now=time.time(), tell=tell)
    tables = sum(1 for rows in found.rows.values() if rows)
    print(
        f"{found.place}: checked; schema {found.schema}, {sum(found.rows.values()):,} rows in {tables} tables"
    )
    print("start the sla-worker there; nobody writes to the former one any more")
    return 0


def _reopen(settings: Settings) -> int:
    from sla_worker.database.moving import reopen  # noqa: PLC0415

    went = reopen(settings.database)
    print("it was never copied; nothing has changed" if went is None else f"it counts again, not {went}")
    return 0
