"""YAML with Compose's own tag for a list that replaces the one of an earlier file."""

from __future__ import annotations

from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """The safe loader, and what Compose knows beyond it."""


class Override(list[Any]):
    """A list that replaces the one below it."""


def _override(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> Override:
    return Override(loader.construct_sequence(node, deep=True))


Loader.add_constructor("!override", _override)
