"""`sla_reporter`: sends a report by mail now, or writes it to files; or prints a report over any range."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sla_worker import due, service
from sla_worker.commands.ranges import FORMATS, PDF, range_report
from sla_worker.commands.running import Arguments, parser, run, whole_number
from sla_worker.conventions import BREACH_MAIL, DAILY_MAIL, MONTHLY_MAIL, WEEKLY_MAIL
from sla_worker.database import SLADatabase
from sla_worker.delivery.branding import branded
from sla_worker.delivery.kinds import KINDS, Sources, breach, daily, long
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Mailer
from sla_worker.errors import MailError, SLAWorkerError
from sla_worker.model import Mail, Team, receivers_of
from sla_worker.settings import Settings, read_settings

CUSTOMER_FORMATS = ("html", "text", "json")


def main(argv: Arguments = None) -> int:
    """Send one report, write reports to files, or print one over any range."""
    options = _options()
    arguments = options.parse_args(argv)
    kinds = _kinds(arguments)
    if arguments.customer is not None:
        others = bool(kinds) or arguments.test or arguments.begin is not None
        return _customer(options, arguments, others=others)
    _check(options, arguments, kinds)

    def command() -> int:
        settings, now = read_settings(), time.time()
        with closing(service.open_database(settings, read_only=True)) as database:
            sources = Sources(database, settings, int(now))
            if arguments.begin is not None:
                made = range_report(sources, arguments.begin, arguments.until, arguments.format)
                _put(made, arguments.file)
                return 0
            team = _team(database, arguments.team)
            mails = {
                kind: _mail(kind, sources, arguments.breach, arguments.team) for kind in kinds or due.REPORTS
            }
            to = {kind: _recipients(kind, settings, team) for kind in mails} if not arguments.test else {}
        if arguments.test:
            written = [each for kind, mail in mails.items() for each in _write(kind, mail, arguments.output)]
            print("\n".join(map(str, written)))
            return 0
        first = None if arguments.breach is None else f"{BREACH_MAIL}:{arguments.breach}"
        for kind, mail in mails.items():
            print(f"sent to {', '.join(_send(kind, mail, settings, now, first, to[kind]))}")
        return 0

    return run(command)


def _options() -> argparse.ArgumentParser:
    options = parser("sla_reporter", "Send a report by mail now, or write it to files.")
    options.add_argument("--daily", action="store_true", help="the last 24 hours")
    options.add_argument("--weekly", action="store_true", help="the last seven days that end with a Sunday")
    options.add_argument("--monthly", action="store_true", help="the last calendar month")
    options.add_argument(
        "--breach", type=whole_number(1, 999_999_999), metavar="ID", help="one breach, by its number"
    )
    options.add_argument("--team", metavar="NAME", help="the SLAs of one team alone, to its receivers")
    options.add_argument(
        "--test", action="store_true", help="write the report to files, alone all periodic ones; send nothing"
    )
    options.add_argument(
        "--output", type=Path, default=Path("reports"), help="directory of --test (default: reports)"
    )
    options.add_argument(
        "--from", dest="begin", metavar="DAY", help="print a report from this day on: 2026-03-01"
    )
    options.add_argument("--to", dest="until", metavar="DAY", help="… up to this day, which is part of it")
    options.add_argument(
        "--customer",
        metavar="YYYY-MM",
        help="print a month as customers may see it: public SLAs, in words without internals",
    )
    options.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="of a report over a range, or for customers (default: text)",
    )
    options.add_argument(
        "--file", type=Path, metavar="FILE", help="where such a report is written (default: printed)"
    )
    return options


def _check(options: argparse.ArgumentParser, arguments: argparse.Namespace, kinds: list[str]) -> None:
    """End with 2 for options that do not go together."""
    if (arguments.begin is None) != (arguments.until is None):
        options.error("--from and --to go together: --from 2026-03-01 --to 2026-03-31")
    if arguments.begin is None and (arguments.file is not None or arguments.format != "text"):
        options.error("--format and --file are of a printed report\ngive --from and --to, or --customer, too")
    if arguments.format == PDF and arguments.file is None and sys.stdout.isatty():
        options.error("a PDF is nothing for a terminal\ngive --file report.pdf, or > report.pdf")
    if arguments.team is not None and (arguments.begin is not None or arguments.breach is not None):
        options.error("--team goes with --daily, --weekly, --monthly or --test")
    if arguments.begin is not None and (kinds or arguments.test):
        options.error("--from and --to print a report, which is neither sent nor written to files")
    if arguments.begin is None and len(kinds) != 1 and not (arguments.test and not kinds):
        options.error(
            "say which report: --daily, --weekly, --monthly or --breach ID (or --test alone for all)"
        )


def _customer(options: argparse.ArgumentParser, arguments: argparse.Namespace, *, others: bool) -> int:
    if others:
        options.error("--customer prints a report of its own\ngive it without the others")
    if arguments.format not in CUSTOMER_FORMATS:
        options.error(f"--format {arguments.format}: give {', '.join(CUSTOMER_FORMATS)} with --customer")

    def command() -> int:
        from sla_worker.commands.customers import customers_month  # noqa: PLC0415 - of no other report

        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            now = int(time.time())
            made = customers_month(database, settings, arguments.customer, arguments.format, now)
        _put(made.encode(), arguments.file)
        return 0

    return run(command)


def _kinds(arguments: argparse.Namespace) -> list[str]:
    kinds = [kind for kind in due.REPORTS if getattr(arguments, kind)]
    return kinds + [BREACH_MAIL] * (arguments.breach is not None)


def _team(database: SLADatabase, name: str | None) -> Team | None:
    """The team of that name; None without one. Raises SLAWorkerError."""
    teams = database.teams.all()
    if name is not None and name not in teams:
        known = f"give one of {', '.join(teams)}" if teams else "no team has a file in sla.d"
        raise SLAWorkerError(f"--team {name}: there is no such team; {known}")
    return None if name is None else teams[name]


def _recipients(kind: str, settings: Settings, team: Team | None) -> tuple[str, ...]:
    """Whom a report goes to. Raises SLAWorkerError for a team without receivers of its kind."""
    if team is None:
        return KINDS[kind].recipients(settings)
    if not receivers_of(team, kind):
        raise SLAWorkerError(
            f"--team {team.name}: {team.file} has no receivers of the {kind} report; add `{kind}: [ADDRESS]`"
        )
    return receivers_of(team, kind)


def _mail(kind: str, sources: Sources, breach_id: int | None, team: str | None) -> Mail:
    """The mail of a kind as of now. Raises SLAWorkerError."""
    made: dict[str, Callable[[], Mail]] = {
        DAILY_MAIL: lambda: daily(sources, team=team),
        WEEKLY_MAIL: lambda: long(sources, kind, _last_end(kind, sources), team),
        MONTHLY_MAIL: lambda: long(sources, kind, _last_end(kind, sources), team),
        BREACH_MAIL: lambda: breach(sources, breach_id or 0),
    }
    return made[kind]()


def _last_end(kind: str, sources: Sources) -> int:
    """Where the last week or month ends that is over, due or not."""
    settings = sources.settings
    return due.period_end(kind, due.last_due(kind, sources.now, settings.timezone, due.MIDNIGHT))


def _write(kind: str, mail: Mail, directory: Path) -> list[Path]:
    """Write a report as text and as HTML, and what is attached to it. Returns the files."""
    html, pictures = mail.html, {f"{kind}-{each.name}.png": each for each in mail.pictures}
    for file_name, each in pictures.items():
        html = html.replace(f'src="cid:{each.name}"', f'src="{file_name}"')
    files = {
        directory / f"{kind}-report.txt": mail.text.encode(),
        directory / f"{kind}-report.html": html.encode(),
        **{directory / each.name: each.content for each in mail.attachments},
        **{directory / file_name: each.content for file_name, each in pictures.items()},
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            file.write_bytes(content)
    except OSError as error:
        raise SLAWorkerError(
            f"--output {directory}: cannot be written ({error}); give another directory"
        ) from error
    return list(files)


def _put(content: bytes, file: Path | None) -> None:
    """Print a report, or write it to a file. Raises SLAWorkerError."""
    if file is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise SLAWorkerError(f"--file {file}: cannot be written ({error}); give another file") from error
    print(file)


def _send(  # noqa: PLR0917 - each is used
    kind: str, mail: Mail, settings: Settings, now: float, answers: str | None, recipients: tuple[str, ...]
) -> tuple[str, ...]:
    """Send a report now, beside the periodic ones; about a breach, as an answer to its first mail.

    Returns the recipients. Raises MailError.
    """
    made = message(
        branded(mail, settings),
        sender=settings.report_from,
        recipients=recipients,
        key=f"{kind}:{now!r}",
        now=now,
        zone=settings.timezone,
        answers=answers,
        name=settings.report_sender_name,
    )
    refused = Mailer(settings.smtp).send(made, recipients)
    if refused:
        said = "; ".join(f"{recipient}: {refusal}" for recipient, refusal in refused.items())
        others = [each for each in recipients if each not in refused]
        raise MailError(
            f"the mail server refused {said}; check the addresses REPORT_…"
            + (f" (sent to {', '.join(others)})" if others else "")
        )
    return recipients
