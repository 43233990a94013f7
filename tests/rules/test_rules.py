"""promtool judges the shipped rules: every case, at true durations, in every version of promtool there is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.binaries import each_version_of, of_go, required, version_of
from rules.cases import ROOT, RULES, beside, promtool_test, shipped_alerts
from rules.scrapes import all_cases
from stack.rendering import fit_prometheus
from waiting import patience


def run(*words: object) -> None:
    """Run a program, which must be content."""
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(100),
        env=of_go(),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", sorted({case.alert for case in all_cases()}))
@each_version_of("promtool")
def test_the_alert_does_what_its_cases_say(alert: str, program: Path | None, tmp_path: Path) -> None:
    promtool = required(program, "promtool")
    major = version_of(promtool)[0]
    shipped = shipped_alerts()[alert]
    rules = tmp_path / "rules.yml"  # without the other alerts, which would be evaluated in vain
    rules.write_text(
        yaml.safe_dump({"groups": [{"name": "shipped", "rules": [*beside(shipped), shipped.rule]}]})
    )
    cases = [case for case in all_cases() if case.alert == alert]
    files = []
    for every in sorted({case.every_seconds for case in cases}):
        tests = {
            "rule_files": [str(rules)],
            "evaluation_interval": f"{every}s",
            "tests": [promtool_test(case, major) for case in cases if case.every_seconds == every],
        }
        files.append(tmp_path / f"{alert}-every-{every}s.json")
        files[-1].write_text(json.dumps(tests))  # which is YAML too, and written in a tenth of the time
    run(promtool, "test", "rules", *files)


@each_version_of("promtool")
def test_the_rules_pass_the_strictest_lint(program: Path | None) -> None:
    files = sorted(RULES.rglob("*.yml"))
    run(required(program, "promtool"), "check", "rules", "--lint=all", "--lint-fatal", *files)


@each_version_of("promtool")
def test_the_configuration_is_valid(program: Path | None, tmp_path: Path) -> None:
    promtool = required(program, "promtool")
    tree: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    tree["rule_files"] = [str(ROOT / "prometheus" / pattern) for pattern in tree["rule_files"]]
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump(tree))
    # As the launcher fits it to the versions that do not know all of it.
    version = version_of(promtool)
    fit_prometheus(config, frozenset(), retention_as_flags=version < (3, 11), without_fallback=version < (3,))
    run(promtool, "check", "config", "--lint=all", "--lint-fatal", config)


@each_version_of("amtool")
def test_alertmanagers_configuration_is_valid(program: Path | None) -> None:
    run(required(program, "amtool"), "check-config", ROOT / "alertmanager" / "alertmanager.yml")


def test_every_case_is_of_a_shipped_alert() -> None:
    assert {case.alert for case in all_cases()} <= shipped_alerts().keys()
