"""Broken configuration is named with file, line and fix before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stack import checks
from stack.errors import StackError
from stack.settings import Instance


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("a:\n\tb: 1\n", "x.yml:2:1", "spaces, not with tabs"),
        ("a: b: c\n", "x.yml:1:5", "quote a value"),
        ("a: 1\nb\n", "x.yml:2:1", "write key: value"),
        ("a: 1\n  b: 2\n", "x.yml:2:4", "indent"),
        ("a: [1, 2\n", "x.yml:2:1", "close the bracket"),
        ("a: 'b\n", "x.yml:2:1", "close the quote"),
        ("a: 1\na: 2\n", "x.yml:2:1", "keep one of the two"),
        ("a: 1\nsince: 2026-02-30\n", "x.yml:2:8: this value cannot be read: day is out of", "quote a value"),
        (f"a: {'9' * 5000}\n", "x.yml:1:4: this value cannot be read: ", "correct it"),
        ("a: !!int b\n", "x.yml:1:4: this value cannot be read: ", "correct it"),
        ("a: !!timestamp b\n", "x.yml:1:4: this value cannot be read: ", "correct it"),
        ("[" * 3000 + "]" * 3000, "x.yml: this is nested too deeply", "close the brackets"),
    ],
)
def test_broken_yaml_is_named_with_line_and_fix(tmp_path: Path, text: str, place: str, fix: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    problem = checks.yaml_problem(path, "x.yml")
    assert problem is not None
    assert problem[0].startswith(place)
    assert fix in problem[1]


def test_a_file_that_cannot_be_read_is_named_with_what_the_system_said(tmp_path: Path) -> None:
    (tmp_path / "y.yml").mkdir()
    assert checks.yaml_problem(tmp_path / "x.yml", "x.yml") == (
        "x.yml: No such file or directory",
        "it is missing: put it back, or correct its path in .env",
    )
    assert checks.yaml_problem(tmp_path / "y.yml", "y.yml") == (
        "y.yml: Is a directory",
        "a directory is in the place of a file: move it away, then try again",
    )


def test_patterns_name_files_as_prometheus_reads_them(tmp_path: Path) -> None:
    """`**` is no more than `*` there; what is empty names nothing, and what lies elsewhere is not ours."""
    for name in ("a.yml", "rules/b.yml", "rules/deep/c.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for patterns, wanted in (
        (["*.yml", "rules/*.yml", "a.yml"], ["a.yml", "rules/b.yml"]),
        (["rules/**.yml"], ["rules/b.yml"]),
        (["**/*.yml"], ["rules/b.yml"]),
        (["", "/**", "none/*.yml", "[", "rules/../a.yml"], ["rules/../a.yml"]),
    ):
        assert checks.matching(tmp_path, patterns) == [tmp_path / each for each in wanted]


def test_good_yaml_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("base: &base {a: 1}\nmore: {<<: *base, b: 2}\n---\nsecond: document\n")
    assert checks.yaml_problem(path, "x.yml") is None


def test_all_broken_files_are_named_at_once(instance: Instance) -> None:
    (instance.root / "prometheus" / "one.yml").write_text("a: [\n")
    (instance.root / "alertmanager" / "two.yaml").write_text("a: {\n")
    with pytest.raises(StackError) as caught:
        checks.check_yaml(instance)
    assert "prometheus/one.yml:2:1" in caught.value.message
    assert "alertmanager/two.yaml:2:1" in caught.value.message


def test_the_files_of_the_miniature_are_counted(instance: Instance) -> None:
    assert (
        checks.check_yaml(instance) == 5
    )  # Compose, Prometheus and the demo-app's target, Alertmanager, definitions


def test_a_missing_directory_is_named(instance: Instance) -> None:
    (instance.root / "grafana" / "provisioning").rmdir()
    with pytest.raises(StackError, match=r"grafana/provisioning \(grafana\) is not there"):
        checks.check_yaml(instance)


def test_the_words_of_a_tool_name_the_users_own_file() -> None:
    command = [
        sys.executable,
        "-c",
        "print('Checking x'); print('/tmp/r/a.yml: bad rule'); raise SystemExit(1)",
    ]
    with pytest.raises(StackError, match=r"Rules is refused:\nprometheus/a\.yml: bad rule$"):
        checks.run_tool(command, {"/tmp/r": "prometheus"}, "Rules")  # noqa: S108  # a word, not a file


def test_files_that_containers_could_not_read_are_found(instance: Instance) -> None:
    for path in (instance.root, *instance.root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert list(checks.unreadable(instance)) == []
    secret = instance.root / "alertmanager" / "alertmanager.yml"
    secret.chmod(0o600)
    (instance.root / "alertmanager" / "secrets").mkdir()
    of_receiver = instance.root / "alertmanager" / "secrets" / "slack_webhook_url"
    of_receiver.touch(0o600)
    assert list(checks.unreadable(instance)) == [secret]
