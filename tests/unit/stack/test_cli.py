"""The command line: one clear error, an exit code, no trace."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ports import listening
from stack import cli, console, tail
from stack.console import State
from stack.errors import of_the_system
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def no_locks_left() -> Iterator[None]:
    """Removes what the commands of a test leave in the repository's own .run."""
    yield
    for path in (ROOT / ".run").glob("unit-*.lock"):
        path.unlink(missing_ok=True)


def run(*arguments: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stack", *arguments],
        env={"PATH": path, "PYTHONPATH": str(ROOT / "local/src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_name_is_one_error_with_its_fix() -> None:
    done = run("ps", "--mode", "local", "--name", "No Name")
    assert done.returncode == 1
    assert done.stderr == "error: invalid STACK_NAME: 'No Name'\nfix:   use small letters, digits, - and _\n"


def test_an_unknown_service_names_the_known_ones() -> None:
    done = run("restart", "--mode", "local", "--name", "unit-nothing", "grafna")
    assert done.returncode == 1
    assert "unknown service: 'grafna'" in done.stderr
    assert "grafana, " in done.stderr or ", grafana" in done.stderr


def test_what_does_not_run_is_said_and_is_no_success() -> None:
    done = run("ps", "--mode", "local", "--name", "unit-nothing")
    assert (done.returncode, done.stdout) == (
        1,
        "the stack unit-nothing is not running (make up starts it)\n",
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("exec", "grafna", "true"), "unknown service: 'grafna'"),
        (("exec", "sla-worker"), "no command to run"),
        (("exec", "sla-worker", "true"), "the stack unit-nothing is not running"),
        (("kill", "grafna"), "unknown service: 'grafna'"),
        (("kill", "sla-worker"), "the stack unit-nothing is not running"),
    ],
)
def test_nothing_is_run_in_or_killed_of_what_is_not_there(arguments: tuple[str, ...], error: str) -> None:
    command, *rest = arguments
    done = run(command, "--mode", "local", "--name", "unit-nothing", *rest)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {error}")
    assert "fix:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("drill", "DatabaseDown", "--seconds", "abc"),
            "error: --seconds: not a number of seconds: 'abc'\n"
            "fix:   make drill ALERT=WorkerUnhealthy SECONDS=60\n",
        ),
        (
            ("drill", "DatabaseDown", "--seconds", "-1"),
            "error: --seconds: not a number of seconds: '-1'\n"
            "fix:   make drill ALERT=WorkerUnhealthy SECONDS=60\n",
        ),
        (
            ("drill", "A", "B"),
            "error: unrecognized arguments: B\nfix:   make help lists the commands and what they take\n",
        ),
        (
            ("ps", "--mode", "podman"),
            "error: --mode: unknown mode: 'podman'\n"
            "fix:   MODE=compose or MODE=local, or neither: what is there\n",
        ),
    ],
)
def test_arguments_that_cannot_be_used_are_one_error_with_its_fix(
    arguments: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == error


def test_a_mode_from_the_environment_is_checked_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODE", "podman")
    assert cli.main(["ps"]) == 1
    assert "unknown mode: 'podman'" in capsys.readouterr().err


def test_fetch_takes_what_is_on_path(tmp_path: Path) -> None:
    for name, version in (("prometheus", "3.13.4"), ("alertmanager", "0.34.1")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name}, version {version}\n")
        program.chmod(0o755)
    done = run("fetch", "--mode", "local", "--name", "unit-nothing", path=f"{tmp_path}:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (
        0,
        "✓ prometheus 3.13.4, from PATH\n✓ alertmanager 0.34.1, from PATH\n",
    )


def test_clean_without_a_yes_removes_nothing() -> None:
    done = run("clean", "--mode", "local", "--name", "unit-nothing")
    assert done.returncode == 1
    assert "nothing was removed" in done.stderr


def test_up_with_a_port_in_use_starts_nothing(tmp_path: Path) -> None:
    with listening() as server:
        port = server.getsockname()[1]
        env_file = tmp_path / ".env"
        env_file.write_text(f"GRAFANA_PORT={port}\n")
        done = run("up", "--mode", "local", "--name", "unit-nothing", "--env-file", str(env_file))
    assert done.returncode == 1
    assert f"port {port} of grafana is in use" in done.stderr
    assert "GRAFANA_PORT" in done.stderr
    assert not (ROOT / ".run/local/unit-nothing").exists()


def test_the_end_of_up_names_every_page_and_where_a_fault_can_be_tried(
    instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    cli._print_urls(instance, {})

    text = capsys.readouterr().out
    address = f"http://localhost:{instance.env['DEMO_API_PORT']}"
    (row,) = (line.split() for line in text.splitlines() if line.startswith("demo-app ") and "faults" in line)
    assert row == ["demo-app", f"{address}/", "state", "and", "faults"]
    assert f"Try a fault: switch one on at {address}, then watch the alerts and the mail\n" in text


def test_a_second_command_on_the_same_stack_is_refused_while_the_first_runs() -> None:
    path = ROOT / ".run" / "held-by-a-test.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("down", "--mode", "local", "--name", "held-by-a-test")
    path.unlink()
    assert (done.returncode, done.stdout) == (1, "")
    assert "another command is at work on the stack held-by-a-test" in done.stderr


def test_an_error_of_ours_is_never_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ps", "--name", "Not a name"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert "Not a name" in said
    assert "\nfix:   " in said
    assert "Traceback" not in said


def test_waiting_ends_at_once_when_a_service_failed() -> None:
    states = {"a": State(healthy=True, words=""), "b": State(healthy=False, words="dies", failed=True)}
    assert console.wait(lambda: states, timeout_seconds=600) == states


def test_waiting_ends_when_the_time_is_over() -> None:
    states = {"a": State(healthy=False, words="does not answer")}
    assert console.wait(lambda: states, timeout_seconds=0) == states


def test_following_logs_shows_what_was_there_what_comes_and_what_comes_after_rotation(tmp_path: Path) -> None:
    path, said, turns = tmp_path / "a.log", list[str](), iter(range(10))
    path.write_text("one\n")

    def wait() -> None:
        match next(turns):
            case 0:
                path.write_text("one\ntwo\nha")
            case 1:
                path.write_text("one\ntwo\nhalf\n")
            case 2:
                path.write_text("new\n")
            case _:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tail.show({"a": path}, said.append, follow=True, wait=wait)
    assert said == ["a | one", "a | two", "a | half", "a | new"]


def test_the_last_lines_leave_out_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\nnew\nnewer\n")
    assert tail.last_lines(path, 15, since=len("old\n")) == ["new", "newer"]
    assert tail.last_lines(path, 1) == ["newer"]
    assert tail.last_lines(path, 15, since=1000) == ["old", "new", "newer"]  # rotated
    assert tail.last_lines(tmp_path / "none", 15) == []


def test_make_help_lists_every_target_for_people() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(" ".join(re.findall(r"(?m)^\.PHONY: (.*)$", makefile)).split())
    shown = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert targets == set(re.findall(r"(?m)^  make (\S+)", shown))


def test_a_command_of_the_slas_can_be_given_to_the_second_worker() -> None:
    shown = subprocess.run(
        ["make", "-n", "-C", str(ROOT), "sla-maintenance", "on=sla-worker-2", "do=list"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "exec sla-worker-2 python -m sla_worker.cli maintenance list" in shown


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the launcher and of all that it reads, which a test may break."""
    root = tmp_path / "copy"
    left = ("__pycache__", ".git", ".run", ".venv", ".env", "tests", "docs", "*_cache", "src")
    ignored = shutil.ignore_patterns(*left)
    shutil.copytree(ROOT, root, ignore=ignored)
    shutil.copytree(ROOT / "local/src", root / "local/src", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def run_in(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", "stack", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root / "local/src")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_file(root: Path) -> None:
    (root / ".run").write_text("a file")


def env_directory(root: Path) -> None:
    (root / ".env").mkdir()


def env_latin_1(root: Path) -> None:
    (root / ".env").write_bytes("# Müller\n".encode("latin-1"))


def directory_in_place_of_a_template(root: Path) -> None:
    (root / ".env.example").unlink()
    (root / ".env.example").mkdir()


def target_as_url(root: Path) -> None:
    (root / "prometheus/targets/mine.yml").write_text("- targets: ['http://localhost:9100']\n")


def broken_target(root: Path) -> None:
    (root / "prometheus/targets/mine.yml").write_text("- targets: [\n")


def alert_without_a_runbook(root: Path) -> None:
    rules = root / "prometheus" / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "mine.yml").write_text(
        "groups:\n  - name: mine\n    rules:\n      - {alert: Mine, expr: up == 0}\n"
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (run_file, "/.run: File exists"),
        (env_directory, "/.env is a directory, not a file"),
        (env_latin_1, "/.env:1: not UTF-8 text"),
        (directory_in_place_of_a_template, "/.env.example is a directory, not a file"),
        (target_as_url, "prometheus/targets/mine.yml:1: not host:port: 'http://localhost:9100'"),
        (broken_target, "prometheus/targets/mine.yml:2:1: "),
        (
            alert_without_a_runbook,
            "prometheus/rules/mine.yml:4: Mine has no runbook: no file runbooks/Mine.md",
        ),
    ],
)
def test_up_says_what_is_wrong_in_one_error_with_a_fix(
    copy: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(copy)
    done = run_in(copy, "up", "--mode", "local")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert done.stderr.splitlines()[-1].startswith("fix:   ")
    assert "Traceback" not in done.stderr
    assert not (copy / ".run" / "local").exists()


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "disk is full"),
        (errno.ENOTDIR, "in the place of a directory"),
        (errno.ENOENT, "put it back, or correct its path in .env"),
    ],
)
def test_what_the_system_refuses_is_said_with_the_path_and_a_fix(number: int, fix: str) -> None:
    error = of_the_system(OSError(number, os.strerror(number), "/srv/bundle/.run"))
    assert error.message == f"/srv/bundle/.run: {os.strerror(number)}"
    assert fix in str(error.fix)


def test_down_and_clean_work_while_the_settings_are_broken(copy: Path) -> None:
    (copy / ".env").write_text("no setting\n")
    assert run_in(copy, "ps", "--mode", "local").returncode == 1
    done = run_in(copy, "down", "--mode", "local")
    assert (done.returncode, done.stdout) == (0, "✓ insa was not running\n")
    done = run_in(copy, "clean", "--yes", "--mode", "local")
    assert done.returncode == 0
    assert done.stdout.startswith("✓ removed all data of insa")


def test_without_the_demo_app_none_of_its_addresses_is_listed(
    instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    instance.env["DEMO"] = "0"
    cli._print_urls(instance, {})
    text = capsys.readouterr().out
    assert "demo-app  " not in text
    assert instance.env["DEMO_API_PORT"] not in text
    assert instance.env["DEMO_METRICS_PORT"] not in text
    assert "Try a fault" not in text


@pytest.mark.parametrize("mode", ["local", "compose"])
def test_a_clone_in_which_nothing_was_started_can_be_checked(copy: Path, mode: str) -> None:
    assert not (copy / ".env").exists()
    done = run_in(copy, "check", MODE=mode)
    assert done.returncode == 0, done.stderr
    assert "✓ dashboards made from these definitions" in done.stdout  # the last line before the binaries


@pytest.mark.parametrize(
    ("ci", "code", "told"), [("true", 1, "with CI=true nothing is skipped"), ("", 0, "make up MODE=local")]
)
def test_rules_that_nothing_can_check_are_a_warning_and_in_ci_an_error(
    copy: Path, tmp_path: Path, ci: str, code: int, told: str
) -> None:
    done = run_in(copy, "check", MODE="local", CI=ci, PATH=str(tmp_path))  # no promtool, no docker
    assert done.returncode == code
    assert "rules and routes are not checked: no promtool, no amtool" in done.stderr + done.stdout
    assert told in done.stderr + done.stdout
