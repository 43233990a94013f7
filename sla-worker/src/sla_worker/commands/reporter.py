"""`sla_reporter`: sends a report by mail now, or writes it to files."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.conventions import DAILY_MAIL
from sla_worker.delivery.kinds import KINDS, Sources, daily
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Mailer
from sla_worker.errors import MailError, SLAWorkerError
from sla_worker.model import Mail
from sla_worker.settings import Settings, read_settings


def main(argv: Arguments = None) -> int:
    """Send the daily report, or write it to files."""
    options = parser("sla_reporter", "Send a report by mail now, or write it to files.")
    options.add_argument("--daily", action="store_true", help="the daily report (the last 24 hours)")
    options.add_argument("--test", action="store_true", help="write the report to files and send nothing")
    options.add_argument(
        "--output", type=Path, default=Path("reports"), help="directory of --test (default: reports)"
    )
    arguments = options.parse_args(argv)
    if not arguments.daily and not arguments.test:
        options.error("say which report: --daily (or --test to see it)")

    def command() -> int:
        settings, now = read_settings(), time.time()
        with closing(service.open_database(settings, read_only=True)) as database:
            mail = daily(Sources(database, settings, int(now)))
        if arguments.test:
            print("\n".join(str(each) for each in _write(mail, arguments.output)))
        else:
            print(f"sent to {', '.join(_send(mail, settings, now))}")
        return 0

    return run(command)


def _write(mail: Mail, directory: Path) -> list[Path]:
    """Write a report as text and as HTML. Returns the files."""
    files = {directory / "daily-report.txt": mail.text, directory / "daily-report.html": mail.html}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SLAWorkerError(
            f"--output {directory}: cannot be written ({error}); give another directory"
        ) from error
    return list(files)


def _send(mail: Mail, settings: Settings, now: float) -> tuple[str, ...]:
    """Send a report now, beside the periodic ones. Returns the recipients. Raises MailError."""
    recipients = KINDS[DAILY_MAIL].recipients(settings)
    made = message(
        mail,
        sender=settings.report_from,
        recipients=recipients,
        key=f"daily:{now!r}",
        now=now,
        zone=settings.timezone,
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
