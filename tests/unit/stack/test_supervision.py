"""A real supervisord with small programs: start, death, kill -9 of supervisord, leftovers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import leftovers
from stack.errors import StackError
from stack.supervision import Program, Supervisor, configuration, socket_path
from waiting import poll, wait_for

SLEEPS = (sys.executable, "-c", "import time; print('here'); time.sleep(600)")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    for each in ("logs", "pids", "services"):
        (tmp_path / each).mkdir()
    yield tmp_path
    supervisor = Supervisor(tmp_path)
    if supervisor.is_running():
        supervisor.shutdown()
    leftovers.end(tmp_path)


def start(directory: Path, program: Program) -> Supervisor:
    (directory / "services" / f"{program.name}.json").write_text(program.specification(directory))
    supervisor = Supervisor(directory)
    supervisor.start([program.name])
    return supervisor


def pid_of(directory: Path, name: str) -> int:
    file = directory / "pids" / f"{name}.pid"
    poll(lambda: file.exists() and file.read_text().isdigit(), f"the pid of {name}")
    return int(file.read_text())


def test_a_killed_service_is_started_again(directory: Path) -> None:
    supervisor = start(directory, Program("one", SLEEPS, {"PYTHONUNBUFFERED": "1"}))
    first = pid_of(directory, "one")
    os.kill(first, signal.SIGKILL)
    poll(lambda: pid_of(directory, "one") != first, "a new process")
    assert (directory / "logs" / "one.log").exists()
    assert supervisor.is_running()


def test_what_a_killed_supervisord_leaves_is_ended_and_a_new_one_starts(directory: Path) -> None:
    program = Program("one", SLEEPS, {})
    supervisor = start(directory, program)
    service, daemon = pid_of(directory, "one"), supervisor.pid()
    os.kill(daemon, signal.SIGKILL)
    poll(lambda: not supervisor.is_running(), "the end of supervisord")
    assert is_alive(service)
    assert leftovers.end(directory) == ["one"]
    assert leftovers.end(directory) == []
    (directory / "pids" / "one.pid").unlink()
    start(directory, program)
    assert pid_of(directory, "one") != service


def test_a_pid_that_is_another_process_now_is_left_alone(directory: Path) -> None:
    (directory / "pids" / "one.pid").write_text(str(os.getpid()))
    assert leftovers.processes(directory) == {}


def test_restart_reads_the_specification_again(directory: Path) -> None:
    supervisor = start(directory, Program("one", SLEEPS, {}))
    pid_of(directory, "one")
    words = (sys.executable, "-c", "import os, time; print(os.environ['WORD'], flush=True); time.sleep(600)")
    # All that supervisord's own file would have to quote.
    changed = Program("one", words, {"WORD": "a%b \"c\" 'd', e"})
    (directory / "services" / "one.json").write_text(changed.specification(directory))
    supervisor.restart("one")
    log = directory / "logs" / "one.log"
    poll(lambda: "a%b \"c\" 'd', e" in log.read_text(), "the new word in the log")


def test_shutdown_ends_everything(directory: Path) -> None:
    supervisor = start(directory, Program("one", SLEEPS, {}))
    service, daemon = pid_of(directory, "one"), supervisor.pid()
    supervisor.shutdown()
    poll(lambda: not is_alive(service) and not is_alive(daemon), "the end of both")
    assert not supervisor.is_running()


def test_a_service_that_cannot_be_started_says_why_in_its_log(directory: Path) -> None:
    start(directory, Program("one", ("/nowhere/program",), {}))
    log = directory / "logs" / "one.log"
    poll(
        lambda: log.exists() and "/nowhere/program cannot be started: No such file" in log.read_text(),
        "the reason",
    )


def test_a_stack_that_does_not_run_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="supervisord does not answer") as caught:
        Supervisor(tmp_path).processes()
    assert caught.value.fix == "make up"


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    assert len(os.fsencode(socket_path(deep))) <= 95
    assert socket_path(deep) == socket_path(deep)
    assert socket_path(deep) != socket_path(deep / "e")
    assert socket_path(Path("/srv/x")) == Path("/srv/x/supervisor.sock")


def test_nothing_listens_on_tcp(tmp_path: Path) -> None:
    text = configuration(tmp_path, ["one"])
    assert "inet_http_server" not in text
    assert "chmod = 0700" in text


@pytest.mark.parametrize(
    "name",
    ["50%", "%(here)s %%", "it's", 'a "quoted" one', "$HOME `x` ;y #z", "é ü 漢", "a, b: c = d", "[1] * ?"],
)
def test_it_runs_in_a_directory_of_any_name(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    for each in ("logs", "pids", "services"):
        (directory / each).mkdir(parents=True)
    supervisor = start(directory, Program("one", SLEEPS, {"PYTHONUNBUFFERED": "1"}))
    try:
        first = pid_of(directory, "one")
        supervisor.restart("one")
        poll(lambda: pid_of(directory, "one"), "another process", until=lambda pid: pid != first)
        wait_for(["one"], lambda: list(leftovers.processes(directory).values()), "its mark")
        assert (directory / "logs" / "supervisord.log").exists()
        poll((directory / "logs" / "one.log").read_text, "its first word", until=lambda text: "here" in text)
    finally:
        supervisor.shutdown()
        leftovers.end(directory)
