"""Workers that share a ledger and lose their leader again and again; `python -m` it with `Orders` as JSON.

This process imports the worker once and forks one for each that is to run. All have one clock, which it sets:
slots go by between two losses. Each has a Prometheus of its own; the mail server is the same. A leader is
killed, or paused until another one leads, or every session is ended as the server's restart does it. Where
the orders say so it prints `restart`, and whoever reads that restarts the server.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from sla_worker import serving, worker
from sla_worker.delivery import sending
from sla_worker.service import Service, build
from sla_worker.settings import Settings, read_settings
from sla_worker.standby import stand_by
from unit.sla_worker.fake_prometheus import GOOD, SCRAPES, SLOT, FakePrometheus
from waiting import patience, poll

STEP, SLOTS = 300, 2  # of a slot, and how many of them go by between two losses
KILL, PAUSE, CUT, RESTART = "kill", "pause", "cut", "restart"
_LAYOUT = struct.Struct("=dqd")  # the clock; who leads, and since when by CLOCK_MONOTONIC
_OWED = "SELECT COUNT(*) FROM sla_notifications WHERE done_at IS NULL"
_ROWS = "SELECT COUNT(*) FROM sla_measurements"


@dataclass(frozen=True, slots=True)
class Orders:
    """How often the leader is to be lost in which way. Without `hurry` the loops turn as those that ship."""

    seed: int
    losses: Sequence[str]
    environ: Mapping[str, str]
    hurry: bool = True
    silent_seconds: float = 0.5
    begin: int = SLOT
    """The end of the first slot; as many seconds from SLOT as some slots take."""


@dataclass(slots=True)
class Outcome:
    """How long after each loss another one led, in seconds, by its kind; and the clock at the end."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    now: float = 0.0

    def told(self) -> Iterator[str]:
        """The figures in lines."""
        for kind, found in self.seconds.items():
            middle, most = statistics.median(found), max(found)
            figures = f"median {middle:6.2f} s, longest {most:6.2f} s"
            yield f"take-over after {kind:8} {len(found):3} times: {figures}"


class Waves(FakePrometheus):
    """Every 13th slot has 100 bad events of 1,000, and a target that is down for 2 of its 20 scrapes."""

    def _samples(self, end: float, seconds: int) -> Iterator[dict[str, Any]]:
        well = {_name(each): each for each in self._of(1000, end, seconds)}
        for series in self._of(900, end, seconds):
            good = well[_name(series)]
            values = [
                [at, _mixed(at, float(fine), float(bad), is_up=series["metric"]["__name__"] == "up")]
                for (at, fine), (_, bad) in zip(good["values"], series["values"], strict=True)
            ]
            yield {"metric": series["metric"], "values": values}

    def _of(self, good: int, end: float, seconds: int) -> Iterator[dict[str, Any]]:
        self.values[GOOD] = float(good)
        return iter(list(super()._samples(end, seconds)))


def is_bad(number: int) -> bool:
    """Whether the slot with this number is one of the bad ones; that of SLOT is 0."""
    return number % 13 == 2  # an hour after the last one: it has a mail of its own


def _mixed(at: int, fine: float, bad: float, *, is_up: bool) -> str:
    """The value of a series at a scrape, of what it were if all slots were fine, and if all were bad."""
    scrape = (at - SLOT) // 15
    before = scrape // SCRAPES  # the number of the last slot that is over
    if is_up:
        return str(bad if is_bad(before + 1) else fine)
    # Counters began at 0 with slot -499. What the bad slots and the part of one have more or less:
    begun = is_bad(before + 1) * (scrape % SCRAPES + 1) / SCRAPES
    slots = _bad_up_to(before) - _bad_up_to(-500) + begun
    return str(round(fine + (bad - fine) * SCRAPES / (scrape + 10_000) * slots, 6))


def _bad_up_to(number: int) -> int:
    """Counts the bad slots up to this one, from any slot on: only differences say something."""
    return (number - 2) // 13


def _name(series: Mapping[str, Any]) -> str:
    return json.dumps(series["metric"], sort_keys=True)


class Shared:
    """What the processes know of each other."""

    def __init__(self, begin: int) -> None:
        self._memory = mmap.mmap(-1, _LAYOUT.size)
        self.set_now(begin + 45.0)

    def now(self) -> float:
        return float(_LAYOUT.unpack_from(self._memory)[0])

    def set_now(self, now: float) -> None:
        struct.pack_into("=d", self._memory, 0, now)

    def lead(self) -> None:
        struct.pack_into("=qd", self._memory, 8, os.getpid(), time.monotonic())

    def leader(self) -> tuple[int, float]:
        _, pid, since = _LAYOUT.unpack_from(self._memory)
        return int(pid), float(since)


