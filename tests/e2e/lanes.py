"""The live tests and the proof of the alerts, in lanes that run side by side.

`python -m e2e.lanes compose:tests,compose:proof local:tests` is two lanes. The steps of a lane run one after
the other, neighbours of one mode on one stack; each lane has stacks of its own. A stack mostly waits, so two
cores carry two or three of them. With a single lane its output is seen as it comes, with several at the end
of each; that of a lane that failed comes last, where whoever sees only the end of the output finds it. The
exit code is the first that is not 0.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from e2e.stack_under_test import ROOT

COMMANDS = {
    "tests": f"{sys.executable} -m pytest -q tests/e2e",
    "proof": f"{sys.executable} -m alerts",
    "readme": f"{sys.executable} -m pytest -q tests/readme",
    "scale": f"{sys.executable} -m pytest -q tests/scale",
}
ALONE = frozenset({"readme", "scale"})
"""What starts its own stack: it shares none with its neighbours."""
LOGS = ROOT / ".run" / "lanes"
STILL_SECONDS = 300
"""How often those that still run are named: what says nothing for half an hour is taken for dead."""
MODES = ("auto", "compose", "local")
USAGE = (
    "usage: python -m e2e.lanes LANE [LANE …]\n"
    f"a lane is STEP[,STEP …], a step MODE:WHAT; modes: {', '.join(MODES)}; what: {', '.join(COMMANDS)}"
)


class LaneError(Exception):
    """A lane that cannot be read; the message names it and says how one is written."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Steps that run one after the other: for each stack its mode and the commands that run on it.

    A command that starts its own stack stands alone, with `shared` False.
    """

    name: str
    stacks: tuple[tuple[str, tuple[str, ...], bool], ...]


def parsed(text: str, commands: Mapping[str, str] = COMMANDS) -> Lane:
    """Return the lane that is written so; raises LaneError."""
    steps: list[tuple[str, str]] = []
    for step in text.split(","):
        mode, _, what = step.partition(":")
        if mode not in MODES or what not in commands:
            raise LaneError(f"{step!r} in the lane {text!r} cannot be read\n{USAGE}")
        steps.append((mode, what))
    grouped = itertools.groupby(steps, key=lambda step: (step[0], step[1] not in ALONE))
    return Lane(
        text,
        tuple(
            (mode, tuple(commands[what] for _, what in group), shared) for (mode, shared), group in grouped
        ),
    )


def main(
    arguments: Sequence[str],
    commands: Mapping[str, str] = COMMANDS,
    logs: Path = LOGS,
    still_seconds: float = STILL_SECONDS,
) -> int:
    """Run the lanes and return the exit code: 0, the first failure, or 2 for a lane that cannot be read."""
    try:
        lanes = [parsed(text, commands) for text in arguments]
    except LaneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not lanes:
        print(USAGE, file=sys.stderr)
        return 2
    if len(lanes) == 1:
        return run(lanes[0], "", 1)[0]  # standard output, as it comes
    logs.mkdir(parents=True, exist_ok=True)
    for number, lane in enumerate(lanes, start=1):
        print(f"{lane.name}: follow it with tail -f {logs / str(number)}.log", flush=True)

    failed: dict[str, str] = {}

    def run_and_show(number: int, lane: Lane) -> int:
        log = logs / f"{number}.log"
        began = time.monotonic()
        with log.open("wb") as out:
            code, used = run(lane, f"-{number}", out.fileno())
        took = f"{time.monotonic() - began:.0f} s, {used:.0f} s of CPU outside of containers"
        shown = f"\n== {lane.name} ({took})\n{log.read_text(errors='replace')}"
        if code:
            failed[lane.name] = f"{shown}\n== {lane.name} failed with exit code {code}"
            print(f"{lane.name} failed after {took}; its output comes last", flush=True)
        else:
            print(shown, flush=True)
        return code

    with ThreadPoolExecutor(len(lanes)) as pool:
        runs = {pool.submit(run_and_show, number, lane): lane for number, lane in enumerate(lanes, start=1)}
        tell_of(runs, still_seconds)
        code = next((run.result() for run in runs if run.result()), 0)
    for shown in failed.values():
        print(shown, flush=True)
    return code


def tell_of(runs: Mapping[Future[int], Lane], still_seconds: float) -> None:
    """Wait for the lanes, and name those that still run from time to time."""
    began = time.monotonic()
    left = set(runs)
    while left := wait(left, timeout=still_seconds).not_done:
        names = ", ".join(lane.name for run, lane in runs.items() if run in left)
        print(f"after {time.monotonic() - began:.0f} s still running: {names}", flush=True)


def run(lane: Lane, suffix: str, output: int) -> tuple[int, float]:
    """Run one lane to its end, and return the first exit code that is not 0 and the seconds of CPU.

    Its stacks have the suffix in their name, `output` is a file descriptor.
    """
    worst, used = 0, 0.0
    for mode, commands, shared in lane.stacks:
        environment = os.environ | {"MODE": mode, "TEST_STACK": suffix}
        on_one_stack = [[sys.executable, "-m", "e2e.shared", *commands]]
        for words in on_one_stack if shared else [shlex.split(command) for command in commands]:
            process = subprocess.Popen(
                words, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            worst = worst or process.returncode
            used += usage.ru_utime + usage.ru_stime
    return worst, used


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
