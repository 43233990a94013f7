"""`sla_replay`: what the worker would have exported, for a Prometheus that has no record of it."""

from __future__ import annotations

import sys
from contextlib import closing

from sla_worker import burning, service
from sla_worker.commands.running import Arguments, epoch, instant, parser, run
from sla_worker.gathering import beside, read
from sla_worker.replay import Replay
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Write the samples as OpenMetrics."""
    options = parser(
        "sla_replay",
        "Write what the sla-worker would have exported in the past, from the ledger, as OpenMetrics: for"
        " promtool tsdb create-blocks-from openmetrics.",
    )
    options.add_argument("start", type=instant, metavar="FROM", help="a time like 2026-03-01T09:00")
    options.add_argument("end", type=instant, metavar="TO", help="a time like 2026-03-31T09:00")
    options.add_argument(
        "--instance", default="sla-worker:8080", help="the label of the target (%(default)s)"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        files = read(settings)
        with closing(service.open_database(settings, read_only=True)) as database:
            definitions = beside(files, database).definitions
            replay = Replay(
                database,
                definitions,
                settings.timezone,
                pairs=burning.pairs(settings.slot_seconds, settings.time_scale),
                labels={"job": "sla-worker", "instance": arguments.instance},
            )
            start, end = (epoch(each, settings.timezone) for each in (arguments.start, arguments.end))
            sys.stdout.writelines(replay.lines(start, end))
        sys.stdout.write("# EOF\n")
        sys.stdout.flush()
        return 0

    return run(command)
