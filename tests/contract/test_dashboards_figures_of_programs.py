"""What the dashboards about programs show of the demo-app: data while it runs, no green once it is gone."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from contract.appearance import QUERIES, STATS, color, settings
from contract.simulated import Recording, evaluated
from dashboards.panels import GREEN, MISSING, RED
from demo_app import catalogue as known
from rules.binaries import newest
from rules.cases import STEP_SECONDS
from unit.demo_app.simulation import Simulation

CALM, FAULT, GONE = 10 * 60, 10 * 60, 30
"""Seconds at rest, with faults that give every instrument something to count, and without an answer."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """(expression, "calm", "there" or "gone") → the answer; one run of app and promtool for all of them."""
    simulation = Simulation()
    recording = Recording(simulation)
    recording.run(CALM)
    calm = recording.seconds
    for fault in (known.POISONED_MESSAGES, known.REPLAY_FAILURE):
        simulation.faults.start(fault, 0.5, FAULT)
    recording.run(FAULT)
    there = recording.seconds
    simulation.faults.start(known.METRICS_GONE, 1.0, GONE + STEP_SECONDS)
    recording.run(GONE)
    texts = sorted({expr for _, _, expr in QUERIES})
    wanted = [(expr, at) for at in (calm, there, recording.seconds) for expr in texts]
    found = evaluated(newest("promtool"), tmp_path_factory.mktemp("promtool"), recording, wanted)
    states = [state for state in ("calm", "there", "gone") for _ in texts]
    return {(expr, state): answer for (expr, _), state, answer in zip(wanted, states, found, strict=True)}


def values_of(answer: str) -> list[float]:
    """The values in an answer of promtool: `{agent="crm"} 5E+00, {} 1E+00`."""
    return [float(text) for text in re.findall(r"(?:\}|^) ?(-?[\d.]+E[+-]\d+|[+-]?Inf|NaN)", answer)]


@pytest.mark.parametrize(
    ("uid", "panel", "expr"),
    QUERIES,
    ids=[f"{uid} {panel['id']} {expr[:40]}" for uid, panel, expr in QUERIES],
)
def test_every_query_has_data_while_the_program_runs(
    answers: dict[tuple[str, str], str], uid: str, panel: dict[str, Any], expr: str
) -> None:
    there = values_of(answers[expr, "there"])
    assert any(not math.isnan(value) for value in there), (
        f"{uid}, panel {panel['id']} {panel['title']!r}: {expr}"
    )


@pytest.mark.parametrize(
    ("uid", "panel", "field", "expr"), STATS, ids=[f"{uid} {p['id']} {field}" for uid, p, field, _ in STATS]
)
def test_nothing_is_green_once_the_program_is_gone(
    answers: dict[tuple[str, str], str], uid: str, panel: dict[str, Any], field: str, expr: str
) -> None:
    gone = values_of(answers[expr, "gone"])
    if panel["title"] == "Alerts firing" and gone:  # the faults' alerts may fire on
        assert color(settings(panel, field), gone[0]) == RED
    else:
        assert gone == [], uid
        assert color(settings(panel, field), None) == MISSING


def colors_of_stats(answers: dict[tuple[str, str], str], state: str) -> dict[str, str]:
    """The colour of each stat that has limits, by its title, in the state; None where it has no value."""
    shown = {}
    for _, panel, field, expr in STATS:
        steps = settings(panel, field)["thresholds"]["steps"]
        if panel["type"] == "stat" and len(steps) > 1:
            value = values_of(answers[expr, state])
            shown[panel["title"]] = color(settings(panel, field), value[0] if value else None)
    return shown


def test_at_rest_every_figure_with_limits_is_green(answers: dict[tuple[str, str], str]) -> None:
    shown = colors_of_stats(answers, "calm")
    # Nothing dies at rest, so nothing is replayed: that share has no value, and no colour.
    assert shown.pop("Failed replays") == MISSING
    assert len(shown) >= 16
    assert {title: color for title, color in shown.items() if color != GREEN} == {}


def test_a_fault_colours_the_figures_that_it_is_about(answers: dict[tuple[str, str], str]) -> None:
    # Half of the messages are poisoned and half of the replays fail, for ten minutes at five requests a
    # second: far more than 200 dead letters.
    shown = colors_of_stats(answers, "there")
    red = {title for title, color in shown.items() if color == RED}
    assert {"Dead letters", "Alerts firing"} <= red
    assert {"Database down", "Caches down", "Workers down", "Bus backlog"}.isdisjoint(red)
