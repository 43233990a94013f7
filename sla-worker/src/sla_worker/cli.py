"""`python -m sla_worker.cli COMMAND …`: every command by its short name."""

from __future__ import annotations

import sys
from importlib import import_module

from sla_worker.commands.running import Arguments

COMMANDS = (
    "calculator",
    "reporter",
    "database",
    "backfill",
    "explain",
    "credits",
    "backtest",
    "backup",
    "restore",
    "upgrade",
    "worker",
    "lint",
    "maintenance",
    "correct",
    "months",
    "evidence",
    "replay",
    "generate",
)
"""The modules of the package commands: only the one that is asked for is loaded."""


def main(argv: Arguments = None) -> int:
    """Run the command that the first argument names; 2 when there is no such command."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m sla_worker.cli {{{'|'.join(COMMANDS)}}} …", file=sys.stderr)
        return 2
    return int(import_module(f"sla_worker.commands.{arguments[0]}").main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main())
