"""The mutants of a selector's name and of its matchers."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mutation.tree import Matcher, Selector

OTHER = "changed"
"""A value that occurs in no rule and no case."""

OPPOSITES = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_OPTIONAL = re.compile(r"\([^()]*\)\?")


def changed(selector: Selector) -> Iterator[tuple[str, Selector]]:
    """What was changed, and the selector after it: the name, each matcher turned, changed and dropped."""
    if selector.name:
        name = f"{selector.name}_{OTHER}"
        yield f"{selector.name} -> {name}", dataclasses.replace(selector, name=name)
    for number, matcher in enumerate(selector.matchers):
        before, after = selector.matchers[:number], selector.matchers[number + 1 :]
        for other in _others(matcher):
            says = f"{selector.series} -> {other}"
            yield says, dataclasses.replace(selector, matchers=(*before, other, *after))
        dropped = dataclasses.replace(selector, matchers=before + after)
        yield f"{selector.series} -> without {matcher}", dropped


def _others(matcher: Matcher) -> Iterator[Matcher]:
    yield dataclasses.replace(matcher, operator=OPPOSITES[matcher.operator])
    values = [OTHER]
    if matcher.operator in ("=~", "!~"):
        values += _weakened(matcher.value)
    for value in values:
        yield dataclasses.replace(matcher, value=value)


def _weakened(pattern: str) -> list[str]:
    """A pattern of alternatives with each left out, and with each optional group left out."""
    alternatives = pattern.split("|") if "(" not in pattern else [pattern]
    fewer = ["|".join(alternatives[:i] + alternatives[i + 1 :]) for i in range(len(alternatives))]
    without = [pattern[: match.start()] + pattern[match.end() :] for match in _OPTIONAL.finditer(pattern)]
    return ([] if len(alternatives) == 1 else fewer) + without
