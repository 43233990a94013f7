"""What the Docker engine made of docker-compose.yml, by its own word and by that of the kernel inside."""

from __future__ import annotations

import re
from typing import Any

import pytest
from docker.models.containers import Container

from e2e.live import Stack
from e2e.services import Containers

pytestmark = [pytest.mark.live, pytest.mark.containers]

MIB = 2**20
NOBODY, GRAFANA, OWN = "65534:65534", "472:0", "10001:10001"
LIMITS = {
    # user, memory in MiB, processes, whether it may write to its root
    "prometheus": (NOBODY, 1024, 256, False),
    "alertmanager": (NOBODY, 128, 128, False),
    "grafana": (GRAFANA, 768, 256, True),  # it unpacks its plugins into its own installation
    "mailhog": (OWN, 256, 128, False),
    "demo-app": (OWN, 256, 128, False),
    "sla-worker": (OWN, 192, 128, False),
}
EACH = pytest.mark.parametrize("service", LIMITS)
PORTS = [
    ("prometheus", 9090, "prometheus"),
    ("alertmanager", 9093, "alertmanager"),
    ("grafana", 3000, "grafana"),
    ("mailhog", 8025, "mailhog"),
    ("demo-app", 9091, "demo_metrics"),
    ("demo-app", 8000, "demo_api"),
    ("sla-worker", 8080, "sla_worker"),
]


def said(container: Container, *words: str) -> str:
    """What a command inside of a container prints; it must succeed."""
    code, output = container.exec_run(list(words))
    assert isinstance(output, bytes)
    text = output.decode(errors="replace")
    assert code == 0, f"{' '.join(words)} ended with {code}: {text}"
    return text


def of_the_kernel(container: Container) -> dict[str, str]:
    """The fields of /proc/1/status: what the kernel says of the container's first process."""
    return dict(re.findall(r"^(\w+):\s*(.*)$", said(container, "cat", "/proc/1/status"), re.MULTILINE))


def limit(container: Container, *files: str) -> int:
    """A limit of the control group: the first of the files that there is (version 2, version 1)."""
    return int(said(container, "sh", "-c", " || ".join(f"cat {file} 2>/dev/null" for file in files)))


def test_every_service_has_a_container_and_no_other_is_there(containers: Containers, stack: Stack) -> None:
    assert stack.factor >= 1
    assert containers.names() == LIMITS.keys()


@EACH
def test_it_runs_without_root_without_capabilities_and_can_gain_none(
    containers: Containers, service: str
) -> None:
    container = containers.get(service)
    user, _, _, _ = LIMITS[service]
    status = of_the_kernel(container)
    assert container.attrs["Config"]["User"] == user
    # Real, effective, saved and file system id, all alike.
    assert status["Uid"].split() == [user.partition(":")[0]] * 4
    assert status["Gid"].split() == [user.partition(":")[2]] * 4
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # Docker's filter of system calls is on
    host: dict[str, Any] = container.attrs["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]


@EACH
def test_nothing_in_it_runs_as_root(containers: Containers, service: str) -> None:
    user = LIMITS[service][0].partition(":")[0]
    answer = containers.get(service).top(ps_args="-eo uid,pid,comm")
    column = answer["Titles"].index("UID")
    assert {row[column] for row in answer["Processes"]} == {user}


@EACH
def test_its_root_cannot_be_written_to_unless_it_must(containers: Containers, service: str) -> None:
    container = containers.get(service)
    writable = LIMITS[service][3]
    assert container.attrs["HostConfig"]["ReadonlyRootfs"] is not writable
    options = said(container, "cat", "/proc/1/mountinfo").splitlines()
    [root] = [line.split() for line in options if line.split()[4] == "/"]
    assert ("rw" if writable else "ro") in root[5].split(",")
    [tmp] = [line.split() for line in options if line.split()[4] == "/tmp"]  # noqa: S108  # the container's
    assert {"noexec", "nosuid", "nodev"} <= set(tmp[5].split(","))


@EACH
def test_its_memory_and_processes_are_limited(containers: Containers, service: str) -> None:
    container = containers.get(service)
    _, memory_mib, processes, _ = LIMITS[service]
    host = container.attrs["HostConfig"]
    assert (host["Memory"], host["PidsLimit"]) == (memory_mib * MIB, processes)
    memory = limit(container, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert memory == memory_mib * MIB
    assert limit(container, "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max") == processes


@EACH
def test_docker_starts_it_again_and_bounds_its_log(containers: Containers, service: str) -> None:
    host = containers.get(service).attrs["HostConfig"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


@EACH
def test_its_ports_are_open_on_the_loopback_interface_alone(containers: Containers, service: str) -> None:
    bindings = containers.get(service).attrs["NetworkSettings"]["Ports"]
    assert bindings
    opened = [binding for bound in bindings.values() for binding in bound or []]
    assert {binding["HostIp"] for binding in opened} == {"127.0.0.1"}


@pytest.mark.parametrize(("service", "port", "name"), PORTS)
def test_its_ports_are_those_of_the_settings(
    stack: Stack, docker_services: Any, service: str, port: int, name: str
) -> None:
    url = getattr(stack, name)
    assert url == f"http://127.0.0.1:{docker_services.port_for(service, port)}"


def test_make_up_finds_the_running_stack_as_it_would_have_made_it(
    containers: Containers, stack_command: Any
) -> None:
    before = {name: containers.get(name).id for name in LIMITS}
    stack_command("up")
    assert {name: containers.get(name).id for name in LIMITS} == before  # Compose made no container again
