"""The settings: what is read, what is refused, what `make up` writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stack import envfile, settings
from stack.errors import StackError

EXAMPLE = "# Who\nGRAFANA_ADMIN_PASSWORD=\n# A port\nPROMETHEUS_PORT=9090\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / ".env.example"
    path.write_text(EXAMPLE)
    return path


def test_reads_what_compose_reads() -> None:
    text = "A=1\n\n# note\nexport B = two words # note\nC='$ # kept'\nD=\"quoted\"\nE=\nF=a#b\n"
    assert envfile.parse(text, Path(".env")) == {
        "A": "1", "B": "two words", "C": "$ # kept", "D": "quoted", "E": "", "F": "a#b",
    }  # fmt: skip  # a variable a word


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no setting", r"\.env:2: not a setting: 'no setting'"),
        ("A=$B", r"\.env:2: A: \$ has a meaning"),
        ('A="$B"', r"\.env:2: A: \$ and \\ have a meaning inside double quotes"),
        ("A='open", r"\.env:2: A: the quote ' is not closed"),
        ("A=b\0c", r"\.env:2: A holds the character NUL"),
    ],
)
def test_refuses_with_file_line_and_fix(line: str, words: str) -> None:
    with pytest.raises(StackError, match=words) as caught:
        envfile.parse(f"# first\n{line}\n", Path(".env"))
    assert caught.value.fix


def test_creates_the_file_once_private_and_with_a_random_password(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    assert envfile.ensure(path, example) == [
        "created .env from .env.example",
        "made a random Grafana password in .env",
    ]
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"# Who\nGRAFANA_ADMIN_PASSWORD=[\w-]{24}\n# A port\nPROMETHEUS_PORT=9090\n", text)
    assert envfile.ensure(path, example) == []
    assert path.read_text() == text


def test_two_bundles_have_two_passwords(tmp_path: Path, example: Path) -> None:
    passwords = set()
    for name in ("one", "two"):
        envfile.ensure(tmp_path / name, example)
        passwords.add(envfile.parse((tmp_path / name).read_text(), example)["GRAFANA_ADMIN_PASSWORD"])
    assert len(passwords) == 2


def test_adds_what_is_new_and_keeps_what_is_there(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("GRAFANA_ADMIN_PASSWORD=mine\nMINE=1")
    path.chmod(0o644)
    assert envfile.ensure(path, example) == ["added to .env: PROMETHEUS_PORT"]
    assert envfile.parse(path.read_text(), path) == {
        "GRAFANA_ADMIN_PASSWORD": "mine",
        "MINE": "1",
        "PROMETHEUS_PORT": "9090",
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_takes_the_rights_of_others_from_the_file(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    envfile.ensure(path, example)
    path.chmod(0o644)
    assert envfile.ensure(path, example) == ["took the rights of others from .env (mode 600)"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_shell_wins_over_the_file_and_the_file_over_the_example(bundle: Path) -> None:
    (bundle / ".env").write_text("PROMETHEUS_PORT=1111\nGRAFANA_PORT=2222\n")
    env = settings.load(bundle, "a", bundle / ".env", {"GRAFANA_PORT": "3333", "HOME": "/x"}).env
    assert (env["PROMETHEUS_PORT"], env["GRAFANA_PORT"], env["MAILHOG_PORT"]) == ("1111", "3333", "8025")
    assert "HOME" not in env


@pytest.mark.parametrize("value", ["", "0", "65536", "80a", "-1", "٣", "²", "9" * 5000])
def test_a_port_that_is_none_is_named(bundle: Path, value: str) -> None:
    with pytest.raises(StackError, match=r"GRAFANA_PORT: invalid port: '.*'"):
        settings.load(bundle, "a", bundle / ".env", {"GRAFANA_PORT": value})


def test_a_port_that_stands_twice_is_named(bundle: Path) -> None:
    with pytest.raises(StackError, match=r"GRAFANA_PORT and PROMETHEUS_PORT are both 9090"):
        settings.load(bundle, "a", bundle / ".env", {"GRAFANA_PORT": "9090"})


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../x", "-a"])
def test_a_name_that_is_no_project_name_is_refused(bundle: Path, name: str) -> None:
    with pytest.raises(StackError, match="invalid STACK_NAME"):
        settings.load(bundle, name, bundle / ".env", {})


def test_all_of_an_instance_follows_its_name(bundle: Path) -> None:
    one, two = (settings.load(bundle, name, bundle / ".env", {}) for name in ("one", "two"))
    assert one.directory == bundle / ".run/local/one"
    assert one.directory != two.directory
    assert one.cache == two.cache
