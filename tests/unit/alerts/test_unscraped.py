"""What the live proof asks Prometheus when an alert ended too soon: promtool evaluates it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from alerts.engine import unscraped
from rules.binaries import newest
from waiting import patience

SCRAPES = {
    "1 1 0 0 1 1 1": 0,  # two in a row
    "1 0 0 1 0 0 1": 0,  # and again two
    "1 1 0 0 0 1 1": 1,  # three: at 4 s, of the samples at 2, 3 and 4 s none is good
    "1 1 0 _ _ 1 1": 1,  # one, and then nobody scrapes
    "1 0 0 0 0 0 1": 3,  # at 3, 4 and 5 s
}
"""`up` at 0 to 6 s, a scrape a second, and at how many of these seconds three in a row had failed."""


def test_three_failed_scrapes_in_a_row_are_found_and_two_are_not(tmp_path: Path) -> None:
    def group(values: str, count: int) -> dict[str, object]:
        check = {
            "expr": unscraped(span_seconds=6, scrape_seconds=1),
            "eval_time": "6s",
            "exp_samples": [{"labels": "{}", "value": count}] if count else [],
        }
        series = [{"series": 'up{job="demo-app",instance="demo-app:9091"}', "values": values}]
        return {"interval": "1s", "input_series": series, "promql_expr_test": [check]}

    file = tmp_path / "unscraped.yml"
    file.write_text(
        yaml.safe_dump({"evaluation_interval": "1s", "tests": [group(*each) for each in SCRAPES.items()]})
    )
    done = subprocess.run(
        [newest("promtool"), "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(20),
    )
    assert done.returncode == 0, done.stdout + done.stderr
