"""`python -m benchmarks.report_worker KIND END NOW`: the memory of a worker that makes a report, as JSON.

It has what the service has in memory (settings from the environment, definitions, ledger, metrics) and
imports nothing else; there is neither a Prometheus nor a mail server. `rest` and `peak` are its resident
mebibytes before the report and at most until the mail is written and packed; `child` has those of the child
that draws, at most. `wait` is how many seconds another thread waited for the ledger meanwhile, at most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

from sla_worker.conventions import DAILY_MAIL
from sla_worker.database import SLADatabase
from sla_worker.delivery.kinds import Sources, daily, long
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Refusal
from sla_worker.draw import draw
from sla_worker.errors import PrometheusError
from sla_worker.model import Mail
from sla_worker.sent import packed
from sla_worker.service import build
from sla_worker.settings import read_settings

_DRAWING = """
import sys
from pathlib import Path
from sla_worker.drawing.__main__ import main
code = main()
[peak] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM")]
Path(sys.argv[1]).write_text(peak.split()[1])
sys.exit(code)
"""


class _Nobody:
    """A Prometheus and a mail server that are not there."""

    def post(self, _path: str, _fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        raise PrometheusError("no Prometheus")

    def send(self, _made: EmailMessage, _recipients: Sequence[str]) -> Mapping[str, Refusal]:
        return {}


def made(sources: Sources, kind: str, end: int) -> Mail:
    """The mail about the period that ends there."""
    return daily(sources, end) if kind == DAILY_MAIL else long(sources, kind, end)


def _memory(what: str) -> float:
    """VmRSS or VmHWM of this process, in mebibytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {what}")


def _ask(database: SLADatabase, stopping: threading.Event, waits: list[float]) -> None:
    while not stopping.wait(0.002):
        begun = time.perf_counter()
        database.begun_at()
        waits[0] = max(waits[0], time.perf_counter() - begun)


def main(argv: Sequence[str]) -> int:
    """Print what the report takes."""
    kind, end, now = argv[0], int(argv[1]), int(argv[2])
    nobody = _Nobody()
    service = build(read_settings(), clock=lambda: now, transport=nobody, sender=nobody)
    with tempfile.TemporaryDirectory() as name, closing(service.database) as database:
        child = Path(name) / "peak"
        command = (sys.executable, "-c", _DRAWING, str(child))
        settings = service.settings
        sources = Sources(database, settings, now, lambda sheet: draw(sheet, command=command))
        rest = _memory("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins again
        stopping, waits = threading.Event(), [0.0]
        other = threading.Thread(target=_ask, args=(database, stopping, waits))
        other.start()
        try:
            mail = made(sources, kind, end)
            written = message(
                mail,
                sender="a@example.com",
                recipients=["b@example.com"],
                key="k",
                now=now,
                zone=settings.timezone,
            )
            written.as_bytes()
            packed(mail)
        finally:
            stopping.set()
            other.join()
        drawn = int(child.read_text(encoding="ascii")) / 1024 if child.exists() else 0.0
        print(json.dumps({"rest": rest, "peak": _memory("VmHWM"), "child": drawn, "wait": waits[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
