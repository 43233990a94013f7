"""Has a report drawn by a child process: drawing takes more memory than the worker may have.

A child that dies, hangs or cannot be started is told in `Drawn.trouble`, and costs nothing else.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sla_worker.model import PRINTED, Drawn, Sheet

_log = logging.getLogger(__name__)
LIMIT_SECONDS = 60
_COMMAND = (sys.executable, "-m", "sla_worker.drawing")
_MOST_WORDS = 200


def draw(sheet: Sheet, *, command: Sequence[str] = _COMMAND, limit_seconds: float = LIMIT_SECONDS) -> Drawn:
    """The sheet's PDF and charts. Raises nothing for a child that fails."""
    import subprocess  # noqa: PLC0415 - a worker that has nothing to draw does without; our own program

    import msgspec  # noqa: PLC0415 - likewise

    try:
        run = subprocess.run(  # noqa: S603 - our own program
            command,
            input=msgspec.msgpack.encode(_lean(sheet)),
            env=_environment(),
            capture_output=True,
            timeout=limit_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _failed(f"the program that draws took longer than {limit_seconds:g} s")
    except OSError as error:
        return _failed(f"the program that draws could not be started: {error}")
    if run.returncode < 0:
        return _failed(f"the program that draws was killed by signal {-run.returncode}")
    if run.returncode:
        said = run.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        return _failed(f"the program that draws failed: {said[-1][:_MOST_WORDS]}")
    try:
        drawn = msgspec.msgpack.decode(run.stdout, type=Drawn)
    except msgspec.MsgspecError:
        return _failed("the program that draws gave something that is no drawing")
    return _failed(drawn.trouble, drawn) if drawn.trouble else drawn


def _lean(sheet: Sheet) -> Sheet:
    """The sheet without what is not drawn of it: of thousands of SLAs that is nearly all.

    Charts show the days of a few. A PDF has those of `PRINTED`, and words about all.
    """
    from sla_worker.render.charts import deciding  # noqa: PLC0415 - as in `draw`

    report = sheet.report
    curves = deciding(report)
    if not sheet.pdf:
        whole = replace(report.whole, statuses=tuple(each.status for each in curves))
        before = replace(report.before, statuses=())
        few = replace(report, whole=whole, before=before, lines=tuple(curves), incidents=())
        return replace(sheet, report=few)
    drawn = {id(each) for each in (*curves, *report.worst_first[:PRINTED])}
    lines = tuple(each if id(each) in drawn else replace(each, days=(), before=None) for each in report.lines)
    return replace(sheet, report=replace(report, lines=lines))


def _failed(trouble: str, drawn: Drawn | None = None) -> Drawn:
    _log.error("a report could not be drawn error=%s", trouble)
    return drawn or Drawn(trouble=trouble)


def _environment() -> dict[str, str]:
    """Where our packages are, and none of the secrets that the worker's own environment has."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TZDIR", "PYTHONDONTWRITEBYTECODE")
    here = str(Path(__file__).resolve().parents[1])
    found = [here, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": os.pathsep.join(found),
        "PYTHONSAFEPATH": "1",
    }
