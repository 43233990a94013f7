"""A file of definitions that changes in the middle of a world: each half is counted by its own one."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from pathlib import Path

from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from truth.comparison import differences, stored_rows
from truth.forms import read_forms
from truth.halves import caught_up
from truth.months import scores_by_hand, sums_by_hand
from truth.world_counts import Truth, count
from truth.worlds import HARSH_DAY
from unit.sla_worker.engines import engines, serving_world
from unit.sla_worker.prometheus_server import client_of

FILE = Path(__file__).parent / "slas.yml"
# Target, percentile, selector, condition, policy, expression and weights; each occurs once.
CHANGES = [
    (
        "target: 5\n    unit: seconds\n    description: 95 of",
        "target: 2\n    unit: seconds\n    description: 95 of",
    ),
    ("      objective: 0.5\n", "      objective: 0.9\n"),
    ('bad: insa_agent_requests_total{status="error"}', 'bad: insa_agent_requests_total{status="timeout"}'),
    ('condition: "<= 50"', 'condition: "<= 3"'),
    ("Few events, and no data are bad.\n    no_data: bad", "Few events.\n    no_data: unknown"),
    ("    minimum_events: 3\n", "    minimum_events: 1\n"),
    (
        "max by (worker_name) (avg_over_time(insa_worker_queue_depth[$slot]))",
        "avg_over_time(insa_worker_queue_depth[$slot])",
    ),
    ("{sla: up, weight: 40}", "{sla: up, weight: 20}"),
    ("{category: reliability, weight: 30}", "{category: reliability, weight: 50}"),
]


def test_each_slot_is_counted_by_its_own_file_and_budgets_add_up(tmp_path: Path) -> None:
    later = tmp_path / "later.yml"
    text = FILE.read_text("utf-8")
    for before, after in CHANGES:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    later.write_text(text, encoding="utf-8")
    halves = []
    for number, file in enumerate((FILE, later)):
        (directory := tmp_path / str(number)).mkdir()
        halves.append(count(HARSH_DAY.world, read_forms(file), HARSH_DAY.slot_seconds, directory))
    first, second = halves
    border = first.slots[len(first.slots) // 2]
    ledger = tmp_path / "sla.db"
    files = (read_definitions(FILE), read_definitions(later))
    with serving_world(engines()[-2], first.openmetrics, tmp_path / "engine") as url:
        database = caught_up(first, files, border, ledger, client_of(url))
    try:
        rows = stored_rows(ledger)
        assert [each for each in differences(first, rows) if each.slot <= border] == []
        assert [each for each in differences(second, rows) if each.slot > border] == []
        compare_period(database, first, second, border)
    finally:
        database.close()


def compare_period(database: SLADatabase, first: Truth, second: Truth, border: int) -> None:
    """Good, total and the share that the whole is held to; and the score of the composite."""
    begin, end = first.slots[0] - first.slot_seconds, first.slots[-1]
    sums = [sums_by_hand(first, (begin, border)), sums_by_hand(second, (border, end))]
    definitions = {each.key: each for each in database._from_file}
    objectives = [
        {each.key: each.objective_ratio for each in read_definitions(FILE)},
        {key: each.objective_ratio for key, each in definitions.items()},
    ]
    mixed = 0
    for status in database.get_current_sla_status((end - begin) / 3600, end=end):
        place = (status.key, status.component)
        if definitions[status.key].sli.members:
            continue
        pairs = [each.get(place, (0, 0)) for each in sums]
        assert (status.good, status.total) == (pairs[0][0] + pairs[1][0], pairs[0][1] + pairs[1][1]), place
        if status.total:
            allowed = sum(
                Fraction(total) * (1 - Fraction(held[status.key]))
                for (_, total), held in zip(pairs, objectives, strict=True)
            )
            assert isclose(status.held_to_ratio, 1 - allowed / Fraction(status.total), abs_tol=1e-9), place
            mixed += objectives[0][status.key] != objectives[1][status.key]
    assert mixed  # of fast-by-agent, whose percentile is another one
    [health] = [
        each
        for each in database.get_current_sla_status((end - begin) / 3600, end=end)
        if each.key == "health"
    ]
    slots = [
        sum(each.total for each in database.newest_measurements("health", 1000) if low < each.slot <= high)
        for low, high in ((begin, border), (border, end))
    ]
    scores = [scores_by_hand(half, each)["health"] for half, each in zip((first, second), sums, strict=True)]
    by_hand = sum(Fraction(number) * (score or 0) for number, score in zip(slots, scores, strict=True))
    assert isclose(health.compliance_ratio or 0, by_hand / Fraction(sum(slots)), rel_tol=1e-9)
