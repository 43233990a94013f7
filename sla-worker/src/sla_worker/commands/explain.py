"""`sla_explain`: where a figure comes from, down to what Prometheus said."""

from __future__ import annotations

import json
import time
from contextlib import closing

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.errors import SLAWorkerError
from sla_worker.explain import explain, period
from sla_worker.render.explained import explained_text
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Print what stands behind the figures of one SLA in a slot or over a period."""
    options = parser(
        "sla_explain", "Show where a figure comes from: versions, sums, slots, breaches, queries."
    )
    options.add_argument("sla", metavar="SLA", help="the key of an SLA, like api-error-rate")
    options.add_argument(
        "period",
        metavar="TIME|PERIOD",
        help="a slot (2026-03-01T09:00), or 24h, 30d, month, quarter, year, 12m, 2026-03, 2026-Q1, 2026,"
        " 2026-03-01, FROM/TO (REPORT_TIMEZONE)",
    )
    options.add_argument(
        "--json", action="store_true", help="print everything as JSON, times in epoch seconds"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            if arguments.sla not in database.versions():
                raise SLAWorkerError(
                    f"there is no SLA {arguments.sla}; {settings.definitions_path} lists the keys"
                )
            span = period(arguments.period, database, settings.timezone, time.time())
            found = explain(database, arguments.sla, span.start, span.end, moves=span.moves)
        print(json.dumps(found, indent=2) if arguments.json else explained_text(found, settings.timezone))
        return 0

    return run(command)
