"""`sla_evidence`: one archive of a frozen month that anybody can check, and the check of one."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run, whole_number
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence import verify, write_evidence, write_former
from sla_worker.model import FrozenMonth
from sla_worker.months import frozen_month
from sla_worker.settings import Settings, read_settings

_MOST_REVISIONS = 99_999


def main(argv: Arguments = None) -> int:
    """Write the evidence of a month, or check one."""
    options = parser(
        "sla_evidence", "One archive of a frozen month that an auditor or a customer can check without us."
    )
    options.add_argument("month", nargs="?", metavar="YYYY-MM", help="write the evidence of this month")
    options.add_argument(
        "--output", metavar="FILE", help="to this file (sla-evidence-YYYY-MM-rN.zip); - is standard output"
    )
    options.add_argument(
        "--revision",
        type=whole_number(1, _MOST_REVISIONS),
        metavar="N",
        help="of this one of it (the newest)",
    )
    options.add_argument("--force", action="store_true", help="also if the file is there already")
    options.add_argument(
        "--verify",
        metavar="FILE",
        help="check one: every checksum, and every figure from the counts; - is standard input",
    )
    arguments = options.parse_args(argv)
    if (arguments.month is None) == (arguments.verify is None):
        options.error("say what to do\ngive a month like 2026-03, or --verify FILE")

    def command() -> int:
        if arguments.verify is not None:
            return _verify(arguments.verify)
        return _write(arguments.month, arguments.revision, arguments.output, force=arguments.force)

    return run(command)


def _write(label: str, revision: int | None, output: str | None, *, force: bool) -> int:
    settings = read_settings()
    with closing(service.open_database(settings, read_only=True)) as database:
        month = frozen_month(database, label, revision)
        if output == "-":
            with tempfile.TemporaryDirectory() as directory:
                target = Path(directory) / "evidence.zip"
                _make(database, settings, month, target)
                with target.open("rb") as made:
                    shutil.copyfileobj(made, sys.stdout.buffer)
            sys.stdout.flush()
            return 0
        target = Path(output or f"sla-evidence-{month.month}-r{month.revision}.zip")
        if target.exists() and not force:
            raise SLAWorkerError(f"{target}: is there already; give another --output, or --force")
        _make(database, settings, month, target)
    print(
        f"{target}: revision {month.revision} of {month.month}, checked: every figure follows from the counts"
    )
    return 0


def _make(database: SLADatabase, settings: Settings, month: FrozenMonth, target: Path) -> None:
    newest = database.months.get(month.month)
    if newest is None or newest.revision == month.revision:
        write_evidence(database, month, target)
    else:
        write_former(database, settings.database, month, target, zone=settings.timezone)


def _verify(name: str) -> int:
    if name == "-":
        with tempfile.TemporaryDirectory() as directory:
            target = Path(directory) / "evidence.zip"
            with target.open("wb") as taken:
                shutil.copyfileobj(sys.stdin.buffer, taken)
            found = verify(target)
    else:
        found = verify(Path(name))
    if not found:
        print("every checksum is right, and every figure follows from the counts")
        return 0
    for each in found:
        print(f"error: {each}", file=sys.stderr)
    print(f"fix:   ask for the archive again; {len(found)} differences were found", file=sys.stderr)
    return 1
