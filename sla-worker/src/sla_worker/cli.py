"""The commands. Each `main` returns its exit code; an expected error is one line on stderr."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from sla_worker import generate, queries, render
from sla_worker import worker as service
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseLockedError, SLAWorkerError
from sla_worker.mail import Mailer
from sla_worker.reporter import Reporter
from sla_worker.reports import period_report
from sla_worker.settings import Settings, read_settings

_RULES_FILE = Path("prometheus/rules/sla/recording.yml")

Arguments = Sequence[str] | None


def _run(command: Callable[[], int]) -> int:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    try:
        return command()
    except SLAWorkerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of a pipe has gone; a second complaint at exit helps nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=name, description=description)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number above 0")
    return int(text)


def calculator(argv: Arguments = None) -> int:
    """`sla_calculator`."""
    parser = _parser("sla_calculator", "Calculate the SLAs once, all the time, or show what was calculated.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--continuous", action="store_true", help="calculate every interval, until stopped")
    mode.add_argument("--report", action="store_true", help="print the report and calculate nothing")
    parser.add_argument(
        "--interval", type=_positive, metavar="SECONDS", help="length of a slot (default: 300)"
    )
    parser.add_argument("--hours", type=_positive, default=24, help="period of --report (default: 24)")
    arguments = parser.parse_args(argv)

    def command() -> int:
        settings = read_settings(_with_interval(arguments.interval))
        if arguments.continuous:
            service.calculate_continuously(settings)
            return 0
        return _print_report(settings, arguments.hours) if arguments.report else _calculate(settings)

    return _run(command)


def _with_interval(seconds: int | None) -> dict[str, str]:
    """The environment with --interval put in, so that it is checked like the variable."""
    return dict(os.environ) | ({} if seconds is None else {"SLA_INTERVAL_SECONDS": str(seconds)})


def _calculate(settings: Settings) -> int:
    result = service.calculate_once(settings)
    rows = [
        (
            each.key,
            render.moment(each.slot, settings.timezone),
            f"{each.good:g}",
            f"{each.total:g}",
            render.ratio(each.coverage),
            each.state.word,
            each.status.word,
            "late" if each.late else "",
        )
        for each in result.measurements
    ]
    if rows:
        header = ("SLA", "Slot ends", "Good", "Total", "Coverage", "State", "Status", "")
        print(render.text_table(header, rows, right=frozenset({2, 3, 4})))
    print(f"{len(rows)} measurements stored, {result.late} of them late")
    return 0


def _print_report(settings: Settings, hours: int) -> int:
    with closing(SLADatabase(settings.database_path, grid=settings.grid, read_only=True)) as database:
        report = period_report(
            database, title=f"SLA report, {hours} hours", hours=hours, now=int(time.time())
        )
    print(render.text_report(report, settings.timezone), end="")
    return 0


def reporter(argv: Arguments = None) -> int:
    """`sla_reporter`."""
    parser = _parser("sla_reporter", "Send a report by mail now, or write it to files.")
    parser.add_argument("--daily", action="store_true", help="the daily report (the last 24 hours)")
    parser.add_argument("--test", action="store_true", help="write the report to files and send nothing")
    parser.add_argument(
        "--output", type=Path, default=Path("reports"), help="directory of --test (default: reports)"
    )
    arguments = parser.parse_args(argv)
    if not arguments.daily and not arguments.test:
        parser.error("say which report: --daily (or --test to see it)")

    def command() -> int:
        settings = read_settings()
        with closing(SLADatabase(settings.database_path, grid=settings.grid, read_only=True)) as database:
            made = Reporter(database, Mailer(settings.smtp), settings, clock=time.time)
            if arguments.test:
                try:
                    files = made.write_daily(arguments.output)
                except OSError as error:
                    raise SLAWorkerError(
                        f"--output {arguments.output}: cannot be written ({error}); give another directory"
                    ) from error
                print("\n".join(str(each) for each in files))
            else:
                print(f"sent to {made.send_daily()}")
        return 0

    return _run(command)


def database(argv: Arguments = None) -> int:
    """`sla_database`."""
    parser = _parser("sla_database", "Make the database if there is none, and print what it holds.")
    parser.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        try:
            store = SLADatabase(settings.database_path, grid=settings.grid)
            store.sync_definitions(read_definitions(settings.definitions_path))
        except DatabaseLockedError:  # the service has made it; reading is all that is left to do
            store = SLADatabase(settings.database_path, grid=settings.grid, read_only=True)
        with closing(store):
            print(f"database:         {settings.database_path}")
            for name, count in store.counts().items():
                print(f"{name + ':':<17} {count}")
        return 0

    return _run(command)


def worker(argv: Arguments = None) -> int:
    """`sla_worker`."""
    _parser("sla_worker", "The service: calculates, reports, serves pages and metrics.").parse_args(argv)

    def command() -> int:
        service.serve(read_settings())
        return 0

    return _run(command)


def generate_rules(argv: Arguments = None) -> int:
    """`sla_generate`."""
    parser = _parser("sla_generate", "Write Prometheus' recording rules from the file of SLA definitions.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if the file is stale"
    )
    parser.add_argument("--output", type=Path, default=_RULES_FILE, help=f"default: {_RULES_FILE}")
    arguments = parser.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        definitions = read_definitions(settings.definitions_path)
        rules = queries.recording_rules(definitions, settings.grid)
        text = generate.rules_file(rules, f"sla-worker/{settings.definitions_path.name}")
        output: Path = arguments.output
        try:
            stale = not output.is_file() or output.read_text(encoding="utf-8") != text
            if stale and not arguments.check:
                output.parent.mkdir(parents=True, exist_ok=True)
                output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SLAWorkerError(f"{output}: {error.strerror}; give another --output") from error
        if stale and arguments.check:
            print(f"{output} is stale; run sla_generate", file=sys.stderr)
            return 1
        print(f"{output}: {'written' if stale else 'is up to date'}")
        return 0

    return _run(command)


_COMMANDS: dict[str, Callable[[Arguments], int]] = {
    "calculator": calculator,
    "reporter": reporter,
    "database": database,
    "worker": worker,
    "generate": generate_rules,
}


def main(argv: Arguments = None) -> int:
    """`python -m sla_worker.cli COMMAND …`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in _COMMANDS:
        print(f"usage: python -m sla_worker.cli {{{'|'.join(_COMMANDS)}}} …", file=sys.stderr)
        return 2
    return _COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
