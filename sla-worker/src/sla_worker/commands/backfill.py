"""`sla_backfill`: measures a new SLA over what Prometheus still has of the time before it was defined."""

from __future__ import annotations

import time

from sla_worker.again import Wish
from sla_worker.commands.asking import measure_again
from sla_worker.commands.running import Arguments, parser, run, whole_number
from sla_worker.model import Reason
from sla_worker.render.format import moment
from sla_worker.settings import read_settings

_DAY_SECONDS = 86_400


def main(argv: Arguments = None) -> int:
    """Measure the slots before the first one of SLAs, marked late."""
    options = parser(
        "sla_backfill", "Measure a new SLA over what Prometheus still has of the time before it was defined."
    )
    options.add_argument(
        "keys", nargs="+", metavar="KEY", help="the key of an SLA in the file of definitions"
    )
    options.add_argument(
        "--days",
        type=whole_number(1, 366),
        default=15,
        help="how far back, if Prometheus has as much (default: 15)",
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings, now = read_settings(), int(time.time())
        start = now - arguments.days * _DAY_SECONDS
        rows, by = measure_again(settings, Wish(start, now, tuple(arguments.keys), Reason.BACKFILL))
        print(f"since {moment(start, settings.timezone)}: {rows} rows added{by}, marked late")
        return 0

    return run(command)
