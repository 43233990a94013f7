"""slo-generator from PyPI on the Prometheus of a benchmark, in a virtual environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.costs import Cost

_PACKAGES = ("slo-generator[prometheus]==2.6.0", "setuptools<81")  # it asks setuptools for what is gone since

_PROGRAM = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from slo_generator.compute import compute
slos, config = json.load(sys.stdin)
compute(slos[0], config)
wall, cpu = time.perf_counter(), time.process_time()
reports = [report for slo in slos for report in compute(slo, config)]
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu, len(reports)]))
"""


def installed(directory: Path) -> Path | str:
    """The interpreter of an environment that has it, or why it could not be had."""
    interpreter = directory / "slo-generator" / "bin" / "python"
    steps = [
        [sys.executable, "-m", "venv", str(directory / "slo-generator")],
        [str(interpreter), "-m", "pip", "install", "--quiet", *_PACKAGES],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"could not be installed: {(done.stderr or done.stdout).strip().splitlines()[-1][:60]}"
    return interpreter


def cost(
    interpreter: Path, url: str, selectors: Sequence[tuple[str, str]], engine_cpu: Callable[[], float]
) -> Cost | str:
    """What it takes for these pairs of good and bad events; the start of the program does not count.

    It asks for the present, whatever time it is given, so the samples must reach up to now.
    """
    slos = [_slo(number, *pair) for number, pair in enumerate(selectors)]
    steps = [
        {
            "name": "slot", "window": 300, "burn_rate_threshold": 1, "alert": False,
            "message_alert": "", "message_ok": "",
        }
    ]  # fmt: skip
    policies = {"default": {"steps": steps}}
    config = {"backends": {"prometheus": {"url": url}}, "error_budget_policies": policies}
    before = engine_cpu()
    done = subprocess.run(
        [str(interpreter), "-c", _PROGRAM],
        input=json.dumps([slos, config]),
        capture_output=True,
        text=True,
        check=False,
    )
    engine = engine_cpu() - before
    if done.returncode:
        return f"failed: {done.stderr.strip().splitlines()[-1][:60]}"
    wall, own, reports = json.loads(done.stdout.splitlines()[-1])
    if reports != len(slos):
        return f"gave {reports} reports for {len(slos)} SLOs"
    return Cost(wall, own, engine)


def _slo(number: int, good: str, bad: str) -> dict[str, object]:
    return {
        "apiVersion": "sre.google.com/v2",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": f"bench-{number}",
            "labels": {"service_name": "bench", "feature_name": "f", "slo_name": f"s{number}"},
        },
        "spec": {
            "description": "",
            "backend": "prometheus",
            "method": "good_bad_ratio",
            "exporters": [],
            "service_level_indicator": {"filter_good": good, "filter_bad": bad},
            "goal": 0.99,
        },
    }
