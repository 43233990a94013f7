"""Answers of an engine that are JSON, say success, and still are not what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sla_worker.errors import PrometheusError
from sla_worker.model import Measurement
from sla_worker.prometheus import PrometheusClient
from unit.sla_worker.engines import VICTORIA_METRICS, loaded
from unit.sla_worker.fake_prometheus import GOOD, SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_exactness import BEGIN, DEFINITIONS, by_hand, calculate, exposition

Answer = dict[str, Any]


def test_what_victoria_metrics_has_twice_counts_once(tmp_path: Path) -> None:
    """It keeps and answers every sample that was imported, or sent by two Prometheus servers, once more."""
    lines = exposition(by_hand()).splitlines(keepends=True)
    found: list[list[Measurement]] = []
    for name, text in (("once", lines), ("twice", [line for line in lines for _ in (1, 2)])):
        scratch = tmp_path / name
        scratch.mkdir()
        with loaded(VICTORIA_METRICS, "".join(text), scratch) as client:
            samples = client.query("up[300s]", BEGIN + 300)
            assert [len(each.times) for each in samples.series] == [20]
            found.append(calculate(client, scratch / "sla.db", BEGIN + 300, BEGIN + 645, DEFINITIONS))
    assert found[0] == found[1]
    assert len(found[0]) == 6  # three SLAs, two slots


class Given:
    """An engine with one answer for everything."""

    def __init__(self, *series: Answer) -> None:
        self._body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}})

    def post(self, _path: str, _fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        return 200, {}, self._body.encode()


def test_samples_are_in_order_and_each_time_once() -> None:
    """Of two values of one time the greatest counts, as where VictoriaMetrics is told to deduplicate."""
    given = Given({"metric": {}, "values": [[30, "7"], [15, "3"], [30, "9"], [15, "3"]]})
    [series] = PrometheusClient(given).query("x[1m]", 30).series
    assert (list(series.times), list(series.values)) == ([15, 30], [3, 9])


@pytest.mark.parametrize(
    "series",
    [
        {"metric": None, "values": [[1, "1"]]},
        {"metric": {"a": 5}, "values": [[1, "1"]]},
        {"metric": {"a": "\ud800"}, "values": [[1, "1"]]},
        {"metric": {}, "values": [["x", "1"], ["y", "1"]]},
        {"metric": {}, "values": [[None, "1"]]},
        {"metric": {}, "values": [[float("nan"), "1"], [2, "1"]]},
        {"metric": {}, "values": [[10**400, "1"]]},
        {"metric": {}, "values": [[1, "1", 1]]},
        {"metric": {}, "values": [[1, [1]]]},
        {"metric": {}, "value": None},
        {"metric": {}},
        5,
    ],
    ids=str,
)
def test_what_is_no_series_is_one_clear_error(series: Answer) -> None:
    with pytest.raises(PrometheusError, match="sent an answer that cannot be read"):
        PrometheusClient(Given(series)).query("x[1m]", 30)


def changed(setting: Setting, change: Callable[[list[Answer]], None]) -> None:
    """From now on every answer goes through that change."""
    real = setting.prometheus.post

    def post(path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        status, headers, body = real(path, fields)
        answer = json.loads(body)
        change(answer["data"]["result"])
        return status, headers, json.dumps(answer).encode()

    setting.prometheus.post = post  # type: ignore[method-assign]


def test_native_histograms_in_an_answer_do_not_take_the_other_series_away(tmp_path: Path) -> None:
    """Three SLAs, 900 of 1,000 good; a histogram has no `values`, in a vector no `value`."""
    setting = Setting(tmp_path)
    setting.prometheus.values[GOOD] = 900.0
    native = {"count": "3", "sum": "1", "buckets": [[0, "1", "2", "3"]]}
    metric = {"__name__": "insa_agent_requests_total", "status": "error", "job": "demo-app"}
    changed(
        setting,
        lambda result: result.extend(
            [
                {"metric": metric, "histograms": [[SLOT, native]]},
                {"metric": metric, "histogram": [SLOT, native]},
            ]
        ),
    )
    setting.service.worker.step()
    rows = setting.service.database.get_current_sla_status(hours=1)
    assert {(each.good, each.total) for each in rows} == {(900, 1000), (18, 20)}
    setting.close()
