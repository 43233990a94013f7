"""What a person sees of the proof: on a terminal a table that moves, elsewhere a line for each change."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from alerts.floors import Floors
from alerts.matrix import Wave
from alerts.proof import Proof, State

_STYLES = {
    State.WAITING: "dim",
    State.CAUSED: "cyan",
    State.PENDING: "yellow",
    State.FIRING: "red",
    State.TOLD: "magenta",
    State.ENDING: "blue",
    State.INACTIVE: "blue",
    State.PROVEN: "green",
    State.FAILED: "bold red",
}
_MARKS = {State.PROVEN: "✓", State.FAILED: "✗"}


class View:
    """Follows the proof; used as a context manager. Safe to use from every thread."""

    def __init__(self, console: Console, floors: Floors, waves: Sequence[Wave]) -> None:
        self._console = console
        self._floors = floors
        self._count = len(waves)
        self._number = 0
        self._title = ""
        self._proofs: Sequence[Proof] = ()
        self._done: list[Proof] = []
        self._began = time.time()
        self._lock = threading.Lock()
        self._live = Live(
            console=console, get_renderable=self._table, refresh_per_second=4, transient=True, screen=False
        )

    def __enter__(self) -> View:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()

    def wave_began(self, wave: Wave, proofs: Sequence[Proof]) -> None:
        """Show the alerts of a new wave."""
        with self._lock:
            self._number += 1
            self._title = f"Wave {self._number} of {self._count}: {wave.name}"
            self._proofs = proofs
        self._say(Text(self._title, "bold"))

    def changed(self, proof: Proof) -> None:
        """Show that an alert has come to another state."""
        name, state = proof.alert.name, proof.state
        if self._console.is_terminal and state not in (State.PROVEN, State.FAILED):
            return
        after = f"{time.time() - self._began:7.1f} s  "
        line = Text.assemble((after, "dim"), (f"{_MARKS.get(state, '·')} {name}: {state}", _STYLES[state]))
        line.append(f"  ({proof.title})", "dim")
        if state is State.PROVEN and proof.told_at is not None and proof.caused_at:
            floor = self._floors.floor_seconds(proof.alert)
            line.append(f"  told after {proof.told_at - proof.caused_at:.1f} s, floor {floor:.1f} s")
        if proof.problem:
            line.append(f"\n           {proof.problem}", "red")
        self._say(line)

    def _say(self, line: Text) -> None:
        self._console.print(line)

    def _table(self) -> Table:
        """The alerts of the wave: what they prove, their state, how long they are in it, and their times."""
        with self._lock:
            title, proofs = self._title, list(self._proofs)
        now = time.time()
        table = Table(title=f"{title}  ({now - self._began:.0f} s)", title_justify="left", box=None)
        for column in ("alert", "scenario", "state"):
            table.add_column(column, no_wrap=True, overflow="ellipsis")
        for column in ("in it", "told after", "floor"):
            table.add_column(column, justify="right")
        for proof in proofs:
            told = (
                "" if not proof.told_at or not proof.caused_at else seconds(proof.told_at - proof.caused_at)
            )
            since = seconds(now - proof.state_at) if proof.state_at else ""
            mark = _MARKS.get(proof.state, " ")
            table.add_row(
                proof.alert.name,
                proof.title,
                Text(f"{mark} {proof.state}", _STYLES[proof.state]),
                "" if proof.state in _MARKS else since,
                told,
                seconds(self._floors.floor_seconds(proof.alert)),
            )
        return table


def seconds(value: float | None) -> str:
    """A time as the tables write it; nothing for None."""
    return "" if value is None else f"{value:.1f} s"
