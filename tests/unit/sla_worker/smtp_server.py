"""A mail server of sockets that misbehaves as told; what a well-behaved one does is in setting.Mailbox."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ports import listening
from waiting import patience


@dataclass(slots=True)
class Script:
    """What the server says. An answer of None: it says nothing more on this connection, and holds it.

    One that begins with 421 ends the connection.
    """

    greeting: str | None = "220 ready"
    drip_seconds: float | None = None  # sends a line of a greeting without an end each so many seconds
    ehlo: str = "250 here"
    auth: str = "235 welcome"
    mail: str = "250 ok"
    recipients: Mapping[str, str] = field(default_factory=dict)  # by address; the others are taken
    data: str = "354 go on"
    taken: str | None = "250 taken"
    quit: str | None = "221 bye"


class ScriptedServer:
    """Keeps the commands of all connections, and the bodies that it took."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.commands: list[str] = []
        self.bodies: list[bytes] = []
        self.stopping = threading.Event()
        self._socket = listening()
        self._socket.settimeout(0.1)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self.stopping.set()
        self._thread.join(patience(10))
        self._socket.close()

    def _accept(self) -> None:
        talks: list[threading.Thread] = []
        while not self.stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            self.connections += 1
            talks.append(threading.Thread(target=self._serve, args=(connection,)))
            talks[-1].start()
        for each in talks:
            each.join(patience(10))

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._talk(connection)
            except OSError:  # the client has ended the connection
                return

    def _talk(self, connection: socket.socket) -> None:
        script = self.script
        if script.drip_seconds is not None:
            while not self.stopping.wait(script.drip_seconds):
                connection.sendall(b"220-please wait\r\n")
            return
        if not self._say(connection, script.greeting):
            return
        with connection.makefile("rb") as lines:
            for line in lines:
                command = line.decode().strip()
                self.commands.append(command)
                verb = command.split(" ")[0].split(":")[0].upper()
                if verb == "DATA":
                    if not self._say(connection, script.data) or not script.data.startswith("3"):
                        continue
                    self.bodies.append(_body(lines))
                    answer = script.taken
                elif verb == "RCPT":
                    address = command.partition("<")[2].rstrip(">")
                    answer = script.recipients.get(address, "250 ok")
                else:
                    answer = {
                        "EHLO": script.ehlo,
                        "AUTH": script.auth,
                        "MAIL": script.mail,
                        "QUIT": script.quit,
                    }.get(verb, "250 ok")
                if not self._say(connection, answer) or verb == "QUIT":
                    return

    def _say(self, connection: socket.socket, line: str | None) -> bool:
        if line is None:
            self.stopping.wait()
            return False
        connection.sendall(line.encode() + b"\r\n")
        return not line.startswith("421")


def _body(lines: Iterator[bytes]) -> bytes:
    body = b""
    for line in lines:
        if line == b".\r\n":
            break
        body += line
    return body


@contextmanager
def mail_server(script: Script | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(script or Script())
    try:
        yield server
    finally:
        server.close()
