"""`sla_backup`: copies the ledger to a file, while the service runs, and checks the copy."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.database.copies import Contents, backup
from sla_worker.render.format import moment
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Make a backup and say what it holds."""
    options = parser("sla_backup", "Copy the ledger to a file, while the service runs, and check the copy.")
    options.add_argument("file", metavar="FILE", help="where the copy goes; - is standard output")
    options.add_argument("--force", action="store_true", help="write over a file that is there")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if arguments.file == "-":
            print(_to_output(settings), file=sys.stderr)
            return 0
        file = Path(arguments.file)
        found = backup(settings.database, file, force=arguments.force)
        print(f"{file}: {shown(found, settings.timezone)}")
        return 0

    return run(command)


def _to_output(settings: Settings) -> str:
    # Beside the ledger: the image has no other place that can be written, and the copy needs as much room.
    with tempfile.TemporaryDirectory(dir=settings.database_path.resolve().parent) as directory:
        file = Path(directory) / "backup.db"
        found = backup(settings.database, file, force=False)
        with file.open("rb") as copy:
            while chunk := copy.read(1 << 20):
                sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    return shown(found, settings.timezone)


def shown(found: Contents, zone: ZoneInfo) -> str:
    """What a ledger holds, in one line."""
    rows = ", ".join(f"{count} {name}" for name, count in found.rows.items())
    newest = f", newest slot {moment(found.newest, zone)}" if found.newest is not None else ""
    return f"checked; schema {found.schema}, {rows}{newest}"
