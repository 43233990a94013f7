"""What services read from files at their start only, so that a change is known when it must be applied."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stack import checks, secret_files
from stack.settings import Instance

_SECONDS = {"alertmanager-2": "alertmanager", "sla-worker-2": "sla-worker"}
"""With SCALE=1: who reads the same files as another one."""


def of(instance: Instance) -> dict[str, str]:
    """A hash of each service's configuration on disk, the same as long as nothing in it changed."""
    directories = checks.directories(instance)
    definitions = digest(directories["definitions"] / "sla_thresholds.yml")
    if teams := checks.team_files(instance):
        definitions += "".join(f" {path.name} {digest(path)}" for path in teams)
    secret = secret_files.digest(instance)
    found = {
        "prometheus": digest(directories["prometheus"]) + ("" if instance.demo else " without demo"),
        "alertmanager": digest(directories["alertmanager"]),
        "grafana": digest(directories["grafana"]),
        "sla-worker": f"{definitions} {secret}",
    }
    seconds = {name: found[first] for name, first in _SECONDS.items()} if instance.scale else {}
    return found | seconds


def digest(place: Path) -> str:
    """A hash of a file, or of all files below a directory, compiled ones left out."""
    total = hashlib.sha256()
    for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(place)}\0".encode("utf-8", "surrogateescape"))
            total.update(path.read_bytes() + b"\0")
    return total.hexdigest()[:16]
