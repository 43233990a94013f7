"""Secrets as files, for services that take them no other way: Alertmanager, and who must agree with it."""

from __future__ import annotations

import hashlib
import shutil

from stack.envfile import WEBHOOK_TOKEN
from stack.settings import Instance

FILES = {WEBHOOK_TOKEN: "sla_webhook_token"}
"""The file of each variable, below /run/secrets of a container."""


def write(instance: Instance) -> None:
    """Write the secrets of an instance where docker-compose.yml mounts them from.

    Containers read them as other users than their owner, so the files are open to all, behind a directory
    that only their owner may enter.
    """
    directory = instance.secrets
    directory.mkdir(parents=True, exist_ok=True)
    directory.parent.chmod(0o700)
    directory.chmod(0o755)
    values = {name: instance.env[variable] for variable, name in FILES.items()}
    values |= instance.receiver_secrets
    for path in directory.iterdir():
        if path.name not in values:  # of a receiver that was switched off
            path.unlink()
    for name, value in values.items():
        path = directory / name
        if not path.exists() or path.read_text(encoding="utf-8") != value:
            # In place: a container has mounted the directory, and reads the file at each use.
            path.write_text(value, encoding="utf-8")
        path.chmod(0o644)


def digest(instance: Instance) -> str:
    """A hash of the secrets, the same as long as none of them changed."""
    return hashlib.sha256("\0".join(instance.env[variable] for variable in FILES).encode()).hexdigest()[:16]


def remove(instance: Instance) -> None:
    """Remove them; `.env` keeps the values."""
    if instance.secrets.is_dir():
        shutil.rmtree(instance.secrets.resolve())
