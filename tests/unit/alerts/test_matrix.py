"""The gate: every shipped alert has a scenario, with a cause that exists and is strong enough."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from alerts import matrix
from alerts.causes import SPECIAL
from alerts.matrix import MatrixError, Wave
from alerts.shipped import shipped_alerts
from demo_app.catalogue import SPECS

ROOT = Path(__file__).resolve().parents[3]
FAULTS = {spec.name: spec for spec in SPECS}
SCENARIOS = [scenario for wave in matrix.load() for scenario in wave.scenarios]
OF_THE_SPECIFICATION = {
    "Worker unhealthy, then recovery",
    "High error rate, then normal",
    "Circuit breaker open, half-open, closed",
    "DLQ grows, is replayed, shrinks",
    "Low cache hit rate, then better",
    "High latency, then lower",
}


def test_every_shipped_alert_has_a_scenario() -> None:
    assert shipped_alerts(ROOT).keys() - set(matrix.covered(matrix.load())) == set()


def test_no_scenario_proves_an_alert_that_nobody_ships() -> None:
    assert set(matrix.covered(matrix.load())) - shipped_alerts(ROOT).keys() == set()


def test_the_six_scenarios_that_users_know_carry_their_names() -> None:
    assert {scenario.title for scenario in SCENARIOS} >= OF_THE_SPECIFICATION


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_each_cause_exists_and_lies_in_its_range(scenario: matrix.Scenario) -> None:
    assert scenario.special is None or scenario.special in SPECIAL
    for name, intensity in scenario.faults.items():
        spec = FAULTS[name]
        assert spec.minimum <= intensity <= spec.maximum
        assert not spec.whole or intensity == int(intensity)


def loaded(tmp_path: Path, *scenarios: dict[str, object]) -> tuple[Wave, ...]:
    """A matrix of one wave whose scenarios have a lane each."""
    lanes = {f"lane {number}": [scenario] for number, scenario in enumerate(scenarios)}
    path = tmp_path / "scenarios.yml"
    path.write_text(yaml.safe_dump({"waves": [{"name": "one", "lanes": lanes}]}))
    return matrix.load(path)


ONE = {"title": "One", "alerts": ["A"], "faults": {"errors": 1}}
TWO = {"title": "Two", "alerts": ["B", "C"], "special": "mail refused", "after": "One"}


@pytest.mark.parametrize(
    ("scenarios", "message"),
    [
        ([ONE | {"fault": "x"}], "One: fault: not known"),
        ([{"title": "One", "alerts": ["A"]}], "One: needs alerts, and faults or a special cause"),
        ([ONE | {"later": ["post"]}], "One: later knows mail and webhook only"),
        ([ONE | {"sees": [{"when": "then", "what": "x", "query": "y"}]}], "One: a sight is before, "),
        ([ONE | {"sla": {"B": "api"}}], "One: sla names B, which is none of its alerts"),
        ([ONE, ONE | {"title": "Two"}], "alert A stands in more than one scenario"),
        ([ONE, TWO | {"title": "One", "after": None}], "title One stands in more than one scenario"),
        ([TWO], "Two: its wave has no other scenario 'One'"),
    ],
)
def test_what_is_wrong_is_said_with_the_scenario(
    tmp_path: Path, scenarios: list[dict[str, object]], message: str
) -> None:
    with pytest.raises(MatrixError, match=message):
        loaded(tmp_path, *scenarios)


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ([], ["One", "Two"]),
        (["one"], ["One"]),  # a part of the title, in small letters
        (["c"], ["Two"]),  # one of its alerts
        (["One", "B"], ["One", "Two"]),
        (["nothing"], []),
    ],
)
def test_only_chooses_by_title_and_by_alert(tmp_path: Path, words: list[str], titles: list[str]) -> None:
    chosen = matrix.selected(loaded(tmp_path, ONE, TWO), words)
    assert [scenario.title for wave in chosen for scenario in wave.scenarios] == titles
