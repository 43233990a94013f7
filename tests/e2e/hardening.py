"""What every container of the bundle must be, by the word of the Docker engine and of the kernel inside."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from docker.models.containers import Container

from waiting import poll

MIB = 2**20
NOBODY, OWN = "65534:65534", "10001:10001"


class Bounds(NamedTuple):
    """What a service may use: user and group, memory and processes, whether it may write to its root."""

    user: str
    memory_mib: int
    processes: int
    writable: bool = False


def has_no_rights(container: Container, bounds: Bounds) -> None:
    """It runs as its user, has no capability, and can gain none."""
    status = _of_the_kernel(container)
    assert container.attrs["Config"]["User"] == bounds.user
    # Real, effective, saved and file system id, all alike.
    assert status["Uid"].split() == [bounds.user.partition(":")[0]] * 4
    assert status["Gid"].split() == [bounds.user.partition(":")[2]] * 4
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # Docker's filter of system calls is on
    host: dict[str, Any] = container.attrs["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not host["Privileged"]


def runs_nothing_as_root(container: Container, bounds: Bounds) -> None:
    """All of its processes are its user's."""
    answer = container.top(ps_args="-eo uid,pid,comm")
    column = answer["Titles"].index("UID")
    assert {row[column] for row in answer["Processes"]} == {bounds.user.partition(":")[0]}


def cannot_write_to_its_root(container: Container, bounds: Bounds) -> None:
    """Its root is read-only, unless it must write there; nothing in /tmp can be run."""
    assert container.attrs["HostConfig"]["ReadonlyRootfs"] is not bounds.writable
    options = _said(container, "cat", "/proc/1/mountinfo").splitlines()
    [root] = [line.split() for line in options if line.split()[4] == "/"]
    assert ("rw" if bounds.writable else "ro") in root[5].split(",")
    [tmp] = [line.split() for line in options if line.split()[4] == "/tmp"]  # noqa: S108  # the container's
    assert {"noexec", "nosuid", "nodev"} <= set(tmp[5].split(","))


def is_limited(container: Container, bounds: Bounds) -> None:
    """Its memory and its processes are, as Docker was told and as the kernel does it."""
    host = container.attrs["HostConfig"]
    assert (host["Memory"], host["PidsLimit"]) == (bounds.memory_mib * MIB, bounds.processes)
    memory = _limit(container, "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    assert memory == bounds.memory_mib * MIB
    assert _limit(container, "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max") == bounds.processes


def comes_back_and_bounds_its_log(container: Container, _: Bounds) -> None:
    """Docker starts it again, and throws old parts of its log away."""
    host = container.attrs["HostConfig"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}


def opens_ports_on_loopback_alone(container: Container, _: Bounds) -> None:
    """Whatever it publishes."""
    bindings = container.attrs["NetworkSettings"]["Ports"]
    opened = [binding for bound in bindings.values() for binding in bound or []]
    assert {binding["HostIp"] for binding in opened} <= {"127.0.0.1"}


CHECKS = (
    has_no_rights,
    runs_nothing_as_root,
    cannot_write_to_its_root,
    is_limited,
    comes_back_and_bounds_its_log,
    opens_ports_on_loopback_alone,
)


def _said(container: Container, *words: str) -> str:
    """What a command inside of a container prints; it must succeed.

    A busy engine now and then loses what a short command has printed; then it is asked again.
    """

    def look() -> str:
        code, output = container.exec_run(list(words))
        assert isinstance(output, bytes)
        text = output.decode(errors="replace")
        assert code == 0, f"{' '.join(words)} ended with {code}: {text}"
        return text

    return poll(look, f"the output of {' '.join(words)}")


def _of_the_kernel(container: Container) -> dict[str, str]:
    """The fields of /proc/1/status: what the kernel says of the container's first process."""
    return dict(re.findall(r"^(\w+):\s*(.*)$", _said(container, "cat", "/proc/1/status"), re.MULTILINE))


def _limit(container: Container, *files: str) -> int:
    """A limit of the control group: the first of the files that there is (version 2, version 1)."""
    return int(_said(container, "sh", "-c", " || ".join(f"cat {file} 2>/dev/null" for file in files)))
