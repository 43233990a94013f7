"""Name, logo and colour of the sender: refused where mail programs could not show them."""

from __future__ import annotations

import re
from pathlib import Path

from sla_worker.errors import SettingsError

_PNG = b"\x89PNG\r\n\x1a\n"
_LOGO_BYTES = 100_000
_LOGO_PIXELS = 2000
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LEAST_CONTRAST = 4.5  # of white text on the colour (WCAG 2, 1.4.3)
_LONGEST_NAME = 60
PLACE = "<!-- sender -->"
"""Where templates/mail/base.html has room for a row on top."""

INK = "#1d2733"
"""Stands behind the sender's name and logo where no colour is given."""


def read_name(name: str, text: str | None) -> str | None:
    """A name that a header and a line of a mail can hold. Raises SettingsError."""
    if text is None:
        return None
    shown = text.strip()
    if not shown.isprintable() or len(shown) > _LONGEST_NAME or any(sign in shown for sign in '<>"\\@'):
        raise SettingsError(
            f"{name}={text if text.isprintable() else ascii(text)}: give up to {_LONGEST_NAME} characters on"
            ' one line, without < > " \\ @'
        )
    return shown


def read_logo(name: str, text: str | None) -> bytes | None:
    """The content of a PNG file: mail programs show no SVG. Raises SettingsError."""
    if text is None:
        return None
    try:
        content = Path(text).read_bytes()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{name}={text}: cannot be read ({error}); give the path of a PNG file"
        ) from error
    if not content.startswith(_PNG) or content[12:16] != b"IHDR":
        raise SettingsError(f"{name}={text}: is no PNG, which all mail programs show; give a PNG file")
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if len(content) > _LOGO_BYTES or not 0 < width <= _LOGO_PIXELS or not 0 < height <= _LOGO_PIXELS:
        raise SettingsError(
            f"{name}={text}: has {len(content):,} bytes and {width} x {height} pixels; give a PNG of at most"
            f" {_LOGO_BYTES:,} bytes and {_LOGO_PIXELS} pixels a side"
        )
    return content


def read_colour(name: str, text: str | None) -> str | None:
    """A colour like #1d2733 on which white text can be read. Raises SettingsError."""
    if text is None:
        return None
    if not _COLOUR.fullmatch(text):
        shown = text if text.isprintable() else ascii(text)
        raise SettingsError(f"{name}={shown}: give a colour like #1d2733")
    contrast = 1.05 / (_luminance(text) + 0.05)
    if contrast < _LEAST_CONTRAST:
        raise SettingsError(
            f"{name}={text}: white text on it has a contrast of {contrast:.1f}, which is hard to read;"
            f" give a darker colour, of at least {_LEAST_CONTRAST}"
        )
    return text.lower()


def logo_size(logo: bytes, height: int) -> tuple[int, int]:
    """Width and height of a logo that is shown so high."""
    width, own = (int.from_bytes(logo[at : at + 4], "big") for at in (16, 20))
    return max(round(width * height / own), 1), height


def _luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]  # noqa: PLR2004
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