class Team:
    """Two workers that run; one that has ended is replaced."""

    def __init__(self, orders: Orders, shared: Shared) -> None:
        self._orders = orders
        self._settings = read_settings(orders.environ)
        self._shared = shared
        self.members: set[int] = set()

    def complete(self) -> None:
        """Replace those that have ended: as a supervisor does, also after an error at the start."""
        for each in list(self.members):
            if os.waitpid(each, os.WNOHANG)[0]:
                self.members.discard(each)
        while len(self.members) < 2:
            self.members.add(self._fork())

    def leader(self, former: tuple[int, float] = (0, 0.0)) -> tuple[int, float]:
        """Who leads, once it is not the former one any more; the time is when it began.

        The former one is not replaced at once: it is the one that stands by that is to take over.
        """
        began = time.monotonic()

        def another() -> tuple[int, float] | None:
            if not former[0] or time.monotonic() - began > patience(5):
                self.complete()
            found = self._shared.leader()
            return found if found[0] in self.members and found != former else None

        return poll(another, f"another leader than {former}", seconds=60, every_seconds=0.005)

    def end(self) -> None:
        """End them as a supervisor does. Raises AssertionError when one ends with an error."""
        for each in self.members:
            os.kill(each, signal.SIGTERM)
        for each in self.members:
            assert os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) == 0, "a worker ended with an error"

    def _fork(self) -> int:
        child = os.fork()
        if child:
            return child
        try:
            _work(self._orders, self._settings, self._shared)
        except BaseException:  # noqa: BLE001 - the child's end, whatever it was
            traceback.print_exc()
            os._exit(1)
        os._exit(0)


def _work(orders: Orders, settings: Settings, shared: Shared) -> None:
    """A worker as `serving.serve` runs it, without its addresses."""
    stop = serving.Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if orders.hurry:
        worker.TICK_SECONDS = sending.TICK_SECONDS = 0.02

    def waits(error: Exception, former: serving.Waiting | None) -> serving.Waiting:
        return stand_by(settings, error, former, clock=shared.now, silent_seconds=orders.silent_seconds)

    def shown(_service: Service, _former: object) -> None:
        shared.lead()

    serving.Turns(
        lambda: build(settings, clock=shared.now, monotonic=shared.now, transport=Waves()),
        waits,
        stop=stop,
        shown=shown,
        turn_seconds=0.02 if orders.hurry else serving.TURN_SECONDS,
        beat_seconds=0.1 if orders.hurry else serving.BEAT_SECONDS,
    ).run()


def obey(orders: Orders) -> Outcome:
    """Lose the leader as ordered, then let the one that leads finish."""
    chance = random.Random(orders.seed)  # noqa: S311 - reproducible, no secret
    shared, outcome = Shared(orders.begin), Outcome()
    team = Team(orders, shared)
    team.leader()
    for kind in orders.losses:
        former = team.leader()
        time.sleep(chance.uniform(0, 0.1))
        shared.set_now(shared.now() + SLOTS * STEP)
        time.sleep(chance.uniform(0, 0.15))
        began = time.monotonic()
        lose(kind, former[0], orders)
        if kind in {CUT, RESTART}:  # the former one may be the first to be back, and leads still
            time.sleep(0.3)
            continue
        found = team.leader(former)
        outcome.seconds.setdefault(kind, []).append(found[1] - began)
        if kind == PAUSE:
            os.kill(former[0], signal.SIGCONT)
    _finish(orders, shared, team)
    outcome.now = shared.now()
    return outcome


def lose(kind: str, leader: int, orders: Orders) -> None:
    """Kill or pause the leader, or end what connects all of them with the server."""
    if kind == KILL:
        os.kill(leader, signal.SIGKILL)
    elif kind == PAUSE:
        os.kill(leader, signal.SIGSTOP)
    elif kind == CUT:
        _asked(
            orders,
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name LIKE 'sla_worker%' AND pid <> pg_backend_pid()",
        )
    else:
        print(RESTART, flush=True)
        sys.stdin.readline()


def _finish(orders: Orders, shared: Shared, team: Team) -> None:
    """Wait until nothing lacks and nothing is owed; what was tried in vain is due again minutes later."""

    def done() -> bool:
        team.complete()
        shared.set_now(shared.now() + 20)
        due = int(shared.now() - 45 - orders.begin) // STEP + 1
        return _asked(orders, _ROWS) == 3 * due and not _asked(orders, _OWED)

    poll(done, "the end of all work", seconds=60, every_seconds=0.1)
    team.end()


def _asked(orders: Orders, sql: str) -> int:
    with psycopg.connect(orders.environ["SLA_DATABASE_URL"], autocommit=True) as connection:
        [found] = connection.execute(sql.encode()).fetchone() or (0,)
    return int(found)


def environ_of(url: str, definitions: Path, smtp_port: int) -> dict[str, str]:
    """The settings of the workers."""
    return {
        "SLA_DATABASE_URL": url,
        "SLA_DEFINITIONS": str(definitions),
        "SMTP_PORT": str(smtp_port),
        "SLA_SETTLE_SECONDS": "45",
        "SLA_WATCHDOG_SECONDS": "0",
        "REPORT_HOUR": "21",  # it begins at 22:15 UTC, and no report is to be drawn
    }


def process_of(orders: Orders) -> subprocess.Popen[str]:
    """This module as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", "unit.sla_worker.take_over", json.dumps(asdict(orders))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def main(argv: Sequence[str]) -> int:
    """Obey; prints the outcome as JSON, its figures on stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(process)d %(message)s")
    outcome = obey(Orders(**json.loads(argv[0])))
    for line in outcome.told():
        print(line, file=sys.stderr)
    print(json.dumps({**asdict(outcome), "told": list(outcome.told())}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
