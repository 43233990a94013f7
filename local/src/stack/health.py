"""Asks a service over HTTP whether it is healthy."""

from __future__ import annotations

import urllib.error
import urllib.request

_OK = 200
# Without proxies: everything asked is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def trouble(url: str, timeout_seconds: float = 3) -> str | None:
    """Return None when `url` answers 200, else what it does instead, in a few words."""
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
