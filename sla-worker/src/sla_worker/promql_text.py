"""The text of an expression of PromQL as people write it: strings, comments and brackets, without a grammar.

An expression is put inside another one, and read where no parser is at hand. So it must close what it opens,
and nothing of it may hide what follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)
    |(?P<comment>\#[^\n]*)
    |(?P<space>\s+)
    |(?P<slot>\$slot\b)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
OPEN = "it is cut off: a bracket or quote is open"
FOLDED = (
    "it has a # comment in lines that YAML folds into one, where it hides the rest; write `|` after the key,"
    " and the lines below it"
)


def refuse_folded(text: str) -> None:
    """Raise ValueError for a text whose lines were folded into one, if a # hides the rest of it."""
    if "#" in text and any(kind == "comment" for kind, _ in _tokens(text)):
        raise ValueError(FOLDED)


def in_one_line(text: str, *, lines: bool) -> str:
    """The expression without comments and line breaks; what stands in strings stays as it is.

    `lines`: its lines are those that were written. Raises ValueError for what is not closed, or hidden.
    """
    if not lines:
        refuse_folded(text)
    made, opened = [], []
    for kind, token in _tokens(text):
        if kind in {"comment", "space"}:
            made.append(" ")
            continue
        if kind == "string":
            made.append(_in_double_quotes(token) if token[0] == "`" else token)
            continue
        if token in _CLOSES.values():
            opened.append(token)
        elif token in _CLOSES and (not opened or opened.pop() != _CLOSES[token]):
            raise ValueError(f"it closes a {token} that is not open; leave that out")
        made.append(token)
    if opened:
        raise ValueError(OPEN)
    found = "".join(_single_spaces(made)).strip()
    if not found:
        raise ValueError("it is only a comment; give PromQL, like sum(sessions_active)")
    return found


def with_slot(text: str, slot_seconds: int) -> str:
    """With the length of a slot in the place of `$slot`, which in a string is a word like others."""
    return "".join(f"{slot_seconds}s" if kind == "slot" else token for kind, token in _tokens(text))


def quoted(text: str) -> str:
    """A text as a string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Its parts, one by one. Raises ValueError for a quote that is not closed."""
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup or "", match.group()
        if kind == "other" and token in {'"', "'", "`"}:
            raise ValueError(OPEN)
        yield kind, token


def _in_double_quotes(raw: str) -> str:
    return quoted(raw[1:-1])


def _single_spaces(parts: list[str]) -> Iterator[str]:
    before = ""
    for each in parts:
        part = " " if each.isspace() else each
        if not (part == " " and before == " "):
            yield part
        before = part
