"""What Docker says of containers and what they wrote, read for people."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from stack.console import State

_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def plain_line(line: str) -> str:
    """A line without the codes that colour it or move a terminal's cursor."""
    return _CONTROL.sub("", line)


def readable_lines(log: str) -> list[str]:
    """The lines of a container's log, each once and without the codes that move a terminal's cursor.

    Compose writes such codes for a container that starts again and again, and each start says the same.
    """
    return list(dict.fromkeys(plain_line(line) for line in log.splitlines()))


def parse_ps(text: str) -> dict[str, dict[str, Any]]:
    """Containers by service, from `docker compose ps --format json`: a list, or later a line each."""
    found: Sequence[dict[str, Any]]
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return {container["Service"]: container for container in found}


def state_of(container: dict[str, Any] | None) -> State:
    """How far a container is (None: there is none)."""
    if container is None:
        return State(healthy=False, words="has no container")
    state, health = container["State"], container.get("Health") or ""
    if state == "running":
        return State(healthy=health == "healthy", words=health or "runs", failed=health == "unhealthy")
    return State(
        healthy=False,
        words=f"{state}: {container.get('Status', '')}".strip(": "),
        failed=state in ("restarting", "dead", "exited"),
    )
