"""`sla_upgrade`: brings the ledger to the schema of this version, or puts the former one back."""

from __future__ import annotations

import sys
from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.database.upgrading import Upgraded, go_back, upgrade
from sla_worker.database.upgrading_schema import go_back_schema, is_there, upgrade_schema
from sla_worker.settings import Settings, read_settings

FORMER_LEDGER = "the ledger as it was: "
"""Begins the line that names it: who undoes the upgrade reads it."""


def main(argv: Arguments = None) -> int:
    """Upgrade and say what was verified; with --back put the former ledger in its place again."""
    options = parser(
        "sla_upgrade",
        "Bring the ledger to this version's schema, verify that it holds all that it held, keep the former.",
    )
    options.add_argument(
        "--back", metavar="FILE", help="put the ledger back that an upgrade has kept as FILE"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if arguments.back is not None:
            _back(settings, Path(arguments.back))
        else:
            _upgrade(settings)
        return 0

    return run(command)


def _back(settings: Settings, former: Path) -> None:
    if settings.database_url is not None:
        go_back_schema(settings.database_url, former, tell=_tell)
        print("the ledger in PostgreSQL is again as it was before the upgrade")
    else:
        kept = go_back(settings.database_path, former)
        print(f"{settings.database_path}: is again as it was before the upgrade; the other one is {kept}")


def _upgrade(settings: Settings) -> None:
    if not is_there(settings.database):
        print("no ledger yet: there is nothing to upgrade")
        return
    done = (
        upgrade_schema(settings.database_url, settings.database_path, tell=_tell)
        if settings.database_url is not None
        else upgrade(settings.database_path)
    )
    print(_shown(done))
    print(f"{FORMER_LEDGER}{done.former}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _shown(done: Upgraded) -> str:
    before, after = done.before, done.after
    moved = (
        f"schema {before.schema} to {after.schema}"
        if before.schema < after.schema
        else f"schema {after.schema}"
    )
    rows = sum(count for table, count in before.rows.items() if table != "schema_migrations")
    months = len(before.months)
    return (
        f"upgraded: {moved}; the same {rows} rows in {len(before.rows) - 1} tables, sums of events,"
        f" {months} frozen {'month' if months == 1 else 'months'}"
    )
