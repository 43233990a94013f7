"""`kill --signal`: a real process under supervisord, and the words that Docker is given."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.compose_mode import ComposeStack
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.services import SIGNALS
from stack.settings import Instance
from stack.supervision import Program, Supervisor
from waiting import poll, wait_for

COUNTS_HUPS = """
import signal, time
signal.signal(signal.SIGHUP, lambda *_: print("read again", flush=True))
print("here", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def local(instance: Instance) -> Iterator[LocalStack]:
    """A stack of one process, which says when it is to read its configuration again."""
    for each in ("logs", "pids", "services"):
        (instance.directory / each).mkdir(parents=True)
    program = Program("prometheus", (sys.executable, "-c", COUNTS_HUPS), {})
    (instance.directory / "services" / "prometheus.json").write_text(
        program.specification(instance.directory)
    )
    supervisor = Supervisor(instance.directory)
    supervisor.start(["prometheus"])
    log = instance.directory / "logs" / "prometheus.log"
    poll(lambda: log.exists() and "here" in log.read_text(), "the process")
    yield LocalStack(instance)
    supervisor.shutdown()


def state_of(instance: Instance) -> str:
    """What Linux says of the process: S it sleeps, T it is stopped."""
    pid = (instance.directory / "pids" / "prometheus.pid").read_text()
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_process_is_paused_and_resumed(instance: Instance, local: LocalStack) -> None:
    local.kill("prometheus", "STOP")
    wait_for("T", lambda: state_of(instance), "the process to be paused")
    local.kill("prometheus", "CONT")
    wait_for("S", lambda: state_of(instance), "the process to go on")


def test_a_process_is_sent_to_read_its_configuration_again(instance: Instance, local: LocalStack) -> None:
    local.kill("prometheus", "HUP")
    log = instance.directory / "logs" / "prometheus.log"
    poll(log.read_text, "its word", until=lambda text: "read again" in text)


@pytest.mark.parametrize("name", ["KILL", "TERM"])
def test_a_process_that_was_ended_comes_back(instance: Instance, local: LocalStack, name: str) -> None:
    pid_file = instance.directory / "pids" / "prometheus.pid"
    first = pid_file.read_text()
    local.kill("prometheus", name)
    poll(lambda: pid_file.read_text() not in ("", first), "another process")


def test_every_signal_is_one_of_the_system() -> None:
    assert {f"SIG{name}" for name in SIGNALS} <= {each.name for each in signal.Signals}


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """The words of each call of docker; Prometheus runs there and Alertmanager is paused."""
    containers = [
        {"Service": "prometheus", "State": "running", "ID": "p1"},
        {"Service": "alertmanager", "State": "paused", "ID": "a1"},
    ]
    record, fake = tmp_path / "calls", tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"open({str(record)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        f"print({json.dumps(containers)!r} if 'ps' in sys.argv else '4321')\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    return lambda: [json.loads(line) for line in record.read_text().splitlines()]


@pytest.mark.parametrize(
    ("service", "name", "expected"),
    [
        ("prometheus", "HUP", ["exec", "--no-TTY", "prometheus", "sh", "-c", "kill -HUP 1"]),
        ("prometheus", "STOP", ["pause", "prometheus"]),
        ("alertmanager", "CONT", ["unpause", "alertmanager"]),
        # From outside, to the process id that docker inspect tells: 4321.
        ("prometheus", "TERM", ["sh", "-c", "kill -TERM 4321"]),
        ("prometheus", "KILL", ["sh", "-c", "kill -KILL 4321"]),
    ],
)
def test_docker_is_told_what_reaches_the_service(
    instance: Instance, words: Callable[[], list[list[str]]], service: str, name: str, expected: list[str]
) -> None:
    ComposeStack(instance).kill(service, name)
    assert words()[-1][-len(expected) :] == expected


@pytest.mark.parametrize(
    ("service", "name", "message"),
    [
        ("prometheus", "CONT", "prometheus is not paused"),
        ("alertmanager", "HUP", "alertmanager is not running"),
        ("grafana", "STOP", "grafana is not running"),
    ],
)
def test_a_signal_that_cannot_arrive_is_refused(
    instance: Instance, words: Callable[[], list[list[str]]], service: str, name: str, message: str
) -> None:
    with pytest.raises(StackError, match=message):
        ComposeStack(instance).kill(service, name)
    assert len(words()) == 1  # it asked for the containers, and sent nothing
