"""`sla_lint`: says what is wrong with the definitions, by themselves and against Prometheus."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sla_worker.commands.running import Arguments, parser, run
from sla_worker.definitions.files import DIRECTORY, read_teams
from sla_worker.definitions.slas import Read, read_file
from sla_worker.errors import DefinitionError, Mistake, PrometheusError
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
    options.add_argument(
        "file", nargs="?", type=Path, help="default: that of SLA_DEFINITIONS, and sla.d beside it"
    )
    options.add_argument("--offline", action="store_true", help="check the files alone")
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
    reads, mistakes, named = _read(file, settings)
    findings = [Finding(ERROR, each.place, each.what, each.fix) for each in mistakes]
    alone = "the file alone" if named == str(file) else "the files alone"
    checked = alone
    if reads:
        today = datetime.datetime.fromtimestamp(now, settings.timezone).date()
        findings += [finding for each in reads for finding in advise(each, today)]
        if client is not None:
            try:
                findings += _live(reads, settings, client, now)
                if pages is not None:
                    definitions = [one for each in reads for one in each.definitions]
                    findings += useless(server.alerts(pages), definitions, server.kept_seconds(pages))
                checked = f"against {settings.prometheus.url}"
            except PrometheusError as error:
                checked = f"{alone}: {error}"
    for each in findings:
        say(str(each))
    errors = sum(each.level == ERROR for each in findings)
    warnings = sum(each.level == WARNING for each in findings)
    count = f"{sum(len(each.definitions) for each in reads)} SLAs, " if reads else ""
    say(f"{named}: {count}{_plural(errors, 'error')}, {_plural(warnings, 'warning')} ({checked})")
    return 1 if errors else 0


def _read(file: Path, settings: Settings) -> tuple[list[Read], list[Mistake], str]:
    """What can be read of a file and of those of teams beside it, what is wrong, and what was looked at.

    A file of a team is looked at alone. Raises DefinitionError when there is no such file.
    """
    of_team = file.absolute().parent.name == DIRECTORY
    reads: list[Read] = []
    mistakes: list[Mistake] = []
    try:
        reads.append(read_file(file, settings.grid, of_team=of_team))
    except DefinitionError as error:
        if not file.is_file():
            raise
        mistakes += error.mistakes
    if of_team:
        return reads, mistakes, str(file)
    teams = read_teams(file, settings.grid)
    all_files = replace(teams, reads=(*reads, *teams.reads)).apart()
    named = f"{file} and {_plural(len(teams.names or ()), 'file')} in {DIRECTORY}"
    return [*all_files.reads], [*mistakes, *all_files.mistakes], named if teams.names else str(file)


def _live(reads: Sequence[Read], settings: Settings, client: PrometheusClient, now: float) -> list[Finding]:
    asked = Asked(client, now)
    asked.check()
    return [finding for each in reads for finding in Live(each, asked, settings.slot_seconds).findings()]


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
