"""What the worker would have exported in the past: byte for byte what it did export then."""

from __future__ import annotations

import datetime as dt
import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker import burning, windows
from sla_worker.commands.replay import main
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement, Planned, Scope
from sla_worker.replay import Replay
from sla_worker.sla_metrics import SLAMetrics
from unit.sla_worker.fake_prometheus import THREE

SLOT = 300
GRID = Grid(SLOT, 15)
ZONE = ZoneInfo("Europe/Berlin")
BEGIN = int(dt.datetime(2026, 2, 28, 21, tzinfo=ZONE).timestamp())
SLOTS = range(BEGIN + SLOT, BEGIN + 6 * 3600 + 1, SLOT)
"""Six hours over the end of a month, in which hours and a day are summed up."""
PAIRS = burning.pairs(SLOT)
LABELS = {"job": "sla-worker", "instance": "sla-worker:8080"}
OURS = 'instance="sla-worker:8080",job="sla-worker"'


def definitions() -> list[Definition]:
    """Three SLAs, one of which needs two bad slots for a breach and two good ones for its end."""
    first, *rest = read_definitions(THREE)
    return [replace(first, policy=replace(first.policy, breach_after=2, recover_after=2)), *rest]


def rows(slot: int) -> list[Measurement]:
    """Two outages over the month's border, one of them without data at its end, and an error now and then."""
    number = (slot - BEGIN) // SLOT
    found = []
    for each in definitions():
        bad = 900 if 30 <= number < 45 else number % 7 == 0
        measured = Figures(1000 - bad, 1000, 1, 1.25)
        found.append(evaluate(each, slot, Figures(None, None, 0.0) if 43 <= number < 46 else measured))
    return found


def exported(path: Path) -> dict[int, str]:
    """What a worker shows after each pass, as it makes them one by one."""
    shown, clock = {}, [float(BEGIN)]
    with closing(SLADatabase(path, grid=GRID, zone=ZONE, clock=lambda: clock[0])) as database:
        database.sync_definitions(definitions(), begin=BEGIN)
        metrics = SLAMetrics(definitions())
        for slot in SLOTS:
            clock[0] = slot + GRID.settle_seconds
            stored = rows(slot)
            database.store(stored)
            for row in stored:
                metrics.counted(row, again=False)
            metrics.show(windows.read(database, ZONE, clock[0], PAIRS))
            shown[slot] = metrics.text().decode()
    return shown


def replayed(path: Path, start: int, end: int) -> list[str]:
    with closing(SLADatabase(path, grid=GRID, zone=ZONE, read_only=True)) as database:
        made = Replay(database, definitions(), ZONE, pairs=PAIRS, labels=LABELS)
        return list(made.lines(start, end))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    path = tmp_path_factory.mktemp("replay") / "sla.db"
    return path, exported(path)


def as_replayed(line: str, moment: int) -> str:
    sample, value = line.rsplit(" ", 1)
    return f"{sample[:-1]},{OURS}}} {value} {moment}\n"


def test_every_figure_is_that_which_the_worker_exported_then(there: tuple[Path, dict[int, str]]) -> None:
    path, shown = there
    found: dict[int, set[str]] = {}
    for line in replayed(path, BEGIN, SLOTS[-1]):
        found.setdefault(int(line.rsplit(" ", 1)[1]), set()).add(line)
    for slot, text in shown.items():
        moment = slot + GRID.settle_seconds
        wanted = {as_replayed(line, moment) for line in text.splitlines() if line[0] != "#"}
        worker = {
            line
            for line in found[moment]
            if line.startswith(("sla_worker_", "sla_slots_", "sla_incomplete_"))
        }
        assert found[moment] - worker == wanted
        assert worker == {
            f"sla_worker_slot_seconds{{{OURS}}} 300 {moment}\n",
            f"sla_slots_missing{{{OURS}}} 0 {moment}\n",
            f"sla_incomplete_seconds{{{OURS}}} 0 {moment}\n",
            f"sla_worker_last_pass_timestamp_seconds{{{OURS}}} {moment} {moment}\n",
        }


def test_a_part_of_it_is_the_same(there: tuple[Path, dict[int, str]]) -> None:
    path, _ = there
    whole, middle = replayed(path, BEGIN, SLOTS[-1]), BEGIN + 3 * 3600
    assert replayed(path, BEGIN, middle) + replayed(path, middle, SLOTS[-1]) == whole


def test_breaches_that_last_are_there_every_minute(there: tuple[Path, dict[int, str]]) -> None:
    """The second slot of the first outage is the 31st: all three SLAs are in breach."""
    path, _ = there
    slot = BEGIN + 31 * SLOT
    lines = [each for each in replayed(path, slot - SLOT, slot) if each.startswith("sla_active_breaches{")]
    moments = [slot + 17 + minute * 60 for minute in range(5)]
    assert sorted({int(each.rsplit(" ", 1)[1]) for each in lines}) == moments
    for moment in moments:
        assert sum(float(each.split()[1]) for each in lines if each.endswith(f" {moment}\n")) == 3


def test_maintenance_is_marked_while_it_lasts(there: tuple[Path, dict[int, str]], tmp_path: Path) -> None:
    path = Path(shutil.copy(there[0], tmp_path))
    start = BEGIN + 3600
    with closing(SLADatabase(path, grid=GRID, zone=ZONE, clock=lambda: SLOTS[-1] + 60.0)) as database:
        scope = Scope(slas=("api-error-rate",))
        database.maintenance.add(Planned(scope, start, start + 1800, "ann", "new disks"), SLOTS[-1])
    marks = [line for line in replayed(path, BEGIN, SLOTS[-1]) if line.startswith("sla_maintenance_active")]
    # Half an hour has six passes, 17 s after the ends of its slots: the first is that of the slot before it.
    assert marks == [
        f'sla_maintenance_active{{sla="api-error-rate",{OURS}}} 1 {start + number * SLOT + 17}\n'
        for number in range(6)
    ]


def test_the_command_writes_openmetrics(
    there: tuple[Path, dict[int, str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = there
    for name, value in (
        ("SLA_DATABASE_PATH", path), ("SLA_DEFINITIONS", THREE), ("REPORT_TIMEZONE", "Europe/Berlin"),
    ):  # fmt: skip
        monkeypatch.setenv(name, str(value))
    assert main(["2026-02-28T22:00", "2026-02-28T22:05", "--instance", "here:1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    moment = BEGIN + 3600 + SLOT + 17
    assert lines[-1] == "# EOF"
    assert f'sla_slots_missing{{instance="here:1",job="sla-worker"}} 0 {moment}' in lines
    assert main(["2026-02-28T22:05", "2026-02-28T22:05"]) == 0
    assert capsys.readouterr().out == "# EOF\n"
