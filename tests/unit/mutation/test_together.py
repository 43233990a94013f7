"""Versions of a rule stand beside each other, and none sees another."""

from __future__ import annotations

import pytest

from mutation.together import is_told_apart, together

RECORD = {"record": "depth:sum", "expr": "sum(queue_depth)"}
OTHER = {"record": "other:sum", "expr": "sum(other)"}
ALERT = {"alert": "Deep", "expr": "depth:sum > 5 unless other:sum"}


def expressions(
    target: str, *rules: dict[str, str], versions: dict[int, dict[str, str] | None]
) -> dict[str, str]:
    shared = together(rules, target, versions, "Deep")
    assert shared is not None
    return {rule.get("alert") or rule["record"]: rule["expr"] for rule in shared.rules}


def test_each_version_of_an_alert_has_a_name_of_its_own() -> None:
    changed = ALERT | {"expr": "depth:sum > 6"}
    assert expressions("Deep", RECORD, OTHER, ALERT, versions={0: ALERT, 1: changed, 2: None}) == {
        "depth:sum": "sum(queue_depth)",
        "other:sum": "sum(other)",
        "Deep_version_0": "depth:sum > 5 unless other:sum",
        "Deep_version_1": "depth:sum > 6",
    }


def test_what_reads_a_record_reads_that_of_its_version() -> None:
    between = {"record": "depth:doubled", "expr": "2 * depth:sum"}
    alert = ALERT | {"expr": "depth:doubled > 5 unless other:sum"}
    versions = {0: RECORD, 1: RECORD | {"expr": "max(queue_depth)"}, 2: None}
    assert expressions("depth:sum", RECORD, OTHER, between, alert, versions=versions) == {
        "depth:sum_version_0": "sum(queue_depth)",
        "depth:sum_version_1": "max(queue_depth)",
        "other:sum": "sum(other)",
        "depth:doubled_version_0": "2 * depth:sum_version_0",
        "depth:doubled_version_1": "2 * depth:sum_version_1",
        "depth:doubled_version_2": "2 * depth:sum_version_2",
        "Deep_version_0": "depth:doubled_version_0 > 5 unless other:sum",
        "Deep_version_1": "depth:doubled_version_1 > 5 unless other:sum",
        "Deep_version_2": "depth:doubled_version_2 > 5 unless other:sum",
    }


def test_an_alert_that_reads_itself_reads_its_version() -> None:
    alert = ALERT | {"expr": 'x > 5 or x and ALERTS{alertname="Deep"} unless ALERTS{alertname="Other"}'}
    assert expressions("Deep", alert, versions={7: alert}) == {
        "Deep_version_7": 'x > 5 or x and ALERTS{alertname="Deep_version_7"} unless ALERTS{alertname="Other"}'
    }


@pytest.mark.parametrize(
    "expression",
    ['ALERTS{alertname!="Deep"}', "ALERTS", 'ALERTS_FOR_STATE{job="a"}', '{job="a"}', "x or ALERTS"],
)
def test_what_could_see_the_others_cannot_stand_beside_them(expression: str) -> None:
    version = ALERT | {"expr": expression}
    assert not is_told_apart(version)
    assert together([RECORD, ALERT], "Deep", {0: ALERT, 1: version}, "Deep") is None
