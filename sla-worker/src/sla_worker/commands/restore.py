"""`sla_restore`: puts a backup in the place of the ledger, and keeps the former one."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from sla_worker.commands.backup import shown
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.database.copies import restore
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Restore a backup and say what it holds."""
    options = parser(
        "sla_restore", "Put a backup in the place of the ledger; the former one is kept beside it."
    )
    options.add_argument("file", metavar="FILE", help="what sla_backup has made; - is standard input")
    options.add_argument("--force", action="store_true", help="also when there is a ledger already")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if arguments.file != "-":
            return _restore(settings, Path(arguments.file), force=arguments.force)
        directory = settings.database_path.resolve().parent
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            file = Path(scratch) / "standard input"
            with file.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            return _restore(settings, file, force=arguments.force)

    return run(command)


def _restore(settings: Settings, file: Path, *, force: bool) -> int:
    found, former = restore(settings.database, file, force=force)
    print(f"{settings.database_path}: restored; {shown(found, settings.timezone)}")
    if former is not None:
        print(f"the former ledger is {former}")
    return 0
