"""What the file of definitions says of each form and policy, and what the ledger keeps of it."""

import datetime
from pathlib import Path

import pytest

from sla_worker.definitions import read_definitions
from sla_worker.definitions.slas import read_file
from sla_worker.grid import Grid
from sla_worker.model import (
    DEFAULT_POLICY,
    Definition,
    Details,
    Maintenance,
    Member,
    NewSeries,
    NoData,
    Policy,
    ServiceHours,
    read_details,
    write_details,
)
from sla_worker.selectors import parse_selector
from sla_worker.sli.composite import CompositeSli
from sla_worker.sli.events import EventsSli
from sla_worker.sli.form import IS_ONE, Condition
from sla_worker.sli.latency import LatencySli
from sla_worker.sli.time import TimeSli
from sla_worker.sli.uptime import UptimeSli
from sla_worker.sli.value import ValueSli

GOOD = Path(__file__).parent / "definitions" / "good.yml"


@pytest.fixture(scope="module")
def slas() -> dict[str, Definition]:
    return {each.key: each for each in read_definitions(GOOD, Grid(300, 15))}


def test_the_forms(slas: dict[str, Definition]) -> None:
    assert {key: each.sli for key, each in slas.items()} == {
        "errors": EventsSli(
            parse_selector('requests_total{job="shop"}'),
            bad=parse_selector('requests_total{job="shop", status="error"}'),
        ),
        "platform-uptime": UptimeSli(parse_selector('up{job="shop"}'), IS_ONE),
        "latency": LatencySli(
            parse_selector('request_duration_seconds{job="shop", path!="/health"}'), 5, 0.95
        ),
        "breaker": TimeSli(parse_selector("breaker_state"), Condition("<=", 0.5)),
        "sessions": ValueSli("sum(avg_over_time(sessions_active[$slot])) > 0", 0.9),
        "health": CompositeSli(
            (
                Member(60, category="availability"),
                Member(30, category="reliability"),
                Member(10, sla="latency"),
            )
        ),
    }
    # the share of events that must be good: 1 - 0.001, 0.999, the percentile, 0.99, of slots 0.9, the score
    assert [each.objective_ratio for each in slas.values()] == [0.999, 0.999, 0.95, 0.99, 0.9, 0.95]


def test_what_the_forms_read(slas: dict[str, Definition]) -> None:
    inputs = {key: [(one.key, one.type.value) for one in each.sli.inputs] for key, each in slas.items()}
    assert inputs == {
        "errors": [("total", "counter"), ("bad", "counter")],
        "platform-uptime": [("selector", "gauge")],
        "latency": [("histogram", "histogram")],
        "breaker": [("selector", "gauge")],
        "sessions": [],
        "health": [],
    }
    sessions = slas["sessions"].sli
    assert isinstance(sessions, ValueSli)
    assert sessions.asked(60) == "sum(avg_over_time(sessions_active[60s])) > 0"


def test_the_policies(slas: dict[str, Definition]) -> None:
    errors = slas["errors"]
    assert errors.by == ("agent",)
    assert errors.policy == Policy(
        minimum_events=20,
        maintenance=Maintenance.COUNTED_GOOD,
        breach_after=3,
        recover_after=2,
        windows=("month", "30d", "quarter"),
        public=True,
        new_series=NewSeries.BASELINE,
    )
    assert slas["platform-uptime"].component == "platform"
    assert slas["platform-uptime"].policy == Policy(breach_after=2)  # of the defaults
    assert slas["latency"].policy.service_hours == ServiceHours(
        frozenset(range(5)),
        540,
        1020,
        "Europe/Berlin",
        frozenset({datetime.date(2026, 12, 25), datetime.date(2026, 12, 26)}),
    )
    assert slas["breaker"].policy.service_hours == ServiceHours(
        frozenset({0, 2, 4, 5, 6}), 1320, 360, "UTC", frozenset({datetime.date(2027, 1, 1)})
    )
    assert slas["sessions"].policy == Policy(breach_after=2, no_data=NoData.BAD)


def test_what_the_ledger_keeps_is_what_was_defined(slas: dict[str, Definition]) -> None:
    for each in slas.values():
        assert read_details(write_details(each)) == Details(
            each.sli.kind, each.by, each.policy, each.sli.members
        )
    assert read_details(None) == Details()
    newer = '{"kind": "magic", "policy": {"breach_after": 3, "spell": 1}, "colour": "red"}'
    assert read_details(newer) == Details("magic", policy=Policy(breach_after=3))
    assert read_details("{}").policy == DEFAULT_POLICY


def test_what_is_disabled_is_read_and_left_out(tmp_path: Path) -> None:
    file = tmp_path / "slas.yml"
    text = GOOD.read_text(encoding="utf-8")
    file.write_text(
        text.replace("component: platform", "enabled: false", 1).replace(
            "category: availability, w", "sla: errors, w"
        )
    )
    assert "platform-uptime" not in {each.key for each in read_definitions(file)}
    read = read_file(file)
    assert [each.key for each in read.definitions if not each.enabled] == ["platform-uptime"]
    assert read.place("platform-uptime") == f"{file}:28"
    assert read.place("platform-uptime", "sli.condition") == f"{file}:40"
    assert read.place("platform-uptime", "by") == f"{file}:28"  # not there: the SLA itself


def test_a_minimum_of_the_defaults_does_not_silence_one_event_a_slot(tmp_path: Path) -> None:
    file = tmp_path / "slas.yml"
    file.write_text(GOOD.read_text(encoding="utf-8").replace("breach_after: 2", "minimum_events: 50", 1))
    policies = {each.key: each.policy.minimum_events for each in read_definitions(file)}
    assert policies == {
        "errors": 20, "platform-uptime": 50, "latency": 50, "breaker": 50, "sessions": 1, "health": 1
    }  # fmt: skip
