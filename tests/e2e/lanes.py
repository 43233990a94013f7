"""The live tests and the proof of the alerts, in lanes that run side by side.

`python -m e2e.lanes compose:tests,compose:proof local:tests` is two lanes. The steps of a lane run one after
the other, neighbours of one mode on one stack; each lane has stacks of its own. A stack mostly waits, so two
cores carry two or three lanes. With a single lane its output is seen as it comes, with several at the end of
each. The exit code is the first that is not 0.
"""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from e2e.stack_under_test import ROOT

COMMANDS = {
    "tests": f"{sys.executable} -m pytest -q tests/e2e",
    "proof": f"{sys.executable} -m alerts",
    "readme": f"{sys.executable} -m pytest -q tests/readme",
}
ALONE = frozenset({"readme"})
"""What starts its own stack: it shares none with its neighbours."""
LOGS = ROOT / ".run" / "lanes"
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


def main(arguments: Sequence[str], commands: Mapping[str, str] = COMMANDS, logs: Path = LOGS) -> int:
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
        return run(lanes[0], "", 1)  # standard output, as it comes
    logs.mkdir(parents=True, exist_ok=True)

    def run_and_show(numbered: tuple[int, Lane]) -> int:
        number, lane = numbered
        log = logs / f"{number}.log"
        began = time.monotonic()
        with log.open("wb") as out:
            code = run(lane, f"-{number}", out.fileno())
        took = time.monotonic() - began
        print(f"\n== {lane.name} ({took:.0f} s)\n{log.read_text(errors='replace')}", flush=True)
        return code

    with ThreadPoolExecutor(len(lanes)) as pool:
        codes = list(pool.map(run_and_show, enumerate(lanes, start=1)))
    return next((code for code in codes if code), 0)


def run(lane: Lane, suffix: str, output: int) -> int:
    """Run one lane to its end; its stacks have the suffix in their name, `output` is a file descriptor."""
    worst = 0
    for mode, commands, shared in lane.stacks:
        environment = os.environ | {"MODE": mode, "TEST_STACK": suffix}
        on_one_stack = [[sys.executable, "-m", "e2e.shared", *commands]]
        for words in on_one_stack if shared else [shlex.split(command) for command in commands]:
            done = subprocess.run(
                words, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
            )
            worst = worst or done.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
