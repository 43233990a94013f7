"""`sla_worker`: the service."""

from __future__ import annotations

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Run the service until it is stopped."""
    parser("sla_worker", "The service: calculates, reports, serves pages and metrics.").parse_args(argv)

    def command() -> int:
        service.serve(read_settings())
        return 0

    return run(command)
