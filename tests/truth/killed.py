"""A worker that is killed at random moments of its passes: `python -m truth.killed '{...}'`, see `Orders`.

This process imports the worker once and forks a child for each pass, which is what makes hundreds of kills
affordable. Each child opens the ledger, makes the passes that are due by the clock it is given, and ends;
most are killed before. The clock goes on by one slot a child, whatever became of the last one.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sla_worker.definitions import read_definitions
from sla_worker.errors import DatabaseLockedError
from sla_worker.model import Definition
from truth.comparison import Span, passes
from truth.places import Place
from unit.sla_worker.prometheus_server import client_of
from waiting import patience, poll


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do: so many kills over the slots of the span, at moments that the seed draws."""

    seed: int
    kills: int
    url: str
    definitions: str
    ledger: str
    first: int
    last: int
    slot_seconds: int
    scrape_seconds: int


@dataclass(slots=True)
class Outcome:
    """How the children ended, and how often the file was looked at and found whole."""

    killed: int = 0
    finished: int = 0
    checked: int = 0


def main(argv: Sequence[str]) -> int:
    """Obey; prints the outcome as JSON."""
    orders = Orders(**json.loads(argv[0]))
    print(json.dumps(asdict(obey(orders))))
    return 0


def obey(orders: Orders) -> Outcome:
    """Kill until it is enough, then let one child finish."""
    chance = random.Random(orders.seed)  # noqa: S311 - reproducible, no secret
    definitions = read_definitions(Path(orders.definitions))
    outcome, newest, usual = Outcome(), orders.first, 0.1
    if orders.ledger.startswith("postgresql:"):  # its tables take longer to make than a file's
        began = time.monotonic()
        _ends_within(_fork(orders, definitions, _span(orders, newest)), patience(60))
        usual = (time.monotonic() - began) / 2
    while outcome.killed < orders.kills:
        span = _span(orders, newest)
        began = time.monotonic()
        child = _fork(orders, definitions, span)
        if _ends_within(child, chance.uniform(0, 1.1) * usual):
            outcome.finished += 1
            usual = 0.7 * usual + 0.3 * (time.monotonic() - began)
        else:
            outcome.killed += 1
            usual *= 1.05  # a slower machine, or more to catch up: they must be able to finish
        newest = min(newest + orders.slot_seconds, orders.last)
        if chance.random() < 0.1:
            _check(place_of(orders))
            outcome.checked += 1
    child = _fork(orders, definitions, _span(orders, orders.last))
    if not _ends_within(child, 600):
        raise AssertionError("the last pass does not end")
    _check(place_of(orders))
    return outcome


def _span(orders: Orders, newest: int) -> Span:
    return Span(orders.first, newest, orders.slot_seconds, orders.scrape_seconds)


def _fork(orders: Orders, definitions: Sequence[Definition], span: Span) -> int:
    child = os.fork()
    if child:
        return child
    try:
        _passes(orders, definitions, span)
    except BaseException:  # noqa: BLE001 - the child's end, whatever it was
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _passes(orders: Orders, definitions: Sequence[Definition], span: Span) -> None:
    """The server of a PostgreSQL may still be about to end the session of the one that was killed."""

    def made() -> bool:
        try:
            passes(definitions, client_of(orders.url), place_of(orders), span)
        except DatabaseLockedError:
            return False
        return True

    poll(made, "its turn", every_seconds=0.005)


def place_of(orders: Orders) -> Place:
    """Where the ledger is."""
    return orders.ledger if orders.ledger.startswith("postgresql:") else Path(orders.ledger)


def _ends_within(child: int, seconds: float) -> bool:
    """Wait so long for the child to end by itself, then kill it. An error of the child is one here."""
    handle = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([handle], [], [], seconds)
        if not ended:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(handle)
    if os.WIFSIGNALED(status):
        return False
    if os.waitstatus_to_exitcode(status):
        raise AssertionError("a pass failed; see above")
    return True


def _check(ledger: Place) -> None:
    if not isinstance(ledger, Path) or not ledger.exists():
        return
    connection = sqlite3.connect(ledger)
    try:
        [(found,)] = connection.execute("PRAGMA integrity_check").fetchall()
    finally:
        connection.close()
    if found != "ok":
        raise AssertionError(f"the ledger is damaged: {found}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
