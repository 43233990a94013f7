"""`sla_credits`: what customers are owed for a month."""

from __future__ import annotations

import json
import time
from contextlib import closing

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.credits import monthly_credits
from sla_worker.render.credits import text_credits
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Print the credits of a month."""
    options = parser("sla_credits", "Show what customers are owed for a month, by the tiers of the SLAs.")
    options.add_argument(
        "month", metavar="YYYY-MM", nargs="?", help="a month, in REPORT_TIMEZONE (default: the running one)"
    )
    options.add_argument("--json", action="store_true", help="print JSON, times in epoch seconds")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            found = monthly_credits(database, arguments.month, settings.timezone, time.time())
        values = found.values()
        print(json.dumps(values, indent=2) if arguments.json else text_credits(values, settings.timezone))
        return 0

    return run(command)
