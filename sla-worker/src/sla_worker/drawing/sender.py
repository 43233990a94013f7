"""The sender's name, logo and colour on top of a PDF, as on top of the mails."""

from __future__ import annotations

import io

from PIL import Image

from sla_worker.brand import INK, logo_size
from sla_worker.drawing.letters import lines_of
from sla_worker.drawing.paper import MARGIN, MM, ROOM, WHITE, WIDE, Paper
from sla_worker.model import Brand

_HIGH, _LOGO = 14.0, 8.0
_SIZE = 11.0


def sender_row(paper: Paper, brand: Brand) -> float:
    """Draw it from edge to edge; returns how high it is, 0 where nothing is known of the sender."""
    logo = None if brand.logo is None else _opened(brand.logo)
    if brand.name is None and logo is None:
        return 0.0
    paper.box(0, 0, WIDE, _HIGH, brand.colour or INK)
    x = MARGIN
    if logo is not None and brand.logo is not None:
        wide, high = logo_size(brand.logo, 100)
        wide_mm = min(_LOGO * wide / high, ROOM / 2)
        high_mm = wide_mm * high / wide
        paper.pdf.image(logo, x, (_HIGH - high_mm) / 2, wide_mm, high_mm)
        x += wide_mm + 3
    if brand.name is not None:
        name = lines_of(brand.name, _SIZE * MM, WIDE - MARGIN - x, most=1)[0]
        paper.text(x, _HIGH / 2 + _SIZE * MM * 0.35, name, _SIZE, WHITE, bold=True)
    return _HIGH


def _opened(logo: bytes) -> Image.Image | None:
    """None for a file that is broken after its head: a report without a logo is better than none."""
    try:
        image = Image.open(io.BytesIO(logo))
        image.load()
    except (OSError, SyntaxError, ValueError):
        return None
    return image
