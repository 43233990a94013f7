"""`sla_database`: makes the database and prints what it holds."""

from __future__ import annotations

from contextlib import closing

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions import read_files
from sla_worker.errors import DatabaseLockedError
from sla_worker.gathering import gather
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Make the database if there is none, and print its counts."""
    parser("sla_database", "Make the database if there is none, and print what it holds.").parse_args(argv)

    def command() -> int:
        settings = read_settings()
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

    return run(command)
