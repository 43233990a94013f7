"""What Compose says of its containers, in the forms of its versions."""

from __future__ import annotations

import contextlib
import csv
import http.server
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stack import checks, compose_mode
from stack.compose_mode import ComposeStack
from stack.container_states import parse_ps, readable_lines, state_of
from stack.envfile import EXAMPLE
from stack.errors import StackError
from stack.settings import Instance, load_to_stop

ROOT = Path(__file__).resolve().parents[3]
ONE = {"Service": "grafana", "State": "running", "Health": "healthy", "Status": "Up"}
TWO = {"Service": "mailhog", "State": "exited", "Health": "", "Status": "Exited (1)"}


@pytest.mark.parametrize("text", [json.dumps([ONE, TWO]), f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n"])
def test_reads_a_list_and_a_line_for_each_container(text: str) -> None:
    assert parse_ps(text) == {"grafana": ONE, "mailhog": TWO}


@pytest.mark.parametrize("text", ["", "[]", "\n"])
def test_no_containers_are_no_error(text: str) -> None:
    assert parse_ps(text) == {}


@pytest.mark.parametrize(
    ("state", "health", "expected"),
    [
        ("running", "healthy", (True, False)),
        ("running", "starting", (False, False)),
        ("running", "unhealthy", (False, True)),
        ("created", "", (False, False)),
        ("restarting", "", (False, True)),
        ("exited", "", (False, True)),
    ],
)
def test_a_container_is_healthy_waited_for_or_failed(
    state: str, health: str, expected: tuple[bool, bool]
) -> None:
    seen = state_of({"State": state, "Health": health, "Status": "x"})
    assert (seen.healthy, seen.failed) == expected


def test_a_service_without_a_container_is_not_healthy() -> None:
    assert not state_of(None).healthy


def test_without_docker_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert compose_mode.why_not() == "docker is not installed"


def test_a_log_is_shown_without_codes_and_without_what_each_start_says_again() -> None:
    log = "\x1b[2Kerror: PORT=abc\n\x1b[2Kerror: PORT=abc\nplain\n"
    assert readable_lines(log) == ["error: PORT=abc", "plain"]


FAKE = """#!{python}
import json, os, sys
names = ("COMPOSE_PROFILES", "DEMO_CONFIG_DIR", "GRAFANA_ADMIN_PASSWORD", "DEMO_RATE", "STACK_NAME")
given = sys.stdin.read() if "exec" in sys.argv else ""
call = {{"words": sys.argv[1:], "given": given}} | {{name: os.environ.get(name) for name in names}}
open({record!r}, "a").write(json.dumps(call) + "\\n")
if "logs" in sys.argv:
    print("\x1b[36mgrafana-1  |\x1b[0m \x1b[2Kready")
if "--check" in sys.argv and os.environ["SLA_INTERVAL_SECONDS"] == "60":
    sys.exit("Container made\\nerror: /data/sla.db: its slots are 300 s long, not 60 s; set it to 300 again")
if "build" in sys.argv:
    print("#1 [sla-worker 1/9] FROM python", "#2 ERROR: no space left", sep="\\n", file=sys.stderr)
    sys.exit(os.environ["DEMO_RATE"] == "1234")
if "ls" in sys.argv:
    print("unit_postgres-data")
if "ps" in sys.argv:
    print(open({containers!r}).read())
"""


@pytest.fixture
def docker(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """A docker that records its calls, and reports healthy containers of all services."""
    record, fake, containers = tmp_path / "calls", tmp_path / "bin" / "docker", tmp_path / "containers"
    fake.parent.mkdir()
    fake.write_text(FAKE.format(python=sys.executable, record=str(record), containers=str(containers)))
    fake.chmod(0o755)
    running = {"State": "running", "Health": "healthy", "Status": "Up"}
    of = [{"Service": name, "ID": name} | running for name in instance.services]
    containers.write_text(json.dumps(of))
    monkeypatch.setenv("PATH", str(fake.parent), prepend=":")
    for path in (instance.root, *instance.root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return lambda: [json.loads(line) for line in record.read_text().splitlines()]


def calls_of(calls: list[Any], word: str) -> list[Any]:
    return [call for call in calls if word in call["words"]]


def after(call: Any, word: str) -> list[str]:
    words: list[str] = call["words"]
    return words[words.index(word) :]


def test_what_docker_says_of_building_is_in_a_file_until_it_fails(
    instance: Instance, docker: Callable[[], list[Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    ComposeStack(instance).build(["sla-worker"])
    assert after(docker()[0], "build") == ["build", "sla-worker"]
    log = instance.root / ".run" / f"{instance.name}.build.log"
    assert log.read_text().startswith("#1 [sla-worker 1/9] FROM python")
    said = capfd.readouterr()
    assert "#1" not in said.out + said.err
    assert f"{instance.name}.build.log has what Docker says" in said.out
    instance.env["DEMO_RATE"] = "1234"
    with pytest.raises(StackError, match=r"ends with:\n  #1 .*\n  #2 ERROR: no space left"):
        ComposeStack(instance).build()


def test_an_image_that_two_services_have_is_built_for_one_of_them(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    shutil.copy(ROOT / "docker-compose.scale.yml", instance.root)
    scaled = replace(instance, env=instance.env | {"SCALE": "1"})
    ComposeStack(scaled).build()
    ComposeStack(scaled).build(["sla-worker-2"])
    all_of_them, one = calls_of(docker(), "build")
    assert {*after(all_of_them, "build")[1:]} == {*scaled.services} - {"sla-worker-2", "vmstorage-2"}
    assert after(one, "build") == ["build", "sla-worker"]


def test_a_restart_makes_the_containers_again_so_that_new_settings_reach_them(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    instance.env["DEMO_RATE"] = "7"
    ComposeStack(instance).restart(["demo-app"])
    (up,) = calls_of(docker(), "up")
    assert after(up, "up") == [
        "up",
        "--detach",
        "--remove-orphans",
        "--force-recreate",
        "--no-deps",
        "demo-app",
    ]
    assert (up["DEMO_RATE"], up["STACK_NAME"]) == ("7", "unit")
    assert not calls_of(docker(), "restart")


def test_without_the_demo_app_its_profile_is_off_and_its_container_goes(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    ComposeStack(instance).up()
    (up,) = calls_of(docker(), "up")
    assert (up["COMPOSE_PROFILES"], up["DEMO_CONFIG_DIR"]) == ("demo", None)
    assert not calls_of(docker(), "rm")
    instance.env["DEMO"] = "0"
    ComposeStack(instance).up()
    _, up = calls_of(docker(), "up")
    assert up["COMPOSE_PROFILES"] == ""
    assert list(Path(up["DEMO_CONFIG_DIR"]).iterdir()) == []
    (gone,) = calls_of(docker(), "rm")
    assert after(gone, "rm") == ["rm", "--stop", "--force", "demo-app"]
    # To stop everything, everything must be known.
    ComposeStack(instance).down()
    assert calls_of(docker(), "down")[0]["COMPOSE_PROFILES"] == "demo,images"


def test_a_token_brings_grafanas_renderer_and_without_one_it_goes(
    instance: Instance, docker: Callable[[], list[Any]], tmp_path: Path
) -> None:
    instance.env["RENDERER_TOKEN"] = "made-up-for-the-test"  # noqa: S105  # not one
    containers = tmp_path / "containers"
    there = json.loads(containers.read_text())
    containers.write_text(json.dumps([*there, there[0] | {"Service": "renderer", "Status": "Up 1 s"}]))
    ComposeStack(instance).up()
    (up,) = calls_of(docker(), "up")
    assert up["COMPOSE_PROFILES"] == "demo,images"
    assert ("renderer", "healthy", "Up 1 s") in ComposeStack(instance).ps()
    assert not calls_of(docker(), "rm")
    instance.env["RENDERER_TOKEN"] = ""
    ComposeStack(instance).up()
    (gone,) = calls_of(docker(), "rm")
    assert after(gone, "rm") == ["rm", "--stop", "--force", "renderer"]


def test_a_renderer_that_is_not_healthy_is_named(instance: Instance, docker: Callable[[], list[Any]]) -> None:
    instance.env["RENDERER_TOKEN"] = "made-up-for-the-test"  # noqa: S105  # not one
    assert docker  # all but the renderer have a container
    states = ComposeStack(instance)._states()
    assert [name for name, state in states.items() if not state.healthy] == ["renderer"]


def test_what_changed_in_the_files_of_a_kept_container_is_applied_once(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    ComposeStack(instance).up()
    before = len(docker())
    (instance.root / "alertmanager" / "mail.tmpl").write_text("changed")
    (instance.root / "alertmanager" / "mail.tmpl").chmod(0o644)
    (instance.root / "sla-worker" / "sla_thresholds.yml").write_text("slas: {changed: 1}\n")
    ComposeStack(instance).up()
    applied = [call for call in docker()[before:] if {"exec", "restart"} & {*call["words"]}]
    assert [call["words"][-3:] for call in applied] == [
        ["sh", "-c", "kill -HUP 1"],
        [str(instance.root), "restart", "sla-worker"],
    ]
    before = len(docker())
    ComposeStack(instance).up()
    assert not [call for call in docker()[before:] if {"exec", "restart"} & {*call["words"]}]


def test_a_ledger_with_slots_of_another_length_is_refused_before_anything_is_started(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    instance.env["SLA_INTERVAL_SECONDS"] = "60"
    with pytest.raises(
        StackError, match=r"slots are 300 s long, not 60 s \(volume unit_sla-data\)"
    ) as caught:
        ComposeStack(instance).up()
    assert caught.value.fix == "set it to 300 again"
    assert not calls_of(docker(), "up")


def test_logs_in_a_pipe_hold_no_codes_of_a_terminal(
    instance: Instance, docker: Callable[[], list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    ComposeStack(instance).logs(["grafana"], follow=True)
    assert capsys.readouterr().out == "grafana-1  | ready\n"
    assert after(docker()[-1], "logs") == ["logs", "--no-color", "--tail", "40", "--follow", "grafana"]


def test_the_log_of_one_service_has_its_lines_alone(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    assert ComposeStack(instance).log_of("grafana") == ["grafana-1  | ready"]
    assert after(docker()[-1], "logs") == [
        "logs",
        "--no-color",
        "--no-log-prefix",
        "--tail",
        "10000",
        "grafana",
    ]


def resets(calls: list[Any]) -> list[Any]:
    """The calls that set Grafana's password."""
    return [call for call in calls_of(calls, "exec") if "reset-admin-password" in call["words"]]


@contextlib.contextmanager
def grafana_answering(instance: Instance, *statuses: int) -> Iterator[None]:
    """A Grafana that answers logins one after the other with these statuses, and no further one."""
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(left.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        instance.env["GRAFANA_PORT"] = str(server.server_port)
        containers = instance.root.parent / "containers"
        running = json.loads(containers.read_text())
        publishers = [{"PublishedPort": server.server_port}]
        containers.write_text(json.dumps([each | {"Publishers": publishers} for each in running]))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
    assert left == []


def test_a_refused_password_is_set_by_grafanas_own_command_line(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    with grafana_answering(instance, 401, 200):
        ComposeStack(instance).up()
    (reset,) = resets(docker())
    assert after(reset, "exec") == [
        "exec", "--no-TTY", "grafana", "grafana", "cli", "--homepath", "/usr/share/grafana",
        "admin", "reset-admin-password", "--password-from-stdin",
    ]  # fmt: skip  # a command a line
    assert reset["given"] == "from-the-test"  # by standard input: no list of processes shows it


def test_a_password_that_is_refused_all_the_same_is_an_error(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    with (
        grafana_answering(instance, 401, 401),
        pytest.raises(StackError, match="refuses the password in GRAFANA_ADMIN_PASSWORD"),
    ):
        ComposeStack(instance).up()
    assert len(resets(docker())) == 1


def test_a_broken_settings_file_does_not_keep_the_stack_from_being_stopped(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    instance.env_file.write_text("no setting\n")
    ComposeStack(load_to_stop(instance.root, "unit", instance.env_file, {})).down()
    (down,) = calls_of(docker(), "down")
    words = down["words"]
    assert words[words.index("--env-file") + 1] == str(instance.root / EXAMPLE)
    assert down["GRAFANA_ADMIN_PASSWORD"] == "not-set"  # noqa: S105  # Compose wants one, even to stop


def test_to_clean_removes_volumes_of_services_that_are_no_longer_part_of_the_stack(
    instance: Instance, docker: Callable[[], list[Any]]
) -> None:
    ComposeStack(instance).clean()
    down, listed, removed = docker()
    assert after(down, "down") == ["down", "--volumes", "--remove-orphans"]
    assert listed["words"][-1] == "label=com.docker.compose.project=unit"
    assert removed["words"] == ["volume", "rm", "unit_postgres-data"]


def test_ports_of_paused_containers_are_our_own(instance: Instance, docker: Callable[[], list[Any]]) -> None:
    containers = instance.root.parent / "containers"
    assert callable(docker)
    port = instance.env["GRAFANA_PORT"]
    paused = {"Service": "grafana", "State": "paused", "Publishers": [{"PublishedPort": int(port)}]}
    containers.write_text(json.dumps([paused]))
    assert ComposeStack(instance)._ours() == {"GRAFANA_PORT"}


@pytest.mark.parametrize("name", ["a,b", 'a "b" c', "a b"])
def test_a_directory_of_any_name_is_mounted_to_be_checked(
    instance: Instance, docker: Callable[[], list[Any]], name: str
) -> None:
    directory = instance.root / name
    (instance.root / "prometheus").rename(directory)
    instance.env["PROMETHEUS_CONFIG_DIR"] = str(directory)
    ComposeStack(instance).check_with_images()
    mount = next(call for call in docker() if "promtool" in call["words"])["words"]
    (fields,) = csv.reader([mount[mount.index("--mount") + 1]])
    assert fields == ["type=bind", f"source={directory}", "target=/etc/prometheus", "readonly"]
    assert checks.directories(instance)["prometheus"] == directory
