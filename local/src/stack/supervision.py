"""supervisord: its configuration, its start, and its interface over a unix socket."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import stat
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from stack.errors import StackError
from stack.leftovers import MARK

_SOCKET_LIMIT = 95  # the system takes 107 bytes; supervisord first binds a name longer by its pid
_INTERFACE = "supervisor.rpcinterface:make_main_rpcinterface"
_START_SECONDS = 20.0
_LAUNCH = Path(__file__).with_name("launch.py")
# Variables of supervisord's environment, which the services' own does not hold.
_PYTHON = "STACK_PYTHON"
_LAUNCHER = "STACK_LAUNCHER"
SOCKET = "supervisor.sock"
_STOP_SIGNALS = {"postgres": "INT"}
"""Of services that on TERM would wait until all their clients have gone."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to supervise. `revision` changes with its code; `directory` None: that of the instance."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    revision: str = ""
    directory: Path | None = None

    def specification(self, directory: Path) -> str:
        """What launch.py reads, as JSON."""
        return json.dumps(
            {
                "argv": self.argv,
                "environment": dict(self.environment) | {MARK: str(directory)},
                "directory": str(self.directory or directory),
                "revision": self.revision,
            },
            indent=1,
        )


def socket_path(directory: Path) -> Path:
    """Where the socket of an instance is: in its directory, or, if that is too long, in one of the user's."""
    if not _is_elsewhere(directory):
        return directory / SOCKET
    short = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"stack-{os.getuid()}" / short


def _is_elsewhere(directory: Path) -> bool:
    return len(os.fsencode(directory / SOCKET)) > _SOCKET_LIMIT


def _private(directory: Path) -> None:
    """Make a directory that only this user may enter; raise StackError if another user made it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
        raise StackError(f"{directory} belongs to another user", f"remove it: sudo rm -r {directory}")
    directory.chmod(0o700)


def configuration(directory: Path, names: Sequence[str]) -> str:
    """The text of supervisord.conf for the services `names`.

    supervisord gives `%` a meaning (in some values twice), and quotes, spaces and `;` too. So no path of the
    instance is written here: they are relative to its directory, where supervisord starts, or in variables.
    """
    socket = str(socket_path(directory)) if _is_elsewhere(directory) else SOCKET
    sections = [
        f"[unix_http_server]\nfile = {socket.replace('%', '%%')}\nchmod = 0700",
        f"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = {_INTERFACE}",
        "\n".join([
            "[supervisord]",
            "logfile = logs/supervisord.log",
            "logfile_maxbytes = 5MB",
            "logfile_backups = 2",
            "pidfile = supervisord.pid",
            "childlogdir = logs",
            "umask = 022",
            *(["user = root"] if os.getuid() == 0 else []),
        ]),
    ]  # fmt: skip  # a line of the file a line here
    for index, name in enumerate(names):
        # They stop one by one, the last first (of one priority by name): who sends before who takes it.
        # A process that dies is started again at once if it ran for 5 s, else after 1 s, 2 s, 3 s … each
        # time.
        command = f'exec "${_PYTHON}" -I "${_LAUNCHER}" services/{name}.json pids/{name}.pid'
        sections.append("\n".join([
            f"[program:{name}]",
            f"command = /bin/sh -c '{command}'",
            f"priority = {100 + index}",
            "autorestart = true",
            "startsecs = 5",
            "startretries = 1000",
            f"stopsignal = {_STOP_SIGNALS.get(name, 'TERM')}",
            "stopwaitsecs = 30",
            "stopasgroup = false",
            "killasgroup = true",
            "redirect_stderr = true",
            f"stdout_logfile = logs/{name}.log",
            "stdout_logfile_maxbytes = 10MB",
            "stdout_logfile_backups = 3",
        ]))  # fmt: skip  # a line of the file a line here
    return "\n\n".join(sections) + "\n"


class Supervisor:
    """The running supervisord of one instance, asked over its socket."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = socket_path(directory)

    def _call(self, method: str, *arguments: Any) -> Any:  # XML-RPC has no types
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise StackError(f"supervisord does not answer on {self._socket}: {error}", "make up") from error
        finally:
            transport.close()

    def is_running(self) -> bool:
        """Whether supervisord answers."""
        try:
            self._call("getState")
        except StackError:
            return False
        return True

    def pid(self) -> int:
        """supervisord's own process id."""
        return int(self._call("getPID"))

    def processes(self) -> dict[str, dict[str, Any]]:
        """What supervisord says of each service: `statename`, `pid`, `spawnerr`, `description`, `start`, …"""
        return {process["name"]: process for process in self._call("getAllProcessInfo")}

    def start(self, names: Sequence[str]) -> None:
        """Write the configuration for `names` and start supervisord with it, all services at once."""
        _private(self._socket.parent)
        file = self._directory / "supervisord.conf"
        file.write_text(configuration(self._directory, names), encoding="utf-8")
        done = subprocess.run(  # noqa: S603  # our own interpreter and our own file
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self._directory,
            env=os.environ | {_PYTHON: sys.executable, _LAUNCHER: str(_LAUNCH)},
        )
        deadline = time.monotonic() + _START_SECONDS
        while done.returncode == 0 and time.monotonic() < deadline:
            if self.is_running():
                return
            time.sleep(0.05)
        words = (done.stderr or done.stdout).strip()[-600:]
        raise StackError(
            f"supervisord did not start: {words or 'it said nothing'}",
            f"look at {self._directory}/logs/supervisord.log",
        )

    def restart(self, name: str) -> None:
        """Stop one service, if it runs, and start it from its specification; does not wait for its health."""
        self.stop(name)
        self._quietly("startProcess", name, False)  # noqa: FBT003  # XML-RPC knows positions only

    def stop(self, name: str) -> None:
        """Stop one service and wait until it is gone."""
        self._quietly("stopProcess", name)

    def _quietly(self, method: str, *arguments: Any) -> None:  # XML-RPC has no types
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as fault:
            # It is there, or gone, already: that is what was asked for.
            if not fault.faultString.startswith(("NOT_RUNNING", "ALREADY_STARTED")):
                raise StackError(
                    f"supervisord refused {method} {arguments[0]}: {fault.faultString}"
                ) from fault

    def reload(self, name: str) -> None:
        """Send one service SIGHUP, on which it reads its configuration again."""
        self._quietly("signalProcess", name, "HUP")

    def shutdown(self, patience_seconds: float = 60) -> None:
        """Stop all services, then supervisord, and wait until it is gone."""
        pid = self.pid()
        self._call("shutdown")
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
        raise StackError(
            f"supervisord (pid {pid}) did not end within {patience_seconds:.0f} s", f"kill {pid}"
        )
