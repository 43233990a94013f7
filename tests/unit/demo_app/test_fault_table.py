"""The faults as a page of the docs, and the groups in which they stand."""

from pathlib import Path

import pytest

from demo_app.catalogue import SPECS, FaultSpec
from demo_app.fault_groups import group_of, groups_of
from demo_app.fault_table import document, main

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def spec(name: str = "gremlins", **values: object) -> FaultSpec:
    given = {
        "description": "a|b",
        "unit": "teeth",
        "minimum": 0,
        "maximum": 9,
        "default": 3,
        "metrics": ("x",),
    }
    return FaultSpec(name=name, **(given | values))  # type: ignore[arg-type]  # as the test gives them


def test_the_page_in_the_docs_is_the_catalogue_of_today() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(SPECS), "run make generate"


def test_every_fault_has_one_row() -> None:
    lines = document(SPECS).splitlines()

    for each in SPECS:
        assert sum(line.startswith(f"| `{each.name}` | ") for line in lines) == 1


def test_a_row_holds_the_range_and_who_must_notice() -> None:
    row = document([spec(metrics=("x", 'y{a="b"}'), alerts=("Bitten",), whole=True)]).splitlines()[-1]

    assert row == (
        '| `gremlins` | a\\|b | teeth: whole, 0 to 9, default 3 | `x`<br>`y{a="b"}` | `Bitten` | none |'
    )
    assert "| a switch |" in document([spec(minimum=1, maximum=1, default=1)])


def test_the_command_prints_the_page_or_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faults.md"

    assert (main([]), main([str(file)])) == (0, 0)
    assert capsys.readouterr().out == file.read_text(encoding="utf-8") == document(SPECS)


@pytest.mark.parametrize(
    ("name", "metric", "group"),
    [
        ("gremlins", "insa_agent_requests_total", "Requests"),
        ("gremlins", "insa_message_bus_up", "Message bus"),
        ("gremlins", "insa_sessions_active", "Sessions"),
        ("gremlins", "insa_session_duration_seconds", "Sessions"),
        ("gremlins", "up", "Monitoring"),
        ("gremlins", 'up{job="demo-app"}', "Monitoring"),
        ("series_gone", "insa_agent_requests_total", "Monitoring"),
        ("gremlins", "upstream_calls_total", "Other"),
    ],
)
def test_a_fault_belongs_where_it_shows_first(name: str, metric: str, group: str) -> None:
    assert group_of(spec(name, metrics=(metric, "insa_cache_up"))) == group


def test_groups_come_in_the_order_of_the_system_and_only_with_a_fault() -> None:
    late, early = spec(metrics=("insa_database_up",)), spec(metrics=("insa_worker_restarts_total",))

    assert groups_of([late, spec(metrics=("x",)), early]) == ["Workers", "Database", "Other"]


def test_every_fault_of_the_catalogue_has_a_group() -> None:
    assert "Other" not in groups_of(SPECS)
