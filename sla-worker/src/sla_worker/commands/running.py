"""What every command shares: an expected error is one line on stderr, and the exit code says so."""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn
from zoneinfo import ZoneInfo

from sla_worker.errors import SLAWorkerError

Arguments = Sequence[str] | None
_SHOWN = 40  # characters of a value that a message repeats


def run(command: Callable[[], int]) -> int:
    """The exit code of a command: 1 after an error that it expects."""
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


class _Parser(argparse.ArgumentParser):
    """Refuses like everything else here: an error and its fix, no text of usage."""

    def error(self, message: str) -> NoReturn:
        """End with 2; the fix is the second line of a message, where it has one."""
        words, _, fix = message.removeprefix("argument ").partition("\n")
        self.exit(2, f"error: {words}\nfix:   {fix or f'{self.prog} --help shows what it takes'}\n")


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser of a command's arguments."""
    return _Parser(prog=name, description=description)


def instant(text: str) -> dt.datetime:
    """A type of an argument: a day or a time, with or without its offset from UTC."""
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"invalid time: {text[:_SHOWN]!r}\ngive a time like 2026-03-01 or 2026-03-01T09:00"
        ) from None


def epoch(moment: dt.datetime, zone: ZoneInfo) -> int:
    """Epoch seconds of a time; one without an offset is of the zone."""
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """A type of an argument: a whole number from `minimum` to `maximum`."""

    def number(text: str) -> int:
        value = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else minimum - 1
        if not minimum <= value <= maximum:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
            raise argparse.ArgumentTypeError(
                f"invalid number: {shown!r}\ngive a whole number from {minimum} to {maximum}"
            )
        return value

    return number
