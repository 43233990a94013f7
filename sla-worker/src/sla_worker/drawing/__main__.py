"""`python -m sla_worker.drawing`: reads a Sheet from standard input, writes what is Drawn, and ends."""

from __future__ import annotations

import contextlib
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from sla_worker.drawing import charts
from sla_worker.drawing.letters import readable
from sla_worker.model import Drawn, LongReport, Sheet

_LIFE_SECONDS = 120  # also where nobody waits any more


def main() -> int:
    """Draw one sheet. What cannot be drawn is told; the rest is drawn all the same."""
    signal.alarm(_LIFE_SECONDS)
    with contextlib.suppress(OSError):  # where memory is short the worker is to live
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    sheet: Sheet = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Sheet)
    sys.stdout.buffer.write(msgspec.msgpack.encode(drawn(sheet)))
    return 0


def drawn(sheet: Sheet) -> Drawn:
    """The PDF and the charts of a sheet, as far as they can be drawn."""
    made, zone = Drawn(), ZoneInfo(sheet.zone)
    report = readable(sheet.report)
    troubles: list[str] = []

    def tried(what: str, make: Callable[[], Drawn]) -> Drawn:
        try:
            return make()
        except Exception as error:  # noqa: BLE001 - one drawing fails without the other
            traceback.print_exc()
            troubles.append(f"{what}: {type(error).__name__}: {error}")
            return made

    if sheet.charts:
        made = tried("charts", lambda: replace(made, charts=charts.pictures(report, zone)))
    if sheet.pdf:
        made = tried("PDF", lambda: replace(made, pdf=_pdf(report, zone, sheet)))
    return replace(made, trouble="; ".join(troubles) or None)


def _pdf(report: LongReport, zone: ZoneInfo, sheet: Sheet) -> bytes:
    from sla_worker.drawing.document import pdf_of  # noqa: PLC0415 - charts alone take a third of the time

    return pdf_of(report, zone, sheet.sender, sheet.brand)


if __name__ == "__main__":
    sys.exit(main())
