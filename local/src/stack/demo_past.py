"""The past of the graphs: what the sla-worker would have exported, and what the rules would have recorded.

Prometheus is running by then and takes blocks that are put beside its own within a minute.
"""

from __future__ import annotations

import itertools
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from stack import rule_history
from stack.demo import Demo
from stack.demo_history import Said, Tools
from stack.errors import StackError
from stack.rule_history import STEP_SECONDS

DAY = 86_400
_BLOCK_HOURS = 54
"""A length that promtool knows (2 h · 3^n): a file that lies in one of these is one block, read once."""
_BLOCK_SECONDS = _BLOCK_HOURS * 3600
_BLOCK_WORDS = (
    "tsdb",
    "create-blocks-from",
    "openmetrics",
    f"--max-block-duration={_BLOCK_HOURS}h",
    "--quiet",
)
_AFTER_SECONDS, _AFTER_SLA_SECONDS = 3 * 3600, 7 * 3600
"""So long after an incident its alerts may last; those on SLAs look back six hours."""
_SEEN_SECONDS = 180.0
_SAID_SECONDS = 10.0
_WATCHDOG = "Watchdog"
_RULE_SECOND = 20
"""Rules are evaluated so long after the minute: the scrapes of that minute are there."""

Holds = Callable[[str, int], bool]
"""Whether Prometheus has any series of an expression at a moment."""

Replay = Callable[[int, int, IO[Any]], None]
"""Writes what the sla-worker exported between two moments, as OpenMetrics."""


@dataclass(frozen=True, slots=True)
class Past:
    """Makes the past of one demonstration. `ask` and `holds` ask its Prometheus, `config` has the rules."""

    demo: Demo
    story: dict[str, Any]
    tools: Tools
    ask: rule_history.Ask
    holds: Holds
    config: Path
    said: Said
    seen_seconds: float = _SEEN_SECONDS

    def make(self, replay: Replay, days: int) -> None:
        """Make what is not there yet, the newest first; the story keeps how far. Raises StackError."""
        begin, end = self.story["begin"], self.story["end"]
        oldest = max(begin, end // DAY * DAY - (days - 1) * DAY) if days else end
        found = rule_history.rules(self.config / "rules")
        if "recorded" not in self.story:
            steps = self._steps(begin, end)
            always = [each for each in found if each.alert == _WATCHDOG]
            self._block(
                itertools.chain(
                    rule_history.recorded(self.ask, found, *steps),
                    rule_history.alerts(self.ask, always, *steps),
                )
            )
            self._done("recorded", end)
        told = time.monotonic()
        for first, last in pieces(oldest, self.story.get("replayed", end)):
            with self._file() as path:
                with path.open("w", encoding="utf-8") as file:
                    replay(first, last, file)
                self._read(path)
            self._done("replayed", first)
            if time.monotonic() - told >= _SAID_SECONDS:
                told = time.monotonic()
                self.said(f"graphs of the SLAs: {(end - first) / DAY:.0f} of {(end - oldest) / DAY:.0f} days")
        if "alerts" not in self.story:
            self._wait_until_seen(next(each.record for each in found if each.record), end - STEP_SECONDS)
            for _, last in pieces(oldest, end):  # each is a block of its own
                if (moment := last - 10 * STEP_SECONDS) > oldest + 10 * STEP_SECONDS:
                    self._wait_until_seen("sla_worker_slot_seconds", moment)
            of_slas = rule_history.rules(self.config / "rules" / "sla")
            self._block(self._alerts(found, _AFTER_SECONDS))
            self._block(self._alerts(of_slas, _AFTER_SLA_SECONDS))
            self._done("alerts", end)

    def _alerts(self, found: list[rule_history.Rule], after_seconds: int) -> Iterator[str]:
        around = rule_history.spans(
            self.story["incidents"], self.story["begin"], self.story["end"], after_seconds=after_seconds
        )
        quiet = around[0][0]  # nothing had gone wrong by then: what fires lacks its metrics in the month
        told = [each for each in found if each.alert and not any(self.ask(each.expr, quiet, quiet))]
        for first, last in around:
            yield from rule_history.alerts(self.ask, told, *self._steps(first, last))

    @staticmethod
    def _steps(first: int, last: int) -> tuple[int, int]:
        """The first evaluation of rules from a moment on, and the last one before another."""
        start = first // STEP_SECONDS * STEP_SECONDS + _RULE_SECOND
        return start, max(start, last // STEP_SECONDS * STEP_SECONDS - STEP_SECONDS + _RULE_SECOND)

    def _done(self, what: str, moment: int) -> None:
        self.story[what] = moment
        self.demo.tell(self.story)

    @contextmanager
    def _file(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.demo.directory) as scratch:
            Path(scratch).chmod(0o755)  # promtool may run as another user
            yield Path(scratch) / "past.om"

    def _block(self, lines: Iterable[str]) -> None:
        with self._file() as path:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(lines)
                file.write("# EOF\n")
            self._read(path)

    def _read(self, path: Path) -> None:
        """Have promtool make blocks of a file."""
        path.chmod(0o644)
        words = [
            word.replace("{directory}", str(path.parent)).replace("{file}", path.name)
            for given in self.tools.promtool
            for word in (_BLOCK_WORDS if given == "{words}" else (given,))
        ]
        done = subprocess.run(  # noqa: S603  # our own program
            words, env=self.tools.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise StackError(
                f"promtool could not read the past of the graphs: {line}", "make demo tries again"
            )

    def _wait_until_seen(self, expr: str, moment: int) -> None:
        """Wait until Prometheus has read a block: it looks for new ones once a minute."""
        deadline = time.monotonic() + self.seen_seconds
        while not self.holds(expr, moment):
            if time.monotonic() > deadline:
                raise StackError(
                    f"Prometheus has not read the past of {expr} within {self.seen_seconds:.0f} s",
                    "make demo tries again",
                )
            time.sleep(2)


def pieces(begin: int, end: int) -> list[tuple[int, int]]:
    """The time between two moments in pieces, each of which lies in one block, the newest first."""
    cuts = [
        begin,
        *range(begin // _BLOCK_SECONDS * _BLOCK_SECONDS + _BLOCK_SECONDS, end, _BLOCK_SECONDS),
        end,
    ]
    return [(first, last) for first, last in itertools.pairwise(cuts) if first < last][::-1]
