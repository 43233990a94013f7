"""The files of a configuration: rules, prometheus.yml, alertmanager.yml, compressed and written elsewhere."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from compression.durations import divided_text
from compression.errors import CompressionError
from compression.expressions import divided_expression

FAST = "1s"
"""Scrapes, evaluations and routing waits: they need real time, so they are set, not divided."""

RULE_DURATIONS = ("for", "keep_firing_for")
GROUP_DURATIONS = ("interval", "query_offset")
SET_INTERVALS = ("scrape_interval", "scrape_timeout", "evaluation_interval")
SET_WAITS = ("group_wait", "group_interval")

Tree = dict[str, Any]


def compress_prometheus(source: Path, target: Path, factor: int) -> None:
    """Write the directory of prometheus.yml to `target`: its rule files compressed, all else copied.

    Raises CompressionError naming the file, and the alert or record, that cannot be compressed.
    """
    config = source / "prometheus.yml"
    tree = _read(config)
    rules = set(_rule_files(source, tree))
    _copy(source, target, leave=rules | {config})
    _write(target / "prometheus.yml", _in_file(config, functools.partial(prometheus_tree, tree, factor)))
    for path in sorted(rules):
        _write(
            target / path.relative_to(source),
            _in_file(path, functools.partial(rules_tree, _read(path), factor)),
        )


def compress_alertmanager(source: Path, target: Path, factor: int) -> None:
    """Write the directory of alertmanager.yml to `target`: its waits compressed, all else copied.

    Without secrets/: a test must page nobody.
    """
    config = source / "alertmanager.yml"
    tree = _read(config)
    _copy(source, target, leave={config, source / "secrets"})
    _write(target / "alertmanager.yml", _in_file(config, functools.partial(alertmanager_tree, tree, factor)))


def prometheus_tree(tree: Tree, factor: int) -> Tree:
    """A prometheus.yml that scrapes and evaluates every second; discovery is divided, retention stays."""

    def change(key: str, value: Any) -> Any:  # a value of a YAML tree
        if key in SET_INTERVALS:
            return FAST
        return divided_text(value, factor) if key == "refresh_interval" else value

    return {key: change(key, _changed(value, change)) for key, value in tree.items()}


def rules_tree(tree: Tree, factor: int) -> Tree:
    """A rule file with every duration ÷ `factor`."""
    return tree | {"groups": [_group(group, factor) for group in tree.get("groups") or []]}


def alertmanager_tree(tree: Tree, factor: int) -> Tree:
    """An alertmanager.yml that waits a second where it waits at all; repetition and resolving are divided."""

    def change(key: str, value: Any) -> Any:  # a value of a YAML tree
        if key in SET_WAITS:
            return value if value == "0s" else FAST
        return divided_text(value, factor) if key in ("repeat_interval", "resolve_timeout") else value

    return {key: change(key, _changed(value, change)) for key, value in tree.items()}


def _group(group: Tree, factor: int) -> Tree:
    changed = group | {key: divided_text(str(group[key]), factor) for key in GROUP_DURATIONS if key in group}
    return changed | {"rules": [_rule(rule, factor) for rule in group.get("rules") or []]}


def _rule(rule: Tree, factor: int) -> Tree:
    name = rule.get("alert") or rule.get("record")
    try:
        changed = rule | {key: divided_text(str(rule[key]), factor) for key in RULE_DURATIONS if key in rule}
        return changed | {"expr": divided_expression(str(rule["expr"]), factor)}
    except CompressionError as error:
        raise CompressionError(f"{name}: {error}") from error


def _changed(node: Any, change: Callable[[str, Any], Any]) -> Any:  # a YAML tree
    if isinstance(node, dict):
        return {key: change(key, _changed(value, change)) for key, value in node.items()}
    if isinstance(node, list):
        return [_changed(each, change) for each in node]
    return node


def _rule_files(source: Path, tree: Tree) -> Iterator[Path]:
    for pattern in tree.get("rule_files") or []:
        yield from source.glob(pattern)


def _copy(source: Path, target: Path, *, leave: set[Path]) -> None:
    """Copy the files of a directory to an empty one, so that nothing of an earlier copy remains."""
    if target.resolve() == source.resolve() or target.resolve() in source.resolve().parents:
        raise CompressionError(f"the copy would replace its source {source}: give another directory")
    if not source.is_dir():
        raise CompressionError(f"not a directory: {source}; give the one that holds the configuration")
    shutil.rmtree(target, ignore_errors=True)

    def left(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(directory, name) in leave]

    shutil.copytree(source, target, ignore=left)


def _read(path: Path) -> Tree:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CompressionError(f"{path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise CompressionError(f"invalid YAML in {path}: {error}") from error
    if not isinstance(tree, dict):
        raise CompressionError(f"{path} holds no mapping at its top")
    return tree


class _Plain(yaml.SafeDumper):
    """Writes what is shared in the source out in full, without anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _write(path: Path, tree: Tree) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        yaml.dump(tree, Dumper=_Plain, sort_keys=False, width=1000, allow_unicode=True), encoding="utf-8"
    )


def _in_file(path: Path, make: Callable[[], Tree]) -> Tree:
    try:
        return make()
    except CompressionError as error:
        raise CompressionError(f"{path}: {error}") from error
