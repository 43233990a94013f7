"""`sla_worker`: the service."""

from __future__ import annotations

from sla_worker import lean_openssl
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Run the service until it is stopped."""
    options = parser("sla_worker", "The service: calculates, reports, serves pages and metrics.")
    options.add_argument(
        "--check", action="store_true", help="say whether settings and database can be used, and end"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        if not speaks_tls(settings):
            lean_openssl.forgo()
        from sla_worker import service, serving  # noqa: PLC0415 - it imports what would import OpenSSL

        if arguments.check:
            service.check(settings)
        else:
            serving.serve(settings)
        return 0

    return run(command)


def speaks_tls(settings: Settings) -> bool:
    """Whether the service encrypts anything itself: PostgreSQL's driver has an OpenSSL of its own."""
    urls = (settings.prometheus.url, settings.alertmanager_url or "")
    return settings.smtp.tls != "none" or any(each.lower().startswith("https:") for each in urls)
