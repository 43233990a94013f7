"""`sla_worker`: the service."""

from __future__ import annotations

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.settings import read_settings


def main(argv: Arguments = None) -> int:
    """Run the service until it is stopped."""
    options = parser("sla_worker", "The service: calculates, reports, serves pages and metrics.")
    options.add_argument(
        "--check", action="store_true", help="say whether settings and database can be used, and end"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if arguments.check:
            service.check(settings)
        else:
            service.serve(settings)
        return 0

    return run(command)
