"""`sla_months`: the months whose figures are frozen, as they were frozen."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from dataclasses import asdict

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run, whole_number
from sla_worker.months import frozen_month
from sla_worker.render.months import months_table
from sla_worker.settings import read_settings

_MOST_REVISIONS = 99_999


def main(argv: Arguments = None) -> int:
    """List the frozen months, or print one of them."""
    options = parser(
        "sla_months", "Months whose figures are frozen: the same bytes, whenever they are printed."
    )
    options.add_argument(
        "month", nargs="?", metavar="YYYY-MM", help="print this one; without it all are listed"
    )
    options.add_argument(
        "--revision", type=whole_number(1, _MOST_REVISIONS), metavar="N", help="this one of it (the newest)"
    )
    options.add_argument("--json", action="store_true", help="as JSON, times in epoch seconds")
    arguments = options.parse_args(argv)
    if arguments.revision is not None and arguments.month is None:
        options.error("--revision is of one month\ngive the month too, like 2026-03")

    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            if arguments.month is not None:
                found = frozen_month(database, arguments.month, arguments.revision)
                store = database.months
                sys.stdout.write(store.document(found) if arguments.json else store.content(found))
                return 0
            months = database.months.all()
        if arguments.json:
            print(json.dumps([asdict(each) for each in months], indent=2))
        else:
            print(months_table(months) if months else "no month is frozen yet")
        return 0

    return run(command)
