"""`python -m benchmarks.web`: the status page and the API under 200 requests a second, beside passes.

A worker with so many SLAs and a ledger of so many days answers in a process of its own, on the server that
the service uses; its clock is turned a slot every few seconds, so that passes store rows meanwhile. This
program asks in an even step and counts from the moment at which a request was due, so that a slow answer
delays no other's count. It fails when a budget is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.filling import DAY
from benchmarks.statements import many_slas
from ports import free_port
from sla_worker.web.server import Server
from unit.sla_worker.fake_prometheus import GRID
from unit.sla_worker.setting import Setting
from waiting import poll

PATHS = (
    "/",
    "/?window=30d",
    "/public",
    "/api/status",
    "/api/compliance?window=30d",
    "/api/breaches",
    "/api/v2/summary.json",
    "/feed.atom",
    "/badge/platform-uptime-0.svg",
    "/healthz",
)
BUDGET_SECONDS = 0.1  # of the slowest answer in a hundred
THREADS = 16
SLOT_EVERY = 30.0  # seconds between two passes: ten times as often as in life


@dataclass
class Seen:
    """How long answers took, by their path, in seconds."""

    took: dict[str, list[float]] = field(default_factory=lambda: {each: [] for each in PATHS})
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, path: str, seconds: float, status: int) -> None:
        with self.lock:
            self.took[path].append(seconds)
            if status != 200:
                self.failed.append(f"{path}: {status}")


def answering(directory: Path, port: int, slas: int, days: int) -> None:
    """The other process: a worker over a filled ledger, with a pass every few seconds, until it is ended."""
    definitions = directory / "slas.yml"
    many_slas(definitions, slas)
    setting = Setting(directory, SLA_DEFINITIONS=str(definitions), SLA_BEGIN_DAYS="0", SLA_KEEP_SLOTS="35")
    fill(setting, days)
    setting.step()
    server = Server(setting.service.application, "127.0.0.1", port)
    threading.Thread(target=server.run, daemon=True).start()
    passes: list[float] = []
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "end":
            break
        begun = time.monotonic()
        setting.now += GRID.slot_seconds
        setting.step()
        passes.append(time.monotonic() - begun)
    print(json.dumps(passes), flush=True)
    os._exit(0)


def fill(setting: Setting, days: int) -> None:
    """Store so many days before now, as they would have been measured."""
    from sla_worker.definitions import read_definitions  # noqa: PLC0415 - of the other process
    from sla_worker.evaluation import evaluate  # noqa: PLC0415 - likewise
    from sla_worker.model import Figures  # noqa: PLC0415 - likewise

    found = read_definitions(Path(setting.environ["SLA_DEFINITIONS"]))
    database, step = setting.service.database, GRID.slot_seconds
    last = GRID.slot_of(setting.now) - 2 * step
    for back in range(days, 0, -1):
        begin = last - back * DAY
        rows = []
        for slot in range(begin + step, begin + DAY + 1, step):
            for number, each in enumerate(found):
                bad = 12 if (slot // step + number * 131) % 2000 == 0 else 0
                rows.append(evaluate(each, slot, Figures(1000 - bad, 1000, 1, 1.25)))
        database.store(rows)


def ask(port: int, seen: Seen, due: list[tuple[float, str]], lock: threading.Lock) -> None:
    """One of the threads that ask: each takes the next request that is due."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while True:
        with lock:
            if not due:
                break
            at, path = due.pop()
        time.sleep(max(at - time.monotonic(), 0))
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        seen.add(path, time.monotonic() - at, answer.status)
    connection.close()


def measured(port: int, worker: subprocess.Popen[str], *, rate: int, seconds: int) -> Seen:
    """So many requests a second, for so long, with passes beside them."""
    assert worker.stdin is not None
    seen, lock = Seen(), threading.Lock()
    begin = time.monotonic() + 0.5
    due = [(begin + number / rate, PATHS[number % len(PATHS)]) for number in range(rate * seconds)][::-1]
    threads = [threading.Thread(target=ask, args=(port, seen, due, lock)) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for _ in range(math.ceil(seconds / SLOT_EVERY)):
        time.sleep(min(SLOT_EVERY, seconds) / 2)
        worker.stdin.write("slot\n")
        worker.stdin.flush()
        time.sleep(min(SLOT_EVERY, seconds) / 2)
    for each in threads:
        each.join()
    return seen


def quantile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slas", type=int, default=36)
    parser.add_argument("--days", type=int, default=40, help="of history in the ledger")
    parser.add_argument("--rate", type=int, default=200, help="requests a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.answer is not None:
        with tempfile.TemporaryDirectory() as directory:
            answering(Path(directory), given.answer, given.slas, given.days)
    console = Console(width=100)
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.web", "--answer", str(port), "--slas", str(given.slas)]
    load = os.getloadavg()[0]
    worker = subprocess.Popen(
        [*command, "--days", str(given.days)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    worker.stdout.readline()
    poll(lambda: _answers(port), "the page", seconds=10)
    seen = measured(port, worker, rate=given.rate, seconds=given.seconds)
    worker.stdin.write("end\n")
    worker.stdin.flush()
    passes = json.loads(worker.stdout.readline())
    worker.wait()
    every = [each for took in seen.took.values() for each in took]
    table = Table("what", "requests", "p50", "p99", "slowest", title=f"{given.slas} SLAs, {given.days} days")
    for path, took in [*seen.took.items(), ("all", every)]:
        figures = (statistics.median(took), quantile(took, 0.99), max(took))
        table.add_row(path, str(len(took)), *(f"{1000 * each:.1f} ms" for each in figures))
    console.print(table)
    console.print(
        f"{len(passes)} passes beside them, the slowest {1000 * max(passes):.0f} ms; {len(seen.failed)}"
        f" answers other than 200; {os.cpu_count()} cores, load {load:.1f} before"
    )
    for each in seen.failed[:5]:
        console.print(each)
    good = quantile(every, 0.99) < BUDGET_SECONDS and not seen.failed and max(passes) < SLOT_EVERY
    console.print("within the budgets" if good else f"over a budget: p99 {BUDGET_SECONDS * 1000:.0f} ms")
    return 0 if good else 1


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
