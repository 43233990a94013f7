"""Variables in docker-compose.yml, and what local mode learns from the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import composefile
from stack.composefile import interpolate
from stack.errors import StackError
from stack.settings import Instance

ENV = {"SET": "x", "EMPTY": "", "PORT": "3002"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$SET-${SET}", "x-x"),
        ("$$SET", "$SET"),
        ("${UNSET}", ""),
        ("${EMPTY:-d}/${EMPTY-d}/${UNSET-d}", "d//d"),
        ("${UNSET:-http://localhost:${PORT}}", "http://localhost:3002"),
        ("${SET:+yes}${EMPTY:+no}", "yes"),
        ("${SET:?must be set}", "x"),
    ],
)
def test_puts_variables_in_as_compose_does(text: str, result: str) -> None:
    assert interpolate(text, ENV) == result


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${EMPTY:?is not set}", "EMPTY is not set"),
        ("${UNSET?is not set}", "UNSET is not set"),
        ("${SET", "lacks a closing }"),
        ("${SET!}", "not a form that Compose knows"),
        ("${1}", "a variable without a name"),
        ("5 $ a", "without the name of a variable"),
    ],
)
def test_refuses_what_compose_refuses(text: str, words: str) -> None:
    with pytest.raises(StackError, match=words):
        interpolate(text, ENV)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "compose.yml: no mapping of services"),
        ("- a", "compose.yml: no mapping of services"),
        ("services: 5", "compose.yml: no mapping of services"),
        ("services: {a: }", "compose.yml: no mapping of services"),
        ("services: {a: {ports: ['80:80']}}", "the service a has a form that is read by Compose alone"),
        ("services: {a: {environment: [A=b]}}", "the service a has a form that is read by Compose alone"),
        (
            "services: {a: {volumes: [{type: tmpfs}]}}",
            "the service a has a form that is read by Compose alone",
        ),
    ],
)
def test_what_only_compose_reads_is_one_error_with_a_fix(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "compose.yml").write_text(text)
    with pytest.raises(StackError, match=words) as caught:
        composefile.definitions(tmp_path / "compose.yml", {}, ())
    assert caught.value.fix


def test_ports_and_mounts_of_a_service(instance: Instance) -> None:
    found = composefile.definitions(instance.root / "docker-compose.yml", instance.variables, ("demo",))
    worker = found["sla-worker"]
    assert worker.ports == {8080: int(instance.env["SLA_WORKER_PORT"])}
    assert {(mount.target, mount.source, mount.volume) for mount in worker.mounts} == {
        ("/etc/sla-worker", "./sla-worker", None),
        ("/run/secrets", "./.run/secrets/unit", None),
        ("/runbooks", "./runbooks", None),
        ("/data", None, "sla-data"),
    }
    assert worker.environment["GRAFANA_PUBLIC_URL"] == f"http://localhost:{instance.env['GRAFANA_PORT']}"
