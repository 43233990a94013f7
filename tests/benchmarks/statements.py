"""`python -m benchmarks.statements`: the SQL that the sla-worker executes, counted by SQLite itself.

Builds the service with 36 SLAs, a clock that this program turns and a Prometheus that answers at once, and
prints the statements of a pass, of an idle minute (sixty turns of both loops, and as many questions for
/healthz and /metrics) and of each question that a page or a mail asks. `--show` prints them by their shape.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from unit.sla_worker.fake_prometheus import GOOD, THREE
from unit.sla_worker.setting import Setting

SLAS = 36
TURNS = 60


def many_slas(file: Path, count: int = SLAS) -> None:
    """Write a file of definitions with so many SLAs: the shipped ones repeatedly, each under its own name."""
    shipped = yaml.safe_load(THREE.read_text(encoding="utf-8"))["slas"]
    made = []
    for number in range(count):
        one = shipped[number % len(shipped)]
        made.append({**one, "key": f"{one['key']}-{number}", "name": f"{one['name']} {number}"})
    file.write_text(yaml.safe_dump({"slas": made}), encoding="utf-8")


class Traced:
    """A service that has made its first pass. `of` hears every statement that SQLite executes meanwhile.

    A statement over many rows is heard once for each of them.
    """

    def __init__(self, directory: Path) -> None:
        definitions = directory / "slas.yml"
        many_slas(definitions)
        self.setting = Setting(directory, SLA_DEFINITIONS=str(definitions))
        self.database = self.setting.service.database
        self._heard: list[str] = []
        connection = self.database._engine._dialect._connection  # type: ignore[attr-defined]
        connection.set_trace_callback(self._heard.append)
        self.setting.step()

    def of(self, action: Callable[[], object]) -> list[str]:
        """The statements that the action takes."""
        self._heard.clear()
        action()
        return list(self._heard)

    def pass_(self) -> None:
        """The next slot is due: one turn of both loops."""
        self.setting.now += 300
        self.setting.step()

    def pass_of_breaches(self) -> None:
        """As `pass_`, and every SLA is breached for the first time."""
        self.setting.prometheus.values[GOOD] = 900.0
        self.pass_()

    def idle(self) -> None:
        """A minute in which nothing is due, with somebody who asks for health and metrics every second."""
        for _ in range(TURNS):
            self.setting.now += 1
            self.setting.step()
            self.setting.ask("/healthz")
            self.setting.ask("/metrics")

    def close(self) -> None:
        """End the service."""
        self.setting.close()


def actions(traced: Traced) -> dict[str, Callable[[], object]]:
    """What is measured, in this order."""
    database = traced.database
    return {
        f"a pass of {SLAS} SLAs": traced.pass_,
        "an idle minute": traced.idle,
        f"a pass in which {SLAS} SLAs are breached": traced.pass_of_breaches,
        "get_current_sla_status(24)": lambda: database.get_current_sla_status(24),
        "get_active_breaches()": database.get_active_breaches,
        "newest_slot()": database.newest_slot,
        "the status page": lambda: traced.setting.ask("/"),
        "/api/alerts": lambda: traced.setting.ask("/api/alerts"),
    }


def kinds(statements: list[str]) -> Counter[str]:
    """The statements by their shape: those of one call over many rows look alike."""
    return Counter(" ".join(each.split())[:70] for each in statements)


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statements", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print the statements by their shape")
    show = parser.parse_args(argv).show
    console = Console()
    table = Table("What", "Executed", "Different")
    with tempfile.TemporaryDirectory() as directory:
        traced = Traced(Path(directory))
        for name, action in actions(traced).items():
            heard = traced.of(action)
            different = kinds(heard)
            table.add_row(name, str(len(heard)), str(len(different)))
            if show:
                for statement, count in different.items():
                    console.print(f"{name}: {count:4} times {statement}", markup=False, highlight=False)
        traced.close()
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
