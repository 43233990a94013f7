"""The compressed copy of the shipped configuration: only durations differ, and the real tools accept it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from promql_parser import parse

from compression.__main__ import main
from compression.durations import parsed
from rules.binaries import each_version_of, required, version_of

ROOT = Path(__file__).resolve().parents[3]
FACTOR = 15
SET_TO_A_SECOND = {"scrape_interval", "scrape_timeout", "evaluation_interval", "group_wait", "group_interval"}
DIVIDED = {
    "for",
    "keep_firing_for",
    "interval",
    "query_offset",
    "refresh_interval",
    "repeat_interval",
    "resolve_timeout",
}
DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
# Where an expression holds a duration: after [ or : of a range, after `offset`. Found on the text, not with
# the code under test.
IN_EXPRESSION = re.compile(rf"(?<=[\[:])({DURATION.pattern})(?=[\]:])|(?<=offset)-?({DURATION.pattern})")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compressed")
    assert main([str(out)]) == 0
    return out


def rule_files() -> list[Path]:
    files = sorted((ROOT / "prometheus" / "rules").rglob("*.yml"))
    assert len(files) >= 3, "the shipped rule files are gone"
    return files


def loaded(path: Path) -> Any:  # a YAML tree
    return yaml.safe_load(path.read_text())


def one_line(expression: str) -> str:
    """An expression in the parser's layout, without white space."""
    return re.sub(r"\s+", "", parse(expression).prettify())


def blanked(node: Any) -> Any:  # a YAML tree
    """The tree with every duration blanked, those in expressions too."""
    if isinstance(node, list):
        return [blanked(each) for each in node]
    if not isinstance(node, dict):
        return node
    result = {key: blanked(value) for key, value in node.items()}
    for key in (SET_TO_A_SECOND | DIVIDED) & result.keys():
        result[key] = "a duration"
    if "expr" in result:
        result["expr"] = IN_EXPRESSION.sub("<>", one_line(result["expr"]))
    return result


def durations(expression: str) -> list[str]:
    return [first or second for first, second in IN_EXPRESSION.findall(one_line(expression))]


def all_files() -> set[Path]:
    return {
        path.relative_to(ROOT)
        for directory in ("prometheus", "alertmanager")
        for path in (ROOT / directory).rglob("*")
        if path.is_file() and path.parent != ROOT / "alertmanager" / "secrets"
    }


def test_the_copy_has_the_same_files(copy: Path) -> None:
    assert {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()} == all_files()


@pytest.mark.parametrize("path", sorted(all_files()), ids=str)
def test_nothing_but_durations_differs(copy: Path, path: Path) -> None:
    if path.suffix == ".yml" and "targets" not in path.parts:
        assert blanked(loaded(copy / path)) == blanked(loaded(ROOT / path))
    else:
        assert (copy / path).read_bytes() == (ROOT / path).read_bytes()


@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.name)
def test_every_duration_of_a_rule_times_the_factor_is_the_shipped_one(copy: Path, path: Path) -> None:
    shipped, compressed = loaded(path)["groups"], loaded(copy / path.relative_to(ROOT))["groups"]
    for group, fast_group in zip(shipped, compressed, strict=True):
        for rule, fast in zip(group["rules"], fast_group["rules"], strict=True):
            for key in DIVIDED & rule.keys():
                assert parsed(fast[key]) * FACTOR == parsed(rule[key])
            pairs = zip(durations(rule["expr"]), durations(fast["expr"]), strict=True)
            assert all(parsed(after) * FACTOR == parsed(before) for before, after in pairs)


def test_scrapes_evaluations_and_waits_last_a_second(copy: Path) -> None:
    settings = loaded(copy / "prometheus" / "prometheus.yml")["global"]
    assert {settings[key] for key in ("scrape_interval", "scrape_timeout", "evaluation_interval")} == {"1s"}
    route = loaded(copy / "alertmanager" / "alertmanager.yml")["route"]
    # 4 h = 14400 s, ÷ 15 = 960 s = 16 min.
    assert (route["group_wait"], route["group_interval"], route["repeat_interval"]) == ("1s", "1s", "16m")


@each_version_of("promtool")
def test_promtool_accepts_the_copy(copy: Path, program: Path | None) -> None:
    promtool = required(program, "promtool")
    files = sorted((copy / "prometheus" / "rules").rglob("*.yml"))
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)
    if version_of(promtool) >= (3, 11):  # older ones know retention as a flag only
        run(promtool, "check", "config", copy / "prometheus" / "prometheus.yml")


@each_version_of("amtool")
def test_amtool_accepts_the_copy(copy: Path, program: Path | None) -> None:
    run(required(program, "amtool"), "check-config", copy / "alertmanager" / "alertmanager.yml")


def run(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_says_in_one_line_what_cannot_be_divided(tmp_path: Path) -> None:
    source = tmp_path / "prometheus"
    (source / "rules").mkdir(parents=True)
    (source / "prometheus.yml").write_text("rule_files: [rules/*.yml]\n")
    (source / "rules" / "odd.yml").write_text(
        "groups: [{name: a, rules: [{alert: Odd, expr: up == 0, for: 7s}]}]\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "compression", str(tmp_path / "out"), "--prometheus-dir", str(source)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"compression: {source}/rules/odd.yml: Odd: 7s cannot be divided by 15 in whole milliseconds: "
        "choose another duration\n"
    )


def test_the_command_refuses_to_replace_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(ROOT)]) == 1
    assert "would replace its source" in capsys.readouterr().err
    assert (ROOT / "prometheus" / "prometheus.yml").is_file()
