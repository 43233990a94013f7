"""Ends processes of an instance whose supervisord is gone: killed, or out of memory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

MARK = "STACK_INSTANCE"
_PATIENCE_SECONDS = 20.0


def processes(directory: Path) -> dict[int, str]:
    """The processes that carry the mark of the instance in `directory`: pid to the name of its pid file.

    Each service writes its pid beside its name; a pid counts only if that process still is what was started.
    """
    found = {}
    for file in sorted((directory / "pids").glob("*.pid")):
        try:
            pid = int(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if _is_ours(pid, directory):
            found[pid] = file.stem
    return found


def _is_ours(pid: int, directory: Path) -> bool:
    proc = Path("/proc") / str(pid)
    mark = f"{MARK}={directory}"
    if Path("/proc/self/environ").exists():
        try:
            return mark.encode() in (proc / "environ").read_bytes().split(b"\0") and not _is_zombie(proc)
        except OSError:
            return False
    shown = subprocess.run(  # noqa: S603  # a fixed command and a number
        ["ps", "-E", "-o", "command=", "-p", str(pid)],  # noqa: S607  # wherever the system has it
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    return mark in shown


def _is_zombie(proc: Path) -> bool:
    return (proc / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def end(directory: Path) -> list[str]:
    """End what is left, gently first; return the names of the services that were."""
    left = processes(directory)
    for pid in left:
        _signal(pid, signal.SIGTERM)
    names = sorted(set(left.values()))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (left := processes(directory)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    while processes(directory) and time.monotonic() < deadline + _PATIENCE_SECONDS:
        time.sleep(0.1)
    return names


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
