"""Turns the configuration of the containers into that of processes on this machine: addresses and paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_YAML = {".yml", ".yaml"}
_LIVE = "targets"
_HOST_GATEWAY = "host.docker.internal"
_RECEIVERS_SINCE = {"msteamsv2_configs": (0, 28, 0)}
"""Kinds of receivers that older versions of Alertmanager refuse."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are outside of containers.

    `addresses` maps `service:containerport` to `127.0.0.1:hostport`, `paths` a container's directories to
    local ones.
    """

    addresses: Mapping[str, str]
    paths: Mapping[str, str]

    def apply(self, text: str) -> str:
        """Replace every known address and every known absolute path in a string."""
        if self.addresses:
            # Longest first: one with a path before the same one without.
            known = "|".join(map(re.escape, sorted(self.addresses, key=len, reverse=True)))
            text = re.sub(rf"(?<![\w.-])(?:{known})(?!\d)", lambda match: self.addresses[match[0]], text)
        text = text.replace(_HOST_GATEWAY, "127.0.0.1")
        if self.paths:
            # Longest first, so that /var/lib/grafana does not take a part of /var/lib/grafana-dashboards.
            known = "|".join(map(re.escape, sorted(self.paths, key=len, reverse=True)))
            text = re.sub(rf"(?<![\w./-])(?:{known})(?![\w-])", lambda match: self.paths[match[0]], text)
        return text


def render_tree(
    source: Path,
    target: Path,
    places: Places,
    *,
    keep_lines: bool = False,
    leave: frozenset[str] = frozenset(),
) -> None:
    """Make `target` a copy of `source` whose YAML strings are local; all other files are copied as they are.

    The directory `targets` is linked instead, so that a file dropped into it is seen at once; directories in
    `leave` are left out. With `keep_lines` each line stays where it is, so that what a tool says of the copy
    is true of the source.

    A file that would not change is not touched, one that is gone from `source` is removed, so that a server
    that watches `target` sees real changes only.
    """
    target.mkdir(parents=True, exist_ok=True)
    wanted = {Path(_LIVE)} if _link(source / _LIVE, target / _LIVE) else set()
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if (
            path.is_dir()
            or relative.parts[0] == _LIVE
            or relative.parts[0] in leave
            or any(part.startswith(".") for part in relative.parts)
        ):
            continue
        wanted.add(relative)
        write_changed(target / relative, _rendered(path, places, keep_lines=keep_lines))
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(target) not in wanted:
            path.unlink()


def _link(source: Path, target: Path) -> bool:
    if not source.is_dir():
        return False
    if not target.is_symlink() or target.readlink() != source:
        target.unlink(missing_ok=True)
        target.symlink_to(source)
    return True


def _rendered(path: Path, places: Places, *, keep_lines: bool) -> bytes:
    raw = path.read_bytes()
    if path.suffix not in _YAML:
        return raw
    if keep_lines:
        return places.apply(raw.decode("utf-8")).encode()
    documents = [walk(document, places) for document in yaml.safe_load_all(raw)]
    text = yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=10_000)
    return f"# Made from {path} by `make up`: change that file.\n{text}".encode()


def walk(node: Any, places: Places) -> Any:  # a YAML tree
    """The tree with every string made local."""
    if isinstance(node, dict):
        return {key: walk(value, places) for key, value in node.items()}
    if isinstance(node, list):
        return [walk(value, places) for value in node]
    return places.apply(node) if isinstance(node, str) else node


def write_changed(path: Path, content: bytes) -> None:
    """Write a file at once and whole, and only if it changes: a server that watches it sees real changes."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def fit_prometheus(
    config: Path, absent: frozenset[str], *, retention_as_flags: bool, without_fallback: bool = False
) -> list[str]:
    """Fit a rendered prometheus.yml to what is there; return flags in place of what was taken out.

    `absent` holds addresses of services that cannot be had here: scraped, they would count as down for ever.
    With `retention_as_flags` (Prometheus before 3.11 refuses it in the file) `storage.tsdb.retention` becomes
    flags. `without_fallback` leaves `fallback_scrape_protocol` out, which 2.x does not know: it reads a
    target without a Content-Type as text anyway.
    """
    tree = yaml.safe_load(config.read_bytes())
    jobs = [_without(job, absent) for job in tree.get("scrape_configs") or []]
    tree["scrape_configs"] = [job for job in jobs if job]
    if without_fallback:
        for job in tree["scrape_configs"]:
            job.pop("fallback_scrape_protocol", None)
    flags = []
    if retention_as_flags:
        tsdb = (tree.get("storage") or {}).get("tsdb") or {}
        retention = tsdb.pop("retention", None) or {}
        flags = [f"--storage.tsdb.retention.{key}={value}" for key, value in retention.items()]
        if not tsdb:
            tree.pop("storage", None)
    write_changed(config, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10_000).encode())
    return flags


def fit_alertmanager(config: Path, version: tuple[int, int, int]) -> list[str]:
    """Take the receivers that a version does not know out of alertmanager.yml; return their names."""
    tree = yaml.safe_load(config.read_bytes())
    unknown = [
        each["name"]
        for each in tree.get("receivers") or []
        if any(version < since for kind, since in _RECEIVERS_SINCE.items() if kind in each)
    ]
    if unknown:
        tree["receivers"] = [each for each in tree["receivers"] if each["name"] not in unknown]
        routes = tree["route"].get("routes") or []
        tree["route"]["routes"] = [each for each in routes if each.get("receiver") not in unknown]
        write_changed(
            config, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10_000).encode()
        )
    return unknown


def _without(job: dict[str, Any], absent: frozenset[str]) -> dict[str, Any] | None:
    """The scrape job without absent targets; None when it has no others."""
    groups = job.get("static_configs")
    if not groups or not any(target in absent for group in groups for target in group["targets"]):
        return job
    left = [
        group | {"targets": [target for target in group["targets"] if target not in absent]}
        for group in groups
    ]
    left = [group for group in left if group["targets"]]
    return job | {"static_configs": left} if left else None
