"""YAML with the lines where things are, for messages that name them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml


def documents(path: Path) -> Iterator[yaml.Node]:
    """The documents of a file that parses, as nodes."""
    with path.open(encoding="utf-8-sig") as file:
        yield from (node for node in yaml.compose_all(file, Loader=yaml.SafeLoader) if node is not None)


def line(node: yaml.Node) -> int:
    """The line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def entries(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    """The keys and values of a mapping; none of anything else."""
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def items(node: yaml.Node | None) -> list[yaml.Node]:
    """The items of a sequence; none of anything else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def value(node: yaml.Node | None, *keys: str) -> yaml.Node | None:
    """The value below nested keys of mappings; None when one of them is not there."""
    for key in keys:
        node = next((found for name, found in entries(node) if name.value == key), None)
    return node


def text(node: yaml.Node | None) -> str | None:
    """The text of a scalar; None for anything else."""
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None
