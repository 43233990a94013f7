"""A small dashboard that keeps every rule, with a panel of each kind; tests break it in one place."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
STEPS = [
    {"color": "text", "value": None},
    {"color": "red", "value": 0},
    {"color": "yellow", "value": 0.5},
    {"color": "green", "value": 0.9},
]
RATE = 'sum by (worker_name) (rate(insa_tasks_total{worker_name=~"$worker"}[$__rate_interval]))'
LIST = {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True}
INSTANT = {"stat", "gauge", "bargauge", "table"}


def dashboard() -> Json:
    """The dashboard, made new for each call."""
    graph = {
        "options": {"legend": dict(LIST), "tooltip": {"mode": "multi", "sort": "desc"}},
        "custom": {"drawStyle": "line", "thresholdsStyle": {"mode": "dashed"}},
    }
    return {
        "uid": "insa-made-up",
        "title": "Made up",
        "tags": ["insa"],
        "schemaVersion": 37,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "graphTooltip": 1,
        "templating": {"list": [chosen_datasource(), workers()]},
        "annotations": {
            "list": [
                {
                    "name": "Firing alerts",
                    "datasource": dict(DATASOURCE),
                    "expr": 'max by (severity) (ALERTS{alertstate="firing"})',
                }
            ]
        },
        "links": [
            {
                "type": "dashboards",
                "title": "Dashboards",
                "tags": ["insa"],
                "keepTime": True,
                "includeVars": True,
            },
            {
                "type": "link",
                "title": "Status page",
                "url": "http://localhost:8080",
                "keepTime": False,
                "includeVars": False,
            },
        ],
        "panels": [
            row(1, "Overview", 0),
            panel(2, "gauge", (6, 5, 0, 1), options={"orientation": "auto"}),
            panel(3, "stat", (6, 5, 6, 1), options={"colorMode": "background"}),
            panel(4, "bargauge", (12, 5, 12, 1), options={"displayMode": "basic"}),
            panel(5, "timeseries", (12, 8, 0, 6), **graph),
            states(6, (12, 8, 12, 6)),
            panel(7, "table", (24, 6, 0, 14), options={"showHeader": True}, custom={"align": "auto"}),
            {
                **row(8, "Details", 20),
                "collapsed": True,
                "panels": [panel(9, "timeseries", (24, 8, 0, 21), **graph)],
            },
        ],
    }


def chosen_datasource() -> Json:
    """The variable from which everything takes its datasource."""
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"},
    }


def workers() -> Json:
    """A variable of several values."""
    return {
        "name": "worker",
        "type": "query",
        "datasource": dict(DATASOURCE),
        "query": {"query": "label_values(insa_worker_health_status, worker_name)", "refId": "worker"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
    }


def row(panel_id: int, title: str, y: int) -> Json:
    """An open row."""
    return {
        "type": "row",
        "id": panel_id,
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
    }


def panel(panel_id: int, kind: str, place: tuple[int, int, int, int], **more: Json) -> Json:
    """A panel with one query, at (columns, height, x, y)."""
    wide, high, x, y = place
    instant = kind in INSTANT
    return {
        "type": kind,
        "id": panel_id,
        "title": "Tasks done",
        "description": "How many.\n\n**Formula:** a sum.\n\n**What to do:** look.",
        "datasource": dict(DATASOURCE),
        "gridPos": {"h": high, "w": wide, "x": x, "y": y},
        "options": more.get("options", {}),
        "targets": [
            {
                "refId": "A",
                "datasource": dict(DATASOURCE),
                "expr": RATE,
                "legendFormat": "{{worker_name}}",
                "instant": instant,
                "range": not instant,
            }
        ],
        "fieldConfig": {
            "defaults": {
                "unit": "percentunit",
                "min": 0,
                "max": 1,
                "noValue": "No data",
                "mappings": [
                    {"type": "special", "options": {"match": "null+nan", "result": {"text": "No data"}}}
                ],
                "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": [dict(step) for step in STEPS]},
                **({"custom": more["custom"]} if "custom" in more else {}),
            },
            "overrides": [],
        },
    }


def states(panel_id: int, place: tuple[int, int, int, int]) -> Json:
    """A state timeline whose words are seen."""
    made = panel(panel_id, "state-timeline", place, options={"mergeValues": True, "legend": dict(LIST)})
    defaults = made["fieldConfig"]["defaults"]
    defaults["mappings"], defaults["color"] = [], {"mode": "fixed", "fixedColor": "text"}
    return made
