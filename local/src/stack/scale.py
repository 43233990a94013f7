"""The prometheus.yml of SCALE=1: the user's own, with what prometheus/scale.yml adds to it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stack import checks, rendering
from stack.errors import StackError
from stack.settings import SCALE, Instance

ADDITIONS = "scale.yml"
MOUNT = "/etc/prometheus-scale"
"""Where Prometheus' container sees it; /etc/prometheus stays the user's directory, live."""

_JOBS, _JOB = "scrape_configs", "job_name"
_MADE = "# Made from prometheus.yml and {} by `make up`: change those files.\n"


def additions(instance: Instance) -> Path:
    """What is added: the file beside the configured prometheus.yml, else the bundle's."""
    own = checks.directories(instance)["prometheus"] / ADDITIONS
    return own if own.exists() else instance.root / "prometheus" / ADDITIONS


def other_ledger(former: Mapping[str, str], instance: Instance) -> str | None:
    """What to know when SCALE is not what `.env` had: the ledger is another one then. None: it is not."""
    before, now = former.get(SCALE, "0"), instance.env[SCALE]
    if before == now or instance.env["SLA_DATABASE_URL"]:
        return None
    here, there = ("PostgreSQL", "SQLite") if instance.scale else ("SQLite", "PostgreSQL")
    return (
        f"SCALE={now}: the ledger is the one in {here} from now on. What the one in {there} has measured,"
        f" frozen and mailed stays there (docs/operations.md moves a ledger)"
    )


def write(instance: Instance) -> None:
    """Put the file together for Compose to mount."""
    source = checks.directories(instance)["prometheus"] / "prometheus.yml"
    tree = with_additions(_tree(source), _tree(additions(instance)))
    directory = instance.scale_config
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    _write(directory / "prometheus.yml", _from_elsewhere(tree, "/etc/prometheus"))
    (directory / "prometheus.yml").chmod(0o644)


def remove(instance: Instance) -> None:
    """Remove it; `make up` puts it together again."""
    if instance.scale_config.is_dir():
        shutil.rmtree(instance.scale_config)


def add_to(file: Path, instance: Instance, places: rendering.Places) -> None:
    """Add to a rendered prometheus.yml what `places` makes local."""
    more = rendering.walk(_tree(additions(instance)), places)
    _write(file, with_additions(_tree(file), more))


def with_additions(tree: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Both: lists appended, a scrape job of the same name with the keys of `more` in place of its own."""
    out = dict(tree)
    for key, value in more.items():
        old = out.get(key)
        if key == _JOBS:
            out[key] = _jobs(old or [], value)
        elif isinstance(value, dict) and isinstance(old, dict):
            out[key] = with_additions(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            out[key] = [*old, *value]
        else:
            out[key] = value
    return out


def _jobs(old: list[dict[str, Any]], more: list[dict[str, Any]]) -> list[dict[str, Any]]:
    added = {job[_JOB]: job for job in more}
    known = {job.get(_JOB) for job in old}
    return [
        *(job | added.get(job.get(_JOB), {}) for job in old),
        *(job for name, job in added.items() if name not in known),
    ]


def _from_elsewhere(node: Any, directory: str, key: str = "") -> Any:  # a YAML tree
    """The tree with its relative paths made absolute: Prometheus reads them from where its file lies."""
    if isinstance(node, dict):
        return {name: _from_elsewhere(value, directory, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_from_elsewhere(value, directory, key) for value in node]
    is_path = key in ("rule_files", "scrape_config_files", "files") or key.endswith("_file")
    return f"{directory}/{node}" if is_path and isinstance(node, str) and not node.startswith("/") else node


def _tree(path: Path) -> dict[str, Any]:
    tree = yaml.safe_load(path.read_bytes()) or {}
    if not isinstance(tree, dict):
        raise StackError(f"{path}: not a mapping", "write it like the shipped file: key: value")
    return tree


def _write(path: Path, tree: dict[str, Any]) -> None:
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10_000)
    rendering.write_changed(path, f"{_MADE.format(ADDITIONS)}{text}".encode())
