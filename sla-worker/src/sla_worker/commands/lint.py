"""`sla_lint`: says what is wrong with the definitions, by themselves and against Prometheus."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions.slas import Read, read_file
from sla_worker.errors import DefinitionError, PrometheusError
from sla_worker.lint import server
from sla_worker.lint.alerts import useless
from sla_worker.lint.finding import ERROR, WARNING, Finding
from sla_worker.lint.live import Live
from sla_worker.lint.offline import advise
from sla_worker.lint.series import Asked
from sla_worker.prometheus import HTTPTransport, Pages, PrometheusClient
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Print the findings; 1 if one of them is an error."""
    options = parser(
        "sla_lint",
        "Check the definitions of the SLAs, what Prometheus holds of them, and whether its alerts can fire."
        " Exit code 1: there is an error; warnings alone give 0.",
    )
    options.add_argument("file", nargs="?", type=Path, help="default: that of SLA_DEFINITIONS")
    options.add_argument("--offline", action="store_true", help="check the file alone")
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        file = arguments.file or settings.definitions_path
        if arguments.offline:
            return report(file, settings, None, time.time, print)
        transport = HTTPTransport(settings.prometheus)
        return report(file, settings, PrometheusClient(transport), time.time, print, pages=transport)

    return run(command)


def report(
    file: Path,
    settings: Settings,
    client: PrometheusClient | None,
    clock: Callable[[], float],
    say: Callable[[str], None],
    *,
    pages: Pages | None = None,
) -> int:
    """Say all findings, and then how many there were. Returns the exit code.

    Those about alerts need the `pages` of the server.
    Raises DefinitionError when there is no such file.
    """
    now = clock()
    findings: list[Finding] = []
    checked = "the file alone"
    try:
        read = read_file(file, settings.grid)
    except DefinitionError as error:
        if not file.is_file():
            raise
        findings = [Finding(ERROR, each.place, each.what, each.fix) for each in error.mistakes]
        read = None
    if read is not None:
        today = datetime.datetime.fromtimestamp(now, settings.timezone).date()
        findings += advise(read, today)
        if client is not None:
            try:
                findings += _live(read, settings, client, now)
                if pages is not None:
                    findings += useless(server.alerts(pages), read.definitions, server.kept_seconds(pages))
                checked = f"against {settings.prometheus.url}"
            except PrometheusError as error:
                checked = f"the file alone: {error}"
    for each in findings:
        say(str(each))
    errors = sum(each.level == ERROR for each in findings)
    warnings = sum(each.level == WARNING for each in findings)
    count = "" if read is None else f"{len(read.definitions)} SLAs, "
    say(f"{file}: {count}{_plural(errors, 'error')}, {_plural(warnings, 'warning')} ({checked})")
    return 1 if errors else 0


def _live(read: Read, settings: Settings, client: PrometheusClient, now: float) -> list[Finding]:
    asked = Asked(client, now)
    asked.check()
    return list(Live(read, asked, settings.slot_seconds).findings())


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
