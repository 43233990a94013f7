"""A worker that speaks TLS with nobody does without OpenSSL: 5 MB of memory."""

from __future__ import annotations

import sys
from types import ModuleType


class _Unusable(ModuleType):
    """Has every name that a signature may mention, and nothing that works."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def forgo() -> None:
    """From now on OpenSSL is not imported; what Python has of its own makes the checksums.

    `requests`, `urllib3` and `smtplib` are written for a Python without it. `prometheus_client` is not, but
    needs it for nothing that the worker has, so it is imported here. Call it before anything else imports
    OpenSSL: where it is loaded already, it stays.
    """
    if "ssl" in sys.modules:
        return
    sys.modules["_hashlib"] = None  # type: ignore[assignment]  # importing it fails
    sys.modules["ssl"] = _Unusable("ssl")
    try:
        import prometheus_client  # noqa: F401, PLC0415 - before the name is taken away
    finally:
        sys.modules["ssl"] = None  # type: ignore[assignment]
