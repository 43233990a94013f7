"""The letters that the fonts of this package have, and what stands for those that they lack.

They have Latin, Greek and Cyrillic, arrows and signs: scripts that are written from left to right, letter by
letter. Each other letter becomes a box, and behind such a name stands the key of the SLA. What is never
seen (line ends, marks of direction) is left out.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont

from sla_worker.model import Breach, LongReport, SLAStatus

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = FONTS / "Inter-Regular.ttf", FONTS / "Inter-SemiBold.ttf"
BOX = "□"
ELLIPSIS = "…"
_UNSEEN = {"Cf", "Mn", "Me"}


@cache
def _widths(font: Path) -> dict[str, float]:
    """The width of every letter of a font at size 1."""
    with TTFont(font, lazy=True) as opened:
        size, metrics = opened["head"].unitsPerEm, opened["hmtx"].metrics
        return {chr(code): metrics[glyph][0] / size for code, glyph in opened.getBestCmap().items()}


def width(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text is, in the unit of the size."""
    widths = _widths(BOLD if bold else REGULAR)
    return sum(widths.get(each, 1.0) for each in text) * size


def shown(text: str) -> str:
    """The text with a box for each letter that the fonts lack."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(" +", " ", "".join(map(_letter, unicodedata.normalize("NFC", text)))).strip(" ")


def _letter(letter: str) -> str:
    if (letter in _widths(REGULAR) and letter.isprintable()) or letter == "\N{NO-BREAK SPACE}":
        return letter
    if letter.isspace() or unicodedata.category(letter) == "Cc":
        return " "
    return "" if unicodedata.category(letter) in _UNSEEN else BOX


def readable(report: LongReport) -> LongReport:
    """The report with names that can be told apart: behind one that lacks letters stands what it is.

    Of an SLA its key, of a component the code points of the letters. The others are as they were: what is
    drawn goes through `shown` anyway.
    """
    made: LongReport = _readable(report)
    # No two components may become one: their figures would be confused.
    return made if len(_places(made)) == len(_places(report)) else report


def _places(report: LongReport) -> set[tuple[str, str]]:
    statuses = {(each.key, each.component) for each in (*report.whole.statuses, *report.before.statuses)}
    return statuses | {(each.breach.key, each.breach.component) for each in report.incidents}


def _readable(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_readable(each) for each in value)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    if isinstance(value, SLAStatus | Breach):
        return dataclasses.replace(
            value, name=_named(value.name, value.key), component=_named(value.component)
        )
    fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    changes = {name: _readable(each) for name, each in fields.items()}
    return dataclasses.replace(
        value, **{name: each for name, each in changes.items() if each is not fields[name]}
    )


def _named(name: str, key: str | None = None) -> str:
    """A name that lacks letters with its key behind it, or else with their code points."""
    if BOX not in shown(name):
        return name
    points = [f"U+{ord(each):04X}" for each in name if not each.isascii()]
    return f"{name} [{key or ' '.join(points)}]"


def lines_of(text: str, size: float, room: float, *, bold: bool = False, most: int = 0) -> list[str]:
    """The text in lines no wider than `room`: broken between words, and within one that is wider itself.

    `most` lines at most, the last with an ellipsis where something is left out; 0: as many as it takes.
    """
    found: list[str] = []
    line = ""
    for word in shown(text).split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer, size, bold=bold) <= room:
            line = longer
            continue
        if line:
            found.append(line)
        *full, line = _pieces(word, size, room, bold=bold)
        found += full
    found.append(line)
    if most and len(found) > most:
        return [*found[: most - 1], cut(" ".join(found[most - 1 :]), size, room, bold=bold)]
    return found


def _pieces(word: str, size: float, room: float, *, bold: bool) -> list[str]:
    """A word in pieces that fit."""
    pieces, piece = [], ""
    for letter in word:
        if piece and width(piece + letter, size, bold=bold) > room:
            pieces.append(piece)
            piece = ""
        piece += letter
    return [*pieces, piece]


def cut(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The text, or its beginning with an ellipsis where it is wider than `room`."""
    text = shown(text)
    if width(text, size, bold=bold) <= room:
        return text
    while text and width(text + ELLIPSIS, size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS
