"""`python -m sla_worker.cli COMMAND …`: every command by its short name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sla_worker.commands import (
    backfill,
    backup,
    calculator,
    correct,
    credits,  # noqa: A004 - a command
    database,
    evidence,
    explain,
    generate,
    lint,
    maintenance,
    months,
    reporter,
    restore,
    worker,
)
from sla_worker.commands.running import Arguments

COMMANDS: dict[str, Callable[[Arguments], int]] = {
    "calculator": calculator.main,
    "reporter": reporter.main,
    "database": database.main,
    "backfill": backfill.main,
    "explain": explain.main,
    "credits": credits.main,
    "backup": backup.main,
    "restore": restore.main,
    "worker": worker.main,
    "lint": lint.main,
    "maintenance": maintenance.main,
    "correct": correct.main,
    "months": months.main,
    "evidence": evidence.main,
    "generate": generate.main,
}


def main(argv: Arguments = None) -> int:
    """Run the command that the first argument names; 2 when there is no such command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m sla_worker.cli {{{'|'.join(COMMANDS)}}} …", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
