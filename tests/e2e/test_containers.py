"""What the Docker engine made of docker-compose.yml, by its own word and by that of the kernel inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from docker.models.containers import Container

from e2e.hardening import CHECKS, NOBODY, OWN, Bounds
from e2e.live import Stack
from e2e.services import Containers

pytestmark = [pytest.mark.live, pytest.mark.containers]

BOUNDS = {
    "prometheus": Bounds(NOBODY, 1024, 256),
    "alertmanager": Bounds(NOBODY, 128, 128),
    "grafana": Bounds("472:0", 768, 256, writable=True),  # it unpacks plugins into its own installation
    "mailhog": Bounds(OWN, 256, 128),
    "demo-app": Bounds(OWN, 256, 128),
    "sla-worker": Bounds(OWN, 192, 128),
}
PORTS = [
    ("prometheus", 9090, "prometheus"),
    ("alertmanager", 9093, "alertmanager"),
    ("grafana", 3000, "grafana"),
    ("mailhog", 8025, "mailhog"),
    ("demo-app", 9091, "demo_metrics"),
    ("demo-app", 8000, "demo_api"),
    ("sla-worker", 8080, "sla_worker"),
]


def test_every_service_has_a_container_and_no_other_is_there(containers: Containers, stack: Stack) -> None:
    assert stack.factor >= 1
    assert containers.names() == BOUNDS.keys()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("service", BOUNDS)
def test_each_is_hardened(
    containers: Containers, service: str, check: Callable[[Container, Bounds], None]
) -> None:
    check(containers.get(service), BOUNDS[service])


@pytest.mark.parametrize(("service", "port", "name"), PORTS)
def test_its_ports_are_those_of_the_settings(
    stack: Stack, docker_services: Any, service: str, port: int, name: str
) -> None:
    url = getattr(stack, name)
    assert url == f"http://127.0.0.1:{docker_services.port_for(service, port)}"


def test_make_up_finds_the_running_stack_as_it_would_have_made_it(
    containers: Containers, stack_command: Any
) -> None:
    before = {name: containers.get(name).id for name in BOUNDS}
    stack_command("up")
    assert {name: containers.get(name).id for name in BOUNDS} == before  # Compose made no container again
