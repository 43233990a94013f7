"""kill -9 at random moments: no slot is lost, none is there twice, and breaches are those of the rows."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from simulation import MetricGroup, World
from sla_worker.definitions import read_definitions
from truth.breaches import breaches
from truth.comparison import Span, passes
from truth.forms import read_forms
from truth.killed import Orders
from truth.places import Place, read
from truth.world_counts import Truth, count
from unit.sla_worker.engines import VICTORIA_METRICS, engines, serving_world
from unit.sla_worker.prometheus_server import client_of
from waiting import patience

THREE = Path(__file__).parents[1] / "unit" / "sla_worker" / "definitions" / "three.yml"
KILLS = int(os.environ.get("KILLS") or 200)
FEW = 25
"""What dies is the worker, not the engine: on a second one a few kills show that its answers do no harm."""
WORLD = World(
    7, 1_760_475_600 + 7 * 3600, 86_400, 60, agents=("crm",), groups=(MetricGroup.REQUESTS,), harshness=8
)
SLOT = 300


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return count(WORLD, read_forms(THREE), SLOT, tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize(
    ("engine", "kind", "kills"),
    [
        (engines()[0], "sqlite", KILLS),
        (engines()[0], "postgresql", min(KILLS, 2 * FEW)),
        (VICTORIA_METRICS, "postgresql", min(KILLS, FEW)),
    ],
    ids=["prometheus, sqlite", "prometheus, postgresql", f"{VICTORIA_METRICS}, postgresql"],
)
def test_a_worker_killed_at_any_moment_loses_nothing(  # noqa: PLR0917 - fixtures
    engine: str, kind: str, kills: int, truth: Truth, place_of: Callable[[str], Place], tmp_path: Path
) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    print(f"\nseed of the kills: {seed} (SEED={seed} repeats it)")
    slots, definitions = truth.slots, read_definitions(THREE)
    with serving_world(engine, truth.openmetrics, tmp_path / "engine") as url:
        ledger = place_of(kind)
        orders = Orders(
            seed=seed, kills=kills, url=url, definitions=str(THREE), ledger=str(ledger),
            first=slots[0], last=slots[-1], slot_seconds=SLOT, scrape_seconds=WORLD.scrape_seconds,
        )  # fmt: skip
        run = subprocess.run(
            [sys.executable, "-m", "truth.killed", json.dumps(asdict(orders))],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=False, timeout=patience(100),
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        outcome = json.loads(run.stdout)
        span = Span(slots[0], slots[-1], SLOT, WORLD.scrape_seconds)
        passes(definitions, client_of(url), tmp_path / "undisturbed.db", span)
    print(outcome)
    assert outcome["killed"] == kills
    assert outcome["finished"] > kills / 20  # else nothing would have been stored before the end
    kept = Ledger(ledger)
    right = Ledger(tmp_path / "undisturbed.db").rows
    assert len(kept.rows) == len(set(kept.rows)) == len(right)
    assert not sorted(set(kept.rows) ^ set(right))[:10]
    by_hand = {
        (*pair, *breach) for pair, states in kept.states().items() for breach in breaches(states, SLOT)
    }
    assert kept.breaches == sorted(by_hand)
    assert len(kept.breaches) > 5
    # Every breach of these SLAs, all critical or high, is in one mail: its own, or that of a catch-up. One
    # that begins within an hour of the end of another may be told with that.
    assert len(kept.mailed) == len(set(kept.mailed))
    assert kept.alone <= set(kept.mailed)
    assert len(kept.alone) > 5


_STATEMENTS = (
    "SELECT key, c.name, slot, good_events, total_events, coverage, state"
    " FROM sla_measurements JOIN sla_definitions d ON d.id = sla_id"
    " JOIN sla_components c ON c.id = component_id ORDER BY key, c.name, slot",
    "SELECT key, c.name, started_at, ended_at"
    " FROM sla_breaches JOIN sla_definitions d ON d.id = sla_id"
    " JOIN sla_components c ON c.id = component_id ORDER BY key, c.name, started_at",
    "SELECT id FROM sla_breaches b WHERE NOT EXISTS (SELECT 1 FROM sla_breaches o"
    " WHERE o.sla_id = b.sla_id AND o.component_id = b.component_id"
    " AND o.started_at < b.started_at AND b.started_at - o.ended_at < 3600)",
    "SELECT breach_id FROM sla_notifications WHERE type IN ('breach', 'breach_again')"
    " UNION ALL SELECT id FROM sla_breaches WHERE catch_up_id IS NOT NULL ORDER BY 1",
)


class Ledger:
    """What stands in a ledger, read by SQL of its own."""

    def __init__(self, place: Place) -> None:
        # The coverage is a quotient: its last bit is nobody's figure.
        rows, self.breaches, alone, mailed = read(place, _STATEMENTS)
        self.rows = [(*each[:5], round(each[5], 9), each[6]) for each in rows]
        self.alone = {each for (each,) in alone}
        self.mailed = [each for (each,) in mailed]

    def states(self) -> dict[tuple[str, str], list[tuple[int, int]]]:
        """(slot, state) of each SLA and component."""
        found: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for key, component, slot, *_, state in self.rows:
            found[key, component].append((slot, state))
        return found
