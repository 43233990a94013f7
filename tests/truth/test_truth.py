"""A simulated month, back-filled into real engines and caught up by the worker, is what it is by hand.

Every row of every SLA: good, total, coverage and state, exactly; and the compliance of each month in its own
timezone. The month whose clocks go back is read from VictoriaMetrics into PostgreSQL too, with all its
changes and their revocation: half a minute of CPU, the servers' included. `make truth SEED=n` takes other
worlds, of more kinds, on every engine and in both databases.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from sla_worker.definitions import read_definitions
from truth.adjusted import HOUR_SECONDS, adjusted_differences
from truth.comparison import catch_up, differences, stored_rows
from truth.forms import read_forms
from truth.halves import caught_up, halved
from truth.months import month_differences
from truth.places import Place
from truth.world_counts import count
from truth.worlds import AUTUMN, HARSH_DAY, SPRING, TRIALS, Trial
from unit.sla_worker.engines import VICTORIA_METRICS, engines, serving_world
from unit.sla_worker.prometheus_server import client_of

FILE = Path(__file__).parent / "slas.yml"
SHIPPED = Path(__file__).parents[2] / "sla-worker" / "sla_thresholds.yml"
SEED = os.environ.get("SEED")
ALL = engines()


def seeded(trial: Trial) -> Trial:
    return trial.with_seed(int(SEED)) if SEED else trial


SQLITE, POSTGRESQL = "sqlite", "postgresql"
USUAL = [
    (AUTUMN, ALL[-2], SQLITE),
    (AUTUMN, VICTORIA_METRICS, POSTGRESQL),
    (SPRING, VICTORIA_METRICS, SQLITE),
    (HARSH_DAY, ALL[0], SQLITE),
    (HARSH_DAY, ALL[-2], POSTGRESQL),
    (HARSH_DAY, VICTORIA_METRICS, SQLITE),
]
MORE = [(trial, engine, kind) for trial in TRIALS.values() for engine in ALL for kind in (SQLITE, POSTGRESQL)]


@pytest.mark.timeout(300)  # half a minute of CPU in PostgreSQL
@pytest.mark.parametrize(
    ("trial", "engine", "kind"),
    MORE if SEED else USUAL,
    ids=lambda each: each.name if isinstance(each, Trial) else Path(each).name,
)
def test_the_ledger_is_what_a_careful_accountant_counts(
    trial: Trial, engine: str, kind: str, place_of: Callable[[str], Place], tmp_path: Path
) -> None:
    compare(seeded(trial), engine, FILE, place_of(kind), tmp_path)


def test_the_shipped_slas_are_counted_like_that_too(tmp_path: Path) -> None:
    assert len(read_forms(SHIPPED)) == len(read_definitions(SHIPPED)) >= 36
    compare(seeded(HARSH_DAY), ALL[-2], SHIPPED, tmp_path / "sla.db", tmp_path)


def compare(trial: Trial, engine: str, file: Path, ledger: Place, tmp_path: Path) -> None:
    if trial.slot_seconds == HOUR_SECONDS:  # the two months
        compare_halves(trial, engine, file, ledger, tmp_path)
        return
    truth = count(trial.world, read_forms(file), trial.slot_seconds, tmp_path)
    with serving_world(engine, truth.openmetrics, tmp_path / "engine") as url:
        rows = catch_up(truth, read_definitions(file), client_of(url), ledger)
    assert truth.books.figures
    report(trial, differences(truth, rows, nan_is_kept=engine != VICTORIA_METRICS))
    assert not (months := month_differences(truth, ledger)), months


def compare_halves(trial: Trial, engine: str, file: Path, ledger: Place, tmp_path: Path) -> None:
    """In the middle of the world targets change and an SLA is born; then time is excluded and corrected."""
    halves, kept = halved(trial, file, tmp_path), engine != VICTORIA_METRICS
    with serving_world(engine, halves.late.openmetrics, tmp_path / "engine") as url:
        database = caught_up(halves.late, halves.files, halves.border, ledger, client_of(url))
    with closing(database):
        report(trial, halves.differences(stored_rows(ledger), nan_is_kept=kept))
        report(trial, adjusted_differences(halves, database, ledger, tmp_path, nan_is_kept=kept))


def report(trial: Trial, found: Sequence[object]) -> None:
    assert not found, f"seed {trial.world.seed}: {len(found)} differences, the first of them {found[:5]}"
