"""A stack of small programs under a real supervisord: what up and restart apply, which password works."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ports import free_ports
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.services import PORT_VARIABLES
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]
SERVER = """
import base64, http.server, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200
        if self.path == "/api/user":
            given = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            status = 200 if given == "admin:" + (pathlib.Path(PASSWORDS) / "now").read_text() else 401
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
def serve(port):
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""
PROGRAM = """#!{python}
import os, sys
if "--version" in sys.argv or "-v" in sys.argv:
    sys.exit(print("{name}, version {version}"))
exec(open({server!r}).read())
listen = [word.rpartition(":")[2] for word in sys.argv if word.startswith("--web.listen-address")]
serve(listen[0] if listen else os.environ["GF_SERVER_HTTP_PORT"])
"""
CLI = """#!{python}
import pathlib, sys
assert sys.argv[-2:] == ["reset-admin-password", "--password-from-stdin"], sys.argv
pathlib.Path({passwords!r}, "now").write_text(sys.stdin.read())
"""


@pytest.fixture
def stack(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    """A stack whose programs say that they are healthy and do nothing else; one asks for a password."""
    for variable, port in zip(PORT_VARIABLES, free_ports(len(PORT_VARIABLES)), strict=True):
        instance.env[variable] = str(port)
    (instance.root / "local").symlink_to(ROOT / "local")  # the stand-in for MailHog is there
    programs, passwords, server = tmp_path / "bin", tmp_path / "passwords", tmp_path / "server.py"
    programs.mkdir()
    passwords.mkdir()
    (passwords / "now").write_text("from-the-test")
    server.write_text(SERVER.replace("PASSWORDS", repr(str(passwords))))
    words = {"python": sys.executable, "server": str(server), "passwords": str(passwords)}
    for name, version in (("prometheus", "3.13.4"), ("alertmanager", "0.34.1"), ("grafana-server", "13.2.3")):
        (programs / name).write_text(PROGRAM.format(name=name, version=version, **words))
    (programs / "grafana-cli").write_text(CLI.format(**words))
    for path in programs.iterdir():
        path.chmod(0o755)
    for name, package, port_of in (
        ("demo-app", "demo_app", "DEMO_API_PORT"),
        ("sla-worker", "sla_worker", "SLA_WORKER_PORT"),
    ):
        source = instance.root / name / "src" / package
        source.mkdir(parents=True)
        (source / "__init__.py").touch()
        start = f"import os\nexec(open({str(server)!r}).read())\nserve(os.environ[{port_of!r}])\n"
        (source / "__main__.py").write_text(start)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    made = LocalStack(instance)
    made.up()
    yield made
    LocalStack(instance).down()


@pytest.fixture
def pids(stack: LocalStack) -> Callable[[], dict[str, int]]:
    """The process of each service, as supervisord has it."""
    return lambda: {name: each["pid"] for name, each in stack._supervisor.processes().items()}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """The services whose process is another one."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def environment(instance: Instance, service: str) -> dict[str, str]:
    """The environment that a service was started with."""
    text = (instance.directory / "services" / f"{service}.json").read_text()
    return dict(json.loads(text)["environment"])


def test_a_restart_of_one_service_takes_its_changes_over_and_leaves_the_others(
    instance: Instance, stack: LocalStack, pids: Callable[[], dict[str, int]]
) -> None:
    rules = instance.root / "prometheus" / "rules"
    rules.mkdir()
    (rules / "mine.yml").write_text("groups: []\n")
    (instance.root / "alertmanager" / "alertmanager.yml").write_text("route: {receiver: changed}\n")
    before = pids()
    stack.restart(["prometheus"])
    config = instance.directory / "config"
    assert (config / "prometheus" / "rules" / "mine.yml").exists()
    assert changed(before, pids()) == {"prometheus"}
    # Alertmanager's change waits for its own restart, or for up, which sees it as a change still.
    assert "changed" not in (config / "alertmanager" / "alertmanager.yml").read_text()
    before = pids()
    stack.up()
    assert "changed" in (config / "alertmanager" / "alertmanager.yml").read_text()
    assert changed(before, pids()) <= {"alertmanager"}  # it is sent a signal, which ends this small one
    instance.env["DEMO_RATE"] = "7"
    before = pids()
    stack.restart([])
    assert environment(instance, "demo-app")["DEMO_RATE"] == "7"
    assert changed(before, pids()) == set(instance.services)


def test_up_again_finds_no_thief_in_what_just_started_and_restarts_what_changed(
    instance: Instance,
    stack: LocalStack,
    pids: Callable[[], dict[str, int]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = json.loads((instance.directory / "said.json").read_text())
    assert said["mailhog"][0].startswith("mailhog is missing: a stand-in takes the mail (")
    capsys.readouterr()
    stack._supervisor.restart("grafana")  # for five seconds supervisord calls it STARTING
    before = pids()
    stack.up()
    assert changed(before, pids()) == set()
    assert stack._ours() == frozenset(instance.ports)
    assert "mailhog is missing" not in capsys.readouterr().out  # it was said, and is the same
    said["mailhog"] = ["another reason"]
    (instance.directory / "said.json").write_text(json.dumps(said))
    (instance.root / "sla-worker" / "sla_thresholds.yml").write_text("slas: {changed: 1}\n")
    stack.up()
    assert changed(before, pids()) == {"sla-worker"}  # which reads its definitions at its start only
    assert "mailhog is missing" in capsys.readouterr().out


def test_the_log_of_one_service_is_read_where_there_is_one(instance: Instance) -> None:
    logs = instance.directory / "logs"
    logs.mkdir(parents=True)
    (logs / "grafana.log").write_text("one\ntwo\n")
    assert LocalStack(instance).log_of("grafana") == ["one", "two"]
    assert LocalStack(instance).log_of("prometheus") == []


def test_it_knows_where_the_ledger_is(instance: Instance) -> None:
    assert LocalStack(instance).database() == instance.directory / "data" / "sla-data" / "sla.db"


def test_the_demo_app_leaves_with_its_target_and_comes_back(instance: Instance, stack: LocalStack) -> None:
    target = instance.directory / "config/prometheus/demo/targets/demo-app.yml"
    assert target.exists()
    instance.env["DEMO"] = "0"
    stack.up()
    assert [name for name, _, _ in stack.ps()] == [
        "mailhog",
        "alertmanager",
        "prometheus",
        "sla-worker",
        "grafana",
    ]
    assert not target.exists()
    instance.env["DEMO"] = "1"
    stack.up()
    assert "demo-app" in {name for name, _, _ in stack.ps()}
    assert target.exists()


def test_a_changed_password_is_the_one_that_works_or_up_says_that_it_does_not(
    instance: Instance, stack: LocalStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance.env["GRAFANA_ADMIN_PASSWORD"] = "a new one: 'ü'"  # noqa: S105  # not one
    stack.up()
    assert (tmp_path / "passwords" / "now").read_text() == "a new one: 'ü'"
    assert "✓ grafana has taken the password that is set now" in capsys.readouterr().out
    stack.up()
    assert "has taken the password" not in capsys.readouterr().out
    (tmp_path / "bin" / "grafana-cli").write_text("#!/bin/sh\necho no such user >&2\nexit 1\n")
    instance.env["GRAFANA_ADMIN_PASSWORD"] = "another"  # noqa: S105  # not one
    with pytest.raises(StackError, match="could not be reset: no such user") as caught:
        stack.up()
    assert "log in with the old password" in str(caught.value.fix)


def test_clean_empties_what_symbolic_links_name(
    instance: Instance, stack: LocalStack, tmp_path: Path
) -> None:
    stack.down()
    disk, volume = tmp_path / "disk", tmp_path / "volume"
    instance.directory.rename(disk)
    instance.directory.symlink_to(disk)
    data = disk / "data" / "prometheus-data"
    data.rename(volume)
    data.symlink_to(volume)
    (volume / "samples").write_text("1")
    stack.clean()
    assert not instance.directory.is_symlink()
    assert not disk.exists()
    assert not volume.exists()
    assert (instance.root / "prometheus" / "targets").is_dir()  # a link leads there too, and it is no data
