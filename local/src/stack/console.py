"""What a person sees: colours and a live list on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stack.errors import StackError

_POLL_SECONDS = 0.5
OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(highlight=False, soft_wrap=True, stderr=True)


@dataclass(frozen=True, slots=True)
class State:
    """How far one service is: `healthy`, or why not yet; `failed` when waiting longer makes no sense."""

    healthy: bool
    words: str
    failed: bool = False


def say(text: str) -> None:
    """A line about what was done."""
    OUT.print(Text.assemble(("✓ ", "green"), text))


def bad(text: str) -> None:
    """A line about a check that failed."""
    OUT.print(Text.assemble(("✗ ", "red"), text))


def warn(text: str) -> None:
    """A line about something that is missing but does not stop the rest."""
    OUT.print(Text.assemble(("! ", "yellow"), text))


def plain(text: str = "") -> None:
    """A line as it is."""
    OUT.print(Text(text))


def fail(error: StackError) -> None:
    """The error and its fix, on standard error."""
    ERR.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.fix:
        ERR.print(Text.assemble(("fix:   ", "bold"), error.fix))


def ask(question: str) -> bool:
    """Whether the user typed yes; no without a terminal."""
    if not sys.stdin.isatty():
        return False
    return OUT.input(f"{question} Type yes to go on: ").strip().lower() == "yes"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table without lines, as wide as it needs to be: a terminal may wrap it, nothing is cut."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for number, row in enumerate([columns, *rows]):
        line = "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        OUT.print(Text(line, "" if number else "bold"))


def wait(look: Callable[[], Mapping[str, State]], timeout_seconds: float) -> dict[str, State]:
    """Look until all services are healthy, one has failed, or the time is over; return the last states seen.

    On a terminal the list is drawn in place; elsewhere a line is printed when a service gets healthy.
    """
    started = time.monotonic()
    healthy: set[str] = set()
    with Live(console=OUT, auto_refresh=False, transient=True) as live:
        while True:
            states = dict(look())
            seconds = time.monotonic() - started
            if OUT.is_terminal:
                live.update(_list(states, seconds), refresh=True)
            for name, state in states.items():
                if state.healthy and name not in healthy:
                    healthy.add(name)
                    live.console.print(Text.assemble(("✓ ", "green"), f"{name} is healthy ({seconds:.0f} s)"))
            if all(state.healthy for state in states.values()) or seconds > timeout_seconds:
                return states
            if any(state.failed for state in states.values()):
                return states
            time.sleep(_POLL_SECONDS)


def _list(states: Mapping[str, State], seconds: float) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, state in states.items():
        if not state.healthy:
            grid.add_row(
                Text("…", "yellow"), name, Text(state.words, "dim", overflow="ellipsis", no_wrap=True)
            )
    grid.add_row("", Text(f"{seconds:.0f} s", "dim"), "")
    return grid
