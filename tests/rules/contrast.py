"""Contrast of the texts in an HTML mail, from its inline colours alone: mails have no style sheet."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

VOID_TAGS = {"meta", "br", "img", "hr", "link", "input", "wbr"}
UNSEEN_TAGS = {"title", "style", "script"}


@dataclasses.dataclass(frozen=True)
class Shown:
    """A text as it is seen: its colour and what lies behind it, as #rrggbb."""

    text: str
    colour: str
    background: str

    @property
    def contrast(self) -> float:
        """The contrast ratio of WCAG 2, from 1 (unreadable) to 21 (black on white)."""
        lighter, darker = sorted((luminance(self.colour), luminance(self.background)), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of #rrggbb by WCAG 2, 0 (black) to 1 (white)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self._open: list[tuple[str, str, str, bool]] = [("", "#000000", "#ffffff", True)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        style = dict(re.findall(r"([a-z-]+):([^;]+)", values.get("style", "")))
        _, colour, background, seen = self._open[-1]
        background = style.get("background-color", values.get("bgcolor", background))
        seen = seen and tag not in UNSEEN_TAGS and style.get("display") != "none"
        if tag not in VOID_TAGS:
            self._open.append((tag, style.get("color", colour), background, seen))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1][0] == tag, f"</{tag}> closes <{self._open[-1][0]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        _, colour, background, seen = self._open[-1]
        if seen and data.strip():
            self.shown.append(Shown(data.strip(), colour, background))


def shown_texts(source: str) -> list[Shown]:
    """Every text that the HTML shows."""
    texts = _Texts()
    texts.feed(source)
    return texts.shown
