"""Asks a service whether it is healthy: over HTTP, PostgreSQL by the first words of a client."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

from stack.services import POSTGRESQL

_OK = 200
_HELLO = b"\0\3\0\0user\0health\0\0"
_ASKS_FOR_A_PASSWORD = b"R"
# Without proxies: everything asked is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def trouble(url: str, timeout_seconds: float = 3) -> str | None:
    """Return None when `url` answers 200, else what it does instead, in a few words."""
    if url.startswith(POSTGRESQL):
        return _trouble_of_postgresql(url.removeprefix(POSTGRESQL), timeout_seconds)
    try:
        with _OPENER.open(url, timeout=timeout_seconds) as answer:
            return None if answer.status == _OK else f"answers {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(200).decode("utf-8", "replace").strip()
        return f"answers {error.code}{f': {body}' if body else ''}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return (
            "does not answer yet"
            if isinstance(reason, ConnectionRefusedError)
            else f"does not answer ({reason})"
        )


def _trouble_of_postgresql(address: str, timeout_seconds: float) -> str | None:
    """It is there once it asks a client for a password; while it starts it refuses instead."""
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout_seconds) as connection:
            connection.sendall((len(_HELLO) + 4).to_bytes(4) + _HELLO)
            first = connection.recv(1)
    except ConnectionRefusedError:
        return "does not answer yet"
    except OSError as error:
        return f"does not answer ({error})"
    return None if first == _ASKS_FOR_A_PASSWORD else "is not ready for connections yet"
