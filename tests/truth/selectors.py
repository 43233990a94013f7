"""Selectors of PromQL, as far as SLAs use them: a name and matchers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SELECTOR = re.compile(r"^\s*([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?\s*$", re.DOTALL)
_MATCHER = re.compile(
    r"""\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(?:,|$)"""
)


@dataclass(frozen=True, slots=True)
class Selector:
    """What series it matches; `__name__` is a label like the others."""

    matchers: tuple[tuple[str, str, str], ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """An absent label is the empty text."""
        return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in self.matchers)


def read_selector(text: str) -> Selector:
    """Raises ValueError for what this does not understand."""
    found = _SELECTOR.match(text)
    if not found:
        raise ValueError(f"not a selector: {text!r}")
    matchers = [("__name__", "=", found[1])] if found[1] else []
    return Selector((*matchers, *read_matchers(found[2] or "")))


def read_matchers(text: str) -> tuple[tuple[str, str, str], ...]:
    """What stands between the braces."""
    matchers, at = [], 0
    while at < len(text) and text[at:].strip():
        found = _MATCHER.match(text, at)
        if not found:
            raise ValueError(f"not a matcher: {text[at:]!r}")
        matchers.append((found[1], found[2], re.sub(r"\\(.)", r"\1", found[3][1:-1])))
        at = found.end()
    return tuple(matchers)


def _holds(actual: str, operator: str, value: str) -> bool:
    if operator == "=":
        return actual == value
    if operator == "!=":
        return actual != value
    return (re.fullmatch(value, actual) is not None) == (operator == "=~")
