"""Whether ports are free, and who holds one that is not."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

from stack.errors import StackError
from stack.settings import Instance

_LISTENING = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do: connections that linger from a stopped server do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder(port: int) -> str | None:
    """Name and pid of the process that listens on a port; None when this user may not see it."""
    proc = Path("/proc")
    if not (proc / "net/tcp").exists():
        return _holder_by_lsof(port)
    wanted = {f"socket:[{inode}]" for inode in _inodes(proc, port)}
    for process in proc.iterdir() if wanted else ():
        if process.name.isdigit() and _holds(process, wanted):
            return f"{(process / 'comm').read_text().strip()}, pid {process.name}"
    return None


def _inodes(proc: Path, port: int) -> set[str]:
    found = set()
    for table in ("net/tcp", "net/tcp6"):
        if not (proc / table).exists():
            continue
        for line in (proc / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found


def _holds(process: Path, wanted: set[str]) -> bool:
    try:
        return any(str(descriptor.readlink()) in wanted for descriptor in (process / "fd").iterdir())
    except OSError:
        return False  # it ended, or belongs to another user


def _holder_by_lsof(port: int) -> str | None:
    if shutil.which("lsof") is None:
        return None
    found = subprocess.run(  # noqa: S603  # a fixed command and a number
        ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"],  # noqa: S607  # wherever the system has it
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    fields = {line[:1]: line[1:] for line in found}
    return f"{fields['c']}, pid {fields['p']}" if {"c", "p"} <= fields.keys() else None


def check_free(instance: Instance, ours: frozenset[str] = frozenset()) -> None:
    """Raise StackError that names every port in use, its service and variable.

    Variables in `ours` are passed over: our own running services hold these ports.
    """
    lines = [
        taken(int(instance.env[variable]), variable, service)
        for variable, service in instance.ports.items()
        if variable not in ours and not is_free(int(instance.env[variable]))
    ]
    if lines:
        raise StackError(
            "\n".join(lines), f"set the variable in {instance.env_file} to a free port, or stop what holds it"
        )


def taken(port: int, variable: str, service: str) -> str:
    """A line about a port in use: its holder, its service and the variable that moves it."""
    who = holder(port)
    return f"port {port} of {service} is in use{f' by {who}' if who else ''}: move it with {variable}"
