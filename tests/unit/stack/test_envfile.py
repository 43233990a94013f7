"""Files that a person, an editor or another system left as `.env`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stack import envfile, settings
from stack.errors import StackError

TOKEN = "SLA_WEBHOOK_TOKEN"  # noqa: S105  # a name


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / ".env.example"
    path.write_text("GRAFANA_ADMIN_PASSWORD=\nSLA_WEBHOOK_TOKEN=\nDEMO=1\n")
    return path


def test_a_byte_order_mark_is_accepted(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfGRAFANA_ADMIN_PASSWORD=mine\r\nDEMO=0\r\n")
    envfile.ensure(path, example)
    found = envfile.read(path)
    assert (found["GRAFANA_ADMIN_PASSWORD"], found["DEMO"]) == ("mine", "0")


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("DEMO=1\nREPORT_OWNER=jürgen@example.com\n".encode("latin-1"))
    with pytest.raises(StackError, match=r"\.env:2: not UTF-8 text"):
        envfile.ensure(path, example)


def test_a_directory_is_not_a_settings_file(tmp_path: Path, example: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(StackError, match=r"\.env is a directory, not a file"):
        envfile.ensure(tmp_path / ".env", example)


def test_a_pipe_is_not_a_settings_file(tmp_path: Path, example: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    with pytest.raises(StackError, match=r"/\.env is a pipe, and is read more than once"):
        envfile.ensure(tmp_path / ".env", example)


def test_a_symbolic_link_is_written_through(tmp_path: Path, example: Path) -> None:
    real, link = tmp_path / "elsewhere" / "mine.env", tmp_path / ".env"
    real.parent.mkdir()
    real.write_text("DEMO=1\n")
    link.symlink_to(real)
    envfile.ensure(link, example)
    envfile.remember(link, "DEMO", "0")
    assert link.is_symlink()
    assert envfile.read(real)["DEMO"] == "0"
    assert len(envfile.read(real)[TOKEN]) >= 32
    assert real.stat().st_mode & 0o777 == 0o600


def test_a_link_that_leads_nowhere_but_to_itself_becomes_the_file(tmp_path: Path, example: Path) -> None:
    (tmp_path / ".env").symlink_to(".env")
    envfile.ensure(tmp_path / ".env", example)
    assert envfile.read(tmp_path / ".env").keys() == envfile.read(example).keys()


def test_a_link_to_nothing_yet_makes_the_file(tmp_path: Path, example: Path) -> None:
    (tmp_path / ".env").symlink_to(tmp_path / "later.env")
    envfile.ensure(tmp_path / ".env", example)
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "later.env").is_file()


def test_secrets_are_made_once_and_kept(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    assert envfile.ensure(path, example)[1:] == [
        "made a random Grafana password in .env",
        "made a secret for the alerts' webhook in .env",
    ]
    made = envfile.read(path)
    assert envfile.ensure(path, example) == []
    assert envfile.read(path) == made
    assert made[TOKEN] != made["GRAFANA_ADMIN_PASSWORD"]


def test_a_variable_that_nothing_reads_is_named_with_what_was_meant(tmp_path: Path, example: Path) -> None:
    path = tmp_path / ".env"
    (known, *_) = envfile.read(example)
    path.write_text(f"{known}=x\n{known}X=x\nUNLIKE_ANY=x\nCOMPOSE_PROJECT_NAME=x\n")
    assert envfile.unknown(path, example) == [
        f"{known}X in .env is not a setting; did you mean {known}?",
        "UNLIKE_ANY in .env is not a setting",
    ]


@pytest.mark.parametrize("value", ["1 minute", "0s", "90"])
def test_a_duration_that_a_program_would_refuse_is_named(bundle: Path, value: str) -> None:
    with pytest.raises(StackError, match="ALERT_RESEND_DELAY: invalid duration"):
        settings.load(bundle, "a", bundle / ".env", {"ALERT_RESEND_DELAY": value})


def test_a_choice_is_remembered_in_the_line_that_counts(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("DEMO=1\n# DEMO=1\nexport DEMO = 1 # note\nDEMO_RATE=5")
    assert envfile.remember(path, "DEMO", "0") == ["wrote DEMO=0 into .env: later commands keep to it"]
    assert path.read_text() == "DEMO=1\n# DEMO=1\nDEMO=0\nDEMO_RATE=5"
    assert envfile.remember(path, "DEMO", "0") == []
    envfile.remember(path, "NEW", "x")
    assert path.read_text().endswith("DEMO_RATE=5\nNEW=x\n")


@pytest.mark.parametrize(
    "token", ["short", "with a space in it", "not-latin-1-漢-漢-漢", "line\nbreak-in-the-token"]
)
def test_a_token_that_a_header_cannot_carry_is_refused_unseen(bundle: Path, token: str) -> None:
    with pytest.raises(StackError, match=rf"{TOKEN} \({len(token)} characters\) is not usable") as caught:
        settings.load(bundle, "a", bundle / ".env", {TOKEN: token})
    assert token not in caught.value.message + str(caught.value.fix)


def test_the_renderers_token_holds_no_comma(bundle: Path) -> None:
    with pytest.raises(StackError, match=r"RENDERER_TOKEN \(17 characters\) is not usable") as caught:
        settings.load(bundle, "a", bundle / ".env", {"RENDERER_TOKEN": "one-token,another"})
    assert "without spaces and commas" in str(caught.value.fix)
    assert settings.load(bundle, "a", bundle / ".env", {TOKEN: "one-token,another"}).env[TOKEN]


@pytest.mark.parametrize("value", ["", "2", "true", "no"])
def test_demo_is_0_or_1(bundle: Path, value: str) -> None:
    with pytest.raises(StackError, match="neither 0 nor 1"):
        settings.load(bundle, "a", bundle / ".env", {"DEMO": value})


@pytest.mark.parametrize("content", [b"no setting\n", b"\xff\n", b"GRAFANA_PORT=abc\n", b"DEMO=maybe\n"])
def test_a_stack_can_be_stopped_whatever_its_settings_are(bundle: Path, content: bytes) -> None:
    (bundle / ".env").write_bytes(content)
    with pytest.raises(StackError):
        settings.load(bundle, "a", bundle / ".env", {})
    found = settings.load_to_stop(bundle, "a", bundle / ".env", {})
    assert found.directory == bundle / ".run/local/a"
    with pytest.raises(StackError, match="invalid STACK_NAME"):
        settings.load_to_stop(bundle, "../b", bundle / ".env", {})


@pytest.mark.parametrize("value", ["384", "384M", "0m", "1.5g", "lots"])
def test_a_limit_of_memory_has_its_unit(bundle: Path, value: str) -> None:
    with pytest.raises(StackError, match="SLA_WORKER_MEMORY: invalid size") as caught:
        settings.load(bundle, "a", bundle / ".env", {"SLA_WORKER_MEMORY": value})
    assert "384m or 1g" in (caught.value.fix or "")
    settings.load(bundle, "a", bundle / ".env", {"SLA_WORKER_MEMORY": "1g"})
