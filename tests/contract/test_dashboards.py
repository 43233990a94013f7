"""The committed dashboards are what their code makes, and their queries can be sent as they are."""

from __future__ import annotations

import decimal
import json
import pathlib
import shutil
from typing import Any

import promql_parser
import pytest

from dashboards import sdk
from dashboards.__main__ import main
from dashboards.definitions import DEFINITIONS_FILE, DashboardError, Sla, load
from dashboards.layout import Band, Section, place
from dashboards.output import dashboard_json, files, stale, write
from dashboards.panels import SCORE_STEPS, sla_steps
from dashboards.queries import (
    BUILT_IN,
    UnknownVariableError,
    all_queries,
    dashboard_queries,
    panels,
    substitute,
    variables,
)
from dashboards.sla.table import STATUSES
from sla_worker.model import Status
from stack import panel_queries

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = sorted((REPOSITORY / "grafana" / "dashboards" / "json").glob("*.json"))


def read(file: pathlib.Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def make_sla(unit: str, target: str, *, higher_is_better: bool) -> Sla:
    return Sla(
        key="key",
        name="Name",
        category="availability",
        description="It answers.",
        severity="high",
        unit=unit,
        target=decimal.Decimal(target),
        higher_is_better=higher_is_better,
        kind="events",
        metric="requests_total",
        percentile=None,
    )


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert stale(load()) == []


def test_the_same_definitions_give_the_same_bytes() -> None:
    assert files(load()) == files(load())


def test_check_names_a_stale_a_missing_and_an_orphaned_file(tmp_path: pathlib.Path) -> None:
    slas = load()
    assert len(write(slas, tmp_path)) == len(DASHBOARDS) + 3  # alert, record, page
    assert write(slas, tmp_path) == []
    directory = tmp_path / "grafana" / "dashboards" / "json"
    (directory / "insa-sla-monitoring.json").write_text("{}")
    (directory / "by-hand.json").write_text("{}")
    (tmp_path / "grafana" / "provisioning" / "alerting" / "sla.yml").unlink()
    assert stale(slas, tmp_path) == [
        "grafana/provisioning/alerting/sla.yml is missing",
        "grafana/dashboards/json/insa-sla-monitoring.json is stale",
        "grafana/dashboards/json/by-hand.json is not made by any code: remove it",
    ]


def test_check_fails_when_a_target_changed(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "sla_thresholds.yml"
    changed.write_text(
        DEFINITIONS_FILE.read_text(encoding="utf-8").replace("target: 0.999 ", "target: 0.998 ")
    )
    assert main(["--check", "--definitions", str(changed)]) == 1
    error = capsys.readouterr().err
    assert "insa-sla-monitoring.json is stale: run `python -m dashboards`" in error
    assert "alerting/sla.yml is stale" in error


def test_check_passes_on_the_committed_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_bad_definitions_are_one_line_with_file_and_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "sla_thresholds.yml"
    broken.write_text(
        DEFINITIONS_FILE.read_text(encoding="utf-8").replace("target: 0.999 ", "target: soon ", 1)
    )
    assert main(["--definitions", str(broken)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {broken}:")
    assert error.count("\n") == 1


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_the_sdk_s_model_reads_the_dashboard_and_gives_it_back(file: pathlib.Path) -> None:
    dashboard = read(file)
    again = dashboard_json(sdk.dashboard_model.Dashboard.from_json(json.loads(json.dumps(dashboard))))
    assert again == dashboard


def test_targets_and_thresholds_come_from_the_definitions() -> None:
    # Yellow begins where half of what is allowed is used: 1 - 0.001 / 2 = 0.9995, 5 s / 2, 0.001 / 2.
    dashboard = read(REPOSITORY / "grafana" / "dashboards" / "json" / "insa-sla-monitoring.json")
    by_id = {panel["id"]: panel for panel in panels(dashboard)}
    ids = (101, 202, 301)  # of availability, performance, reliability
    thresholds = {key: by_id[key]["fieldConfig"]["defaults"]["thresholds"] for key in ids}
    steps = {
        key: [(step["value"], step["color"]) for step in config["steps"]]
        for key, config in thresholds.items()
    }
    assert steps == {
        101: [(None, "red"), (0.999, "yellow"), (0.9995, "green")],
        202: [(None, "green"), (2.5, "yellow"), (5.0, "red")],
        301: [(None, "green"), (0.0005, "yellow"), (0.001, "red")],
    }
    assert [by_id[key]["title"] for key in ids] == [
        "Platform Uptime (target ≥ 99.9 %)",
        "API Response Time P95 (target ≤ 5 s)",
        "API Error Rate (target ≤ 0.1 %)",
    ]


def test_a_target_that_allows_nothing_has_no_yellow() -> None:
    assert sla_steps(make_sla("ratio", "1", higher_is_better=True)) == [(None, "red"), (1.0, "green")]
    assert sla_steps(make_sla("ratio", "0", higher_is_better=False)) == [(None, "green"), (0.0, "red")]


def test_a_score_has_the_colours_of_the_mails() -> None:
    # All SLAs keep their target: green. 95 of 100: amber. 85 of 100: red, as in the daily report.
    def colour(score: float) -> str:
        return [colour for start, colour in SCORE_STEPS if start is None or score >= start][-1]

    assert [colour(score) for score in (1, 0.99, 0.95, 0.94, 0.85)] == [
        "green",
        "yellow",
        "yellow",
        "red",
        "red",
    ]


def test_a_number_that_must_be_high_warns_at_twice_its_target() -> None:
    # target / actual is the share used: 10 / 20 = 0.5.
    assert sla_steps(make_sla("sessions", "10", higher_is_better=True)) == [
        (None, "red"),
        (10.0, "yellow"),
        (20.0, "green"),
    ]


@pytest.mark.parametrize(
    ("sla", "text"),
    [
        (make_sla("ratio", "0.9990", higher_is_better=True), "≥ 99.9 %"),
        (make_sla("ratio", "1", higher_is_better=True), "≥ 100 %"),
        (make_sla("ratio", "0.0001", higher_is_better=False), "≤ 0.01 %"),
        (make_sla("seconds", "5.0", higher_is_better=False), "≤ 5 s"),
        (make_sla("tasks", "50", higher_is_better=False), "≤ 50 tasks"),
    ],
)
def test_a_target_reads_as_people_write_it(sla: Sla, text: str) -> None:
    assert sla.target_text == text


def test_the_table_has_a_word_for_every_status_of_the_worker() -> None:
    assert set(STATUSES) == {status.label for status in Status}


def test_a_band_that_does_not_fill_the_screen_is_refused() -> None:
    band = Band(8, [(12, sdk.stat.Panel()), (11, sdk.stat.Panel())])
    with pytest.raises(DashboardError, match="a band is 23 columns wide, make it 24"):
        place([Section(1, "Row", [band])])


def test_a_collapsed_row_takes_one_line() -> None:
    rows = [Section(1, "Closed", [Band(8, [(24, sdk.stat.Panel())])], collapsed=True), Section(2, "Next", [])]
    closed, following = place(rows)
    assert isinstance(closed, sdk.dashboard_model.RowPanel)
    assert closed.panels[0].grid_pos is not None
    assert closed.panels[0].grid_pos.y == 1
    assert following.grid_pos is not None
    assert following.grid_pos.y == 1


def test_every_query_is_promql_without_a_variable_left() -> None:
    queries = all_queries()
    assert "annotation Firing alerts" in {query.panel for query in queries}
    assert {query.path.name for query in queries} == {*(file.name for file in DASHBOARDS), "sla.yml"}
    for query in queries:
        promql_parser.parse(query.expr)
        assert "__" not in query.expr.replace("__name__", "")


def test_make_smoke_sends_every_query_with_no_variable_but_grafanas_own() -> None:
    for file in DASHBOARDS:
        sent = list(panel_queries.queries(read(file), "prometheus"))
        assert sum(len(each.expressions) for each in sent) == sum(
            len(panel.get("targets", [])) for panel in panels(read(file))
        )
        for each in sent:
            assert {query["datasource"]["uid"] for query in each.body["queries"]} == {"prometheus"}
            for expr in each.expressions.values():
                promql_parser.parse(substitute(expr, BUILT_IN))  # which knows no others


def test_variables_are_substituted_in_all_three_ways_of_writing() -> None:
    values = {"agent": "crm", "__rate_interval": "1m"}
    written = 'a{x="$agent", y=~"${agent:regex}", z="[[agent]]"}[$__rate_interval]'
    assert substitute(written, values) == 'a{x="crm", y=~"crm", z="crm"}[1m]'


def test_a_capture_of_label_replace_is_not_a_variable() -> None:
    assert (
        substitute('label_replace(a, "b", "$1", "c", "(.*)")', {})
        == 'label_replace(a, "b", "$1", "c", "(.*)")'
    )


def test_an_unknown_variable_is_named() -> None:
    dashboard = {
        "panels": [{"type": "stat", "title": "Panel", "targets": [{"expr": "a[$__rate_intervall]"}]}]
    }
    with pytest.raises(UnknownVariableError, match="__rate_intervall"):
        dashboard_queries(pathlib.PurePosixPath("x.json"), dashboard)


def test_a_variable_without_a_choice_matches_everything() -> None:
    templating = [
        {"name": "worker", "current": {}},
        {"name": "agent", "current": {"value": ["crm", "sizing"]}},
        {"name": "fault", "current": {"value": ["$__all"]}},
    ]
    assert variables({"templating": {"list": templating}}) == {
        "worker": ".*",
        "agent": "crm|sizing",
        "fault": ".*",
    }


def test_queries_of_an_alert_file_leave_out_what_grafana_computes(tmp_path: pathlib.Path) -> None:
    shutil.copytree(REPOSITORY / "grafana" / "provisioning", tmp_path / "grafana" / "provisioning")
    assert [(query.panel, query.expr) for query in all_queries(tmp_path)] == [
        (
            "Platform Uptime SLA Breach",
            (
                'min by (sla) (sla_actual{sla="platform-uptime"} and on () '
                "(time() - sla_worker_last_pass_timestamp_seconds < 3 * sla_worker_slot_seconds))"
            ),
        )
    ]
