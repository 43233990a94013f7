"""The command line: one clear error, an exit code, no trace."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ports import listening
from stack import cli, console, tail
from stack.console import State
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def no_locks_left() -> Iterator[None]:
    """Removes what the commands of a test leave in the repository's own .run."""
    yield
    for path in (ROOT / ".run").glob("unit-*.lock"):
        path.unlink()


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
    path = ROOT / ".run" / "unit-locked.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("down", "--mode", "local", "--name", "unit-locked")
    path.unlink()
    assert (done.returncode, done.stdout) == (1, "")
    assert "another command is at work on the stack unit-locked" in done.stderr


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
