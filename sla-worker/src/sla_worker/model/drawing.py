"""What a child process is given to draw, and what came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sla_worker.model.long_report import LongReport

PRINTED: Final = 500
"""So many SLAs at most are in a PDF: more would take too long, and nobody reads them on paper."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The sender's name, logo (a PNG file's content) and colour, as they stand on top of mails too."""

    name: str | None = None
    logo: bytes | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report to be drawn, as a PDF, as charts or both: times in the zone, from this sender."""

    report: LongReport
    zone: str
    sender: str
    pdf: bool = True
    charts: bool = True
    brand: Brand = Brand()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn: the PDF, and charts as PNG by their name. `trouble` says what could not be, and why."""

    pdf: bytes | None = None
    charts: dict[str, bytes] = field(default_factory=dict)
    trouble: str | None = None
