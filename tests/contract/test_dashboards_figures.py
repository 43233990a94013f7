"""What the dashboard's expressions make of series, by promtool: figures derived by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards.definitions import load
from dashboards.queries import substitute
from dashboards.selectors import measurement_age
from dashboards.sla import expressions as ql
from rules.binaries import each_version_of, required
from waiting import patience

LAST = "sla_worker_last_pass_timestamp_seconds"
SLOT = "sla_worker_slot_seconds"
CHOSEN = {"window": "1d", "category": ".*", "sla": ".*"}
AT = 2400
"""Seconds since the beginning, at which each expression is asked."""


def worker(last_pass: int, slot_seconds: int = 300) -> dict[str, str]:
    """A worker whose last pass was at that moment."""
    return {LAST: f"{last_pass}x40", SLOT: f"{slot_seconds}x40"}


SCORES = {
    'sla_window_slas{category="performance",window="1d",result="met"}': "1x40",
    'sla_window_slas{category="reliability",window="1d",result="missed"}': "1x40",
    # Without events it is neither, and does not count; another period says nothing about this one.
    'sla_window_slas{category="reliability",window="1d",result="unmeasured"}': "1x40",
    'sla_window_slas{category="reliability",window="30d",result="missed"}': "5x40",
}
SLA = next(sla for sla in load() if sla.higher_is_better)
ACTUALS = {
    f'sla_actual{{sla="{SLA.key}",component="x",unit="ratio",instance="a"}}': "0.8x40",
    f'sla_actual{{sla="{SLA.key}",component="x",unit="ratio",instance="b"}}': "0.9x40",
    f'sla_actual{{sla="{SLA.key}",component="y",unit="ratio",instance="a"}}': "0.7x40",
}

CASES: list[tuple[str, str, dict[str, str], dict[str, float]]] = [
    # One keeps its target, one does not: 1 of the 2 that were measured.
    ("score", ql.overall_compliance(), SCORES | worker(AT - 600), {"{}": 0.5}),
    # Three slots of 300 s are 900 s: a pass 899 s ago is shown, one 900 s ago is not.
    ("score, just fresh", ql.overall_compliance(), SCORES | worker(AT - 899), {"{}": 0.5}),
    ("score, stale", ql.overall_compliance(), SCORES | worker(AT - 900), {}),
    # With slots of 1800 s the same pass is half a slot old.
    ("score, long slots", ql.overall_compliance(), SCORES | worker(AT - 900, 1800), {"{}": 0.5}),
    ("age in slots", measurement_age(), worker(AT - 450), {"{}": 1.5}),
    ("age before the first pass", measurement_age(), worker(0), {}),
    # A month without a breach says so, rather than showing nothing.
    (
        "no breach",
        ql.month_breaches("sla_month_breaches"),
        {'sla_status{sla="a",component="all",status="good"}': "1x40"} | worker(AT - 600),
        {'{sla="No breach this month"}': 0},
    ),
    # The worst of each component, while the worker measures.
    (
        "actual",
        ql.actual(SLA),
        ACTUALS | worker(AT - 600),
        {'{component="x"}': 0.8, '{component="y"}': 0.7},
    ),
    ("actual, stale", ql.actual(SLA), ACTUALS | worker(AT - 900), {}),
]


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
@each_version_of("promtool")
def test_figures(
    program: Path | None, case: tuple[str, str, dict[str, str], dict[str, float]], tmp_path: Path
) -> None:
    name, expr, series, wanted = case
    samples = [{"labels": labels, "value": value} for labels, value in wanted.items()]
    content = {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [
            {"expr": substitute(expr, CHOSEN), "eval_time": f"{AT}s", "exp_samples": samples}
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "1m", "tests": [content]}))

    done = subprocess.run(
        [required(program, "promtool"), "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    assert done.returncode == 0, done.stdout + done.stderr
