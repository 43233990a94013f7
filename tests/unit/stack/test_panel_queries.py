"""The queries of a dashboard with variables, rows and panels of other kinds, as they are sent."""

from __future__ import annotations

from typing import Any

from stack.panel_queries import queries, substitute, trouble, variables


def variable(name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "type": "query", **more}


def test_variables_get_the_value_that_is_chosen_or_match_everything() -> None:
    listed = [
        variable("datasource", type="datasource", current={"value": "of-another-grafana"}),
        variable("worker", current={"value": ["$__all"]}, allValue=".+"),
        variable("agent", current={"value": ["a.b", "c"]}),
        variable("cache", current={}),
        variable("breaker"),
        variable("sla", current={"value": "platform-uptime"}),
    ]
    assert variables({"templating": {"list": listed}}, "prometheus") == {
        "datasource": "prometheus",
        "worker": ".+",
        "agent": r"a\.b|c",
        "cache": ".*",
        "breaker": ".*",
        "sla": "platform-uptime",
    }
    assert variables({"templating": {}}, "prometheus") == {}


def test_what_is_grafanas_own_stays() -> None:
    values = {"worker": ".*"}
    written = 'label_replace(rate(a{w=~"${worker:regex}", v=~"[[worker]]"}[$__range]), "b", "$1", "w", "x")'
    wanted = 'label_replace(rate(a{w=~".*", v=~".*"}[$__range]), "b", "$1", "w", "x")'
    assert substitute(written, values) == wanted


def test_queries_of_every_panel() -> None:
    chosen = {"type": "prometheus", "uid": "${datasource}"}
    inner = {
        "type": "timeseries",
        "id": 3,
        "title": "Inner",
        "timeFrom": "7d",
        "datasource": chosen,
        "targets": [{"refId": "A", "expr": "c", "range": True}, {"refId": "B", "expr": "d", "hide": True}],
    }
    dashboard = {
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [variable("datasource", type="datasource")]},
        "panels": [
            {"type": "text", "id": 1, "title": "Words"},
            {
                "type": "table",
                "id": 2,
                "title": "Table",
                "targets": [
                    {"refId": "A", "expr": "a", "instant": True, "format": "table", "datasource": chosen}
                ],
            },
            {"type": "row", "id": 9, "title": "Row", "panels": [inner]},
        ],
    }
    table, graph = queries(dashboard, "prometheus")
    assert (table.panel, table.title, table.expressions, table.body["from"]) == (
        2,
        "Table",
        {"A": "a"},
        "now-6h",
    )
    (sent,) = table.body["queries"]
    assert (sent["datasource"]["uid"], sent["instant"], sent["format"]) == ("prometheus", True, "table")
    assert (graph.panel, graph.expressions, graph.body["from"]) == (3, {"A": "c"}, "now-7d")
    (sent,) = graph.body["queries"]
    assert (sent["datasource"]["uid"], sent["instant"], sent["format"]) == (
        "prometheus",
        False,
        "time_series",
    )


def frame(kind: str, *values: float | None) -> dict[str, Any]:
    fields = [{"type": "time"}, {"type": kind}]
    return {"frames": [{"schema": {"fields": fields}, "data": {"values": [[1] * len(values), list(values)]}}]}


def test_a_result_has_a_value_or_a_trouble() -> None:
    assert trouble(frame("number", None, 0)) is None  # 0 is a value
    assert trouble(frame("number", None)) == "no data"
    assert trouble(frame("number")) == "no data"
    assert trouble({"frames": []}) == "no data"
    assert trouble(None) == "no answer"
    assert trouble({**frame("number", 1), "error": "timeout"}) == "timeout"
