"""Target files: what Prometheus would drop with a line in its log is named with file and line instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import target_files
from stack.errors import StackError
from stack.settings import Instance


def write(instance: Instance, name: str, text: str) -> Path:
    path = instance.root / "prometheus" / "targets" / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.yml",
            "- targets: ['localhost:9100', '[::1]:9100', my-host]\n  labels: {job: mine, port: 9100}\n",
        ),
        ("a.yaml", "- {targets: []}\n"),
        ("a.json", '[\n  {"targets": ["localhost:9100"], "labels": {"job": "mine"}}\n]\n'),
        ("a.yml", "# nothing yet\n"),
    ],
)
def test_a_good_file_is_counted(instance: Instance, name: str, text: str) -> None:
    write(instance, name, text)
    assert target_files.check(instance) == 2  # this one, and the demo-app's own


@pytest.mark.parametrize(
    ("name", "text", "words", "fix"),
    [
        (
            "a.yml",
            "- targets:\n    - http://localhost:9100/metrics\n",
            "a.yml:2: not host:port: 'http://localhost:9100/",
            'write "localhost:9100"; another path than /metrics is the label __metrics_path__',
        ),
        (
            "a.yml",
            "- targets: ['localhost:9100/x']\n",
            "a.yml:1: not host:port: 'localhost:9100/x'",
            "__metrics_path__",
        ),
        (
            "a.yml",
            "- targets: ['localhost:91000']\n",
            "a.yml:1: invalid port: 'localhost:91000'",
            "1 to 65535",
        ),
        ("a.yml", "- targets: ['localhost:']\n", "a.yml:1: invalid port: 'localhost:'", "1 to 65535"),
        ("a.yml", "- targets: ['local host']\n", "a.yml:1: not host:port: 'local host'", "localhost:9100"),
        ("a.yml", "- targets: localhost:9100\n", "a.yml:1: targets is not a list", '["localhost:9100"]'),
        ("a.yml", "targets: ['localhost:9100']\n", "a.yml:1: not a list of targets", "- targets:"),
        ("a.yml", "- localhost:9100\n", "a.yml:1: neither targets nor labels", "- targets:"),
        ("a.yml", "- labels: {job: a}\n", "a.yml:1: no targets", "- targets:"),
        (
            "a.yml",
            "- targets: [a]\n  label: {job: a}\n",
            "a.yml:2: unknown key: 'label'",
            "targets and labels",
        ),
        (
            "a.yml",
            "- targets: [a]\n  labels: {my-job: a}\n",
            "a.yml:2: invalid label: 'my-job'",
            "letters, digits and _",
        ),
        (
            "a.yml",
            "- targets: [a]\n  labels:\n    job: [a]\n",
            "a.yml:3: the label job has no plain value",
            "one text",
        ),
        (
            "a.yml",
            "- targets: [a]\n  labels: [job]\n",
            "a.yml:2: labels is not a mapping",
            "{job: my-program}",
        ),
        ("a.json", '[{"targets": ["a"]}\n', "a.json:2:1: Expecting ',' delimiter", "valid JSON"),
        ("a.json", "[" * 100_000, "a.json: this is nested too deeply", "close the brackets"),
        (
            "a.json",
            '[{"targets": ["a"],\n  "labels": {"port": 1}}]\n',
            "a.json:2: the label port is not a text",
            '"1"',
        ),
    ],
)
def test_a_bad_file_is_named_with_line_and_fix(
    instance: Instance, name: str, text: str, words: str, fix: str
) -> None:
    write(instance, name, text)
    with pytest.raises(StackError) as caught:
        target_files.check(instance)
    assert caught.value.message.startswith(f"prometheus/targets/{words}")
    assert fix in str(caught.value.fix)


def test_what_only_has_the_name_of_a_target_file_is_named(instance: Instance) -> None:
    """Prometheus would try to read it, fail, and drop what it knew."""
    targets = instance.root / "prometheus" / "targets"
    (targets / "a.yml").symlink_to("nowhere.yml")
    (targets / "b.json").mkdir()
    (targets / "old").mkdir()
    with pytest.raises(StackError) as caught:
        target_files.check(instance)
    assert caught.value.message.splitlines() == [
        "prometheus/targets/a.yml: No such file or directory",
        "prometheus/targets/b.json: Is a directory",
    ]
    assert caught.value.fix == "it is missing: put it back, or correct its path in .env"


def test_every_bad_line_is_named_at_once(instance: Instance) -> None:
    write(instance, "a.yml", "- targets:\n    - http://a:1\n    - b:0\n")
    write(instance, "b.yml", "- targets: ['c:99999']\n")
    with pytest.raises(StackError) as caught:
        target_files.check(instance)
    assert [line.split(": ")[0] for line in caught.value.message.splitlines()] == [
        "prometheus/targets/a.yml:2",
        "prometheus/targets/a.yml:3",
        "prometheus/targets/b.yml:1",
    ]


def test_a_file_that_nothing_reads_is_said(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("README.md", "example.yml.txt", ".swap", "mine.conf"):
        write(instance, name, "x")
    target_files.check(instance)
    assert capsys.readouterr().out == (
        "! prometheus/targets/mine.conf is not read: a target file ends in .yml, .yaml, .json\n"
    )


def test_a_target_without_a_port_is_said(instance: Instance, capsys: pytest.CaptureFixture[str]) -> None:
    write(
        instance,
        "a.yml",
        "- targets:\n    - 'localhost:9100'\n    - my-host\n    - '[::1]'\n    - '[::1]:80'\n",
    )
    assert target_files.check(instance) == 2  # a warning: port 80 may be meant
    first, second = capsys.readouterr().out.splitlines()
    assert first == (
        "! prometheus/targets/a.yml:3: my-host has no port: Prometheus takes 80, or 443 with "
        '__scheme__: https. Write "my-host:9100", or the port that is meant'
    )
    assert second.startswith("! prometheus/targets/a.yml:4: [::1] has no port: ")


def test_the_shipped_example_is_good(instance: Instance) -> None:
    shipped = Path(__file__).resolve().parents[3] / "prometheus" / "targets" / "example.yml.txt"
    write(instance, "mine.yml", shipped.read_text())
    assert target_files.check(instance) == 2
