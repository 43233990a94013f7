"""The words of the command line: which commands there are, and what each takes."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from stack.errors import StackError
from stack.services import NAMES, SIGNALS

_MOST_DAYS = 31  # a demonstration has no more
_MODES = ("auto", "compose", "local")


def arguments_of(argv: Sequence[str] | None, root: Path) -> argparse.Namespace:
    """What a command was given (None: of this process); StackError for what is not known.

    Defaults come from the environment; the settings are in `root` unless it says otherwise.
    """
    return _parser(root).parse_args(argv)


class _Arguments(argparse.ArgumentParser):
    """A parser that refuses like everything else here: an error and its fix, no text of usage."""

    def error(self, message: str) -> NoReturn:
        """Raise StackError; the fix is the second line of a message, where it has one."""
        words, _, fix = message.removeprefix("argument ").partition("\n")
        raise StackError(words, fix or "make help lists the commands and what they take")


def _mode(text: str) -> str:
    """A mode; as a type, since argparse does not hold a default (here: MODE) against the choices."""
    if text not in _MODES:
        raise argparse.ArgumentTypeError(
            f"unknown mode: {text!r}\nMODE=compose or MODE=local, or neither: what is there"
        )
    return text


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise argparse.ArgumentTypeError(
            f"not a number of seconds: {text!r}\nmake drill ALERT=WorkerUnhealthy SECONDS=60"
        )
    return int(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > _MOST_DAYS:
        raise argparse.ArgumentTypeError(
            f"not a number of days: {text!r}\nmake demo GRAPH_DAYS=2, at most {_MOST_DAYS}"
        )
    return int(text)


def _parser(root: Path) -> _Arguments:
    mode = os.environ.get("MODE") or "auto"
    name = os.environ.get("STACK_NAME") or "insa"
    env_file = Path(os.environ.get("STACK_ENV_FILE") or root / ".env")
    common = _Arguments(add_help=False)
    common.add_argument(
        "--mode",
        type=_mode,
        metavar=f"{{{','.join(_MODES)}}}",
        default=mode,
        help="default: what is there; also MODE",
    )
    common.add_argument("--name", default=name, help="of the stack (default: insa; also STACK_NAME)")
    common.add_argument("--env-file", type=Path, default=env_file, help="default: .env; also STACK_ENV_FILE")
    parser = _Arguments(prog="stack", description="Starts, watches and stops the bundle.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, words: str) -> _Arguments:
        return commands.add_parser(name, help=words, description=words, parents=[common])

    add("up", "Start everything and wait until it is healthy")
    add("upgrade", "Upgrade the ledger and start everything; put it back as it was when that fails")
    add("down", "Stop everything; data stays")
    restart = add("restart", "Restart all services, or those that are named")
    add("ps", "Show the state of each service")
    logs = add("logs", "Show the last log lines of all services, or of those that are named")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    for command in (restart, logs):
        command.add_argument("services", nargs="*", metavar="SERVICE", help=", ".join(NAMES))
    execute = add("exec", "Run a command beside a service: exec sla-worker python -m sla_worker.cli database")
    execute.add_argument("service", metavar="SERVICE", help=", ".join(NAMES))
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    kill = add(
        "kill",
        "Send services a signal: KILL to see that they come back, HUP to have them read their files again",
    )
    kill.add_argument("services", nargs="+", metavar="SERVICE", help=", ".join(NAMES))
    kill.add_argument(
        "--signal",
        choices=list(SIGNALS),
        default="KILL",
        help="STOP pauses a service, CONT resumes it (default: KILL)",
    )
    rehearse = add(
        "drill", "Fire drill: give Alertmanager one alert, marked [DRILL], and see whom it reaches"
    )
    rehearse.add_argument("alert", metavar="ALERT", help="its name: WorkerUnhealthy")
    rehearse.add_argument(
        "--seconds", type=_seconds, default=60, help="it ends by itself after so long (default: 60)"
    )
    add(
        "smoke", "Check the running Grafana: dashboards, datasource, alert rules, each panel's query, its log"
    )
    clean = add("clean", "Stop everything and remove all its data; asks first")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    demo = add("demo", "Start a stack beside yours that has a month of history with incidents")
    demo.add_argument(
        "--graph-days",
        type=_days,
        default=_MOST_DAYS,
        help=f"so much past for the graphs of SLAs (default: {_MOST_DAYS})",
    )
    add("demo-clean", "Stop the demonstration and remove everything of it")
    add("check", "Check all configuration; start nothing")
    add("fetch", "Fetch Prometheus and Alertmanager with their tools, where they are not on PATH")
    add("doctor", "Show what is there, what is missing and what to do")
    return parser
