"""The command: reads the environment, brings the stack up, runs the proof, writes the reports, cleans up.

ONLY=Name,Name proves the scenarios alone whose title, or one of whose alerts, holds a name. REAL_TIME=1
proves at true durations on the running stack. MODE, STACK_ENV_FILE, STACK_NAME, STACK_FACTOR and KEEP choose
the stack as for the other live tests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from alerts import matrix, prerequisites, report
from alerts.causes import Causes
from alerts.engine import Tools, run_waves
from alerts.errors import RefusalError, StoppedError
from alerts.floors import Floors, floors_of
from alerts.matrix import Wave
from alerts.proof import Proof
from alerts.shipped import Alert, shipped_alerts
from alerts.view import View
from alerts.watch import Watch
from e2e.live import Stack
from e2e.stack_under_test import ROOT, StackCommand, read_env_file, stack_from_environment
from waiting import patience

PROVEN, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130
LOG_COLUMNS = 200
START_PATIENCE_SECONDS = 120.0
"""How long a stack of the tests may take to come to rest; the user's own is refused at once."""


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where the command takes things from: the repository, its matrix, the environment, and the stack."""

    root: Path = ROOT
    alerts: Callable[[Path], dict[str, Alert]] = shipped_alerts
    waves: Callable[[], Sequence[Wave]] = matrix.load
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: os.environ)
    stack: Callable[[Mapping[str, str]], contextlib.AbstractContextManager[tuple[StackCommand, Stack]]] = (
        stack_from_environment
    )


def main(sources: Sources | None = None) -> int:
    """Prove; return 0 when all is proven, 1 when not, 2 when it cannot begin, 130 when interrupted."""
    sources = sources or Sources()
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(highlight=False, soft_wrap=True, width=LOG_COLUMNS)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        alerts = sources.alerts(sources.root)
        waves = _chosen(sources.waves(), alerts, sources.environment.get("ONLY", ""))
        with sources.stack(_with_the_running_stack_if_real_time(sources)) as (command, stack):
            return _prove(console, waves, alerts, command, stack)
    except RefusalError as error:
        console.print(f"refused: {error}", style="bold red")
        return REFUSED
    except (KeyboardInterrupt, StoppedError):
        console.print("interrupted; everything that was broken is repaired", style="bold red")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _chosen(waves: Sequence[Wave], alerts: dict[str, Alert], only: str) -> Sequence[Wave]:
    """The waves that were asked for; RefusalError when the matrix and the shipped alerts differ."""
    covered = set(matrix.covered(waves))
    if missing := sorted(alerts.keys() - covered):
        raise RefusalError(f"no scenario proves {', '.join(missing)}\nfix:   add one to {matrix.PATH}")
    if unknown := sorted(covered - alerts.keys()):
        raise RefusalError(f"nobody ships {', '.join(unknown)}\nfix:   take it out of {matrix.PATH}")
    words = [word.strip() for word in only.split(",") if word.strip()]
    chosen = matrix.selected(waves, words)
    if not chosen:
        raise RefusalError(f"ONLY={only}: no title and no alert holds that\nfix:   see {matrix.PATH}")
    return chosen


def _with_the_running_stack_if_real_time(sources: Sources) -> Mapping[str, str]:
    """The environment; REAL_TIME=1 in it means the user's own stack, unless another one is named."""
    environment, own = sources.environment, sources.root / ".env"
    if not environment.get("REAL_TIME") or environment.get("STACK_ENV_FILE"):
        return environment
    if not own.exists():
        raise RefusalError("REAL_TIME=1 proves on the running stack, and there is none\nfix:   make up")
    return {**environment, "STACK_ENV_FILE": str(own)}


def _prove(
    console: Console, waves: Sequence[Wave], alerts: dict[str, Alert], command: StackCommand, stack: Stack
) -> int:
    chosen = {name: alerts[name] for name in matrix.covered(waves)}
    prerequisites.check_all_answer(stack, int(read_env_file(command.env_file)["SMTP_PORT"]))
    prerequisites.check_rules(stack, chosen)
    # A compressed stack is one of the tests': just started, or just left by the tests before.
    given = patience(START_PATIENCE_SECONDS) if stack.factor > 1 else 0
    prerequisites.check_calm(stack, patience_seconds=given)
    floors = floors_of(stack, chosen)
    causes = Causes(stack, command)
    began = time.monotonic()
    with _ended(causes), View(console, floors, waves) as view, Watch(stack) as watch:
        tools = Tools(stack, watch, causes, chosen, floors, view, threading.Event())
        proofs = run_waves(waves, tools)
    _report(console, proofs, floors_of(stack, chosen), time.monotonic() - began, command.name)
    return FAILED if report.failures(proofs) else PROVEN


@contextlib.contextmanager
def _ended(causes: Causes) -> Iterator[None]:
    """End every cause at the exit, whatever happened."""
    try:
        yield
    finally:
        causes.everything_ended()


def _report(
    console: Console, proofs: Sequence[Proof], floors: Floors, took_seconds: float, stack_name: str
) -> None:
    report.print_summary(console, proofs, floors)
    home = ROOT / ".run" / "alerts" / stack_name  # two stacks may be proven at the same time
    home.mkdir(parents=True, exist_ok=True)
    report.write_markdown(home / "report.md", proofs, floors, took_seconds)
    report.write_junit(home / "junit.xml", proofs, took_seconds)
    proven = len(proofs) - len(report.failures(proofs))
    console.print(f"{proven} of {len(proofs)} alerts proven in {took_seconds:.0f} s")
    for name in ("report.md", "junit.xml"):
        console.print(f"  {(home / name).relative_to(ROOT)}")
