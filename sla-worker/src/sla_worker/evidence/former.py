"""The evidence of a former revision: what was done after it is undone in a copy of the ledger.

Exclusions and corrections can be undone exactly; slots that were measured again cannot. Which of the two it
was is not guessed: the archive's own check decides whether the figures are those that were frozen.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.conventions import URL_SCHEMES
from sla_worker.database import SLADatabase
from sla_worker.database.copies import backup
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence.archive import EvidenceError, write_checked
from sla_worker.model import CountsAs, FrozenMonth, Planned, Scope, Wrong

_WHO = ("evidence", "of a former revision")


def write_former(
    database: SLADatabase, place: str | Path, month: FrozenMonth, target: Path, *, zone: ZoneInfo
) -> None:
    """Write the archive of a revision that is not the newest; `place` is that of the ledger.

    Raises EvidenceError where it cannot be had any more; then there is no file.
    """
    what = f"{month.month}: revision {month.revision}"
    if not isinstance(place, Path) and place.startswith(URL_SCHEMES):
        raise EvidenceError(
            f"{what} is a former one, which is made from a copy of a ledger in a file only;"
            " its evidence is what was written then"
        )
    beside = Path(place).resolve().parent  # where there is room for another ledger
    try:
        with tempfile.TemporaryDirectory(prefix=".sla-evidence-", dir=beside) as directory:
            copy = Path(directory) / "ledger.db"
            backup(place, copy, force=False)
            with closing(SLADatabase(copy, grid=database.grid, zone=zone)) as former:
                _undo(former, month, json.loads(former.months.document(month)), int(time.time()))
                write_checked(former, month, target)
    except (SLAWorkerError, OSError) as error:
        raise EvidenceError(
            f"{what} cannot be made again, its evidence is what was written then: {error}"
        ) from error


def _undo(database: SLADatabase, month: FrozenMonth, document: Mapping[str, Any], now: int) -> None:
    """Make exclusions and corrections of the month what they were. Raises SLAWorkerError."""
    windows = {each["id"]: each for each in document["exclusions"] if each["revoked_at"] is None}
    for each in database.maintenance.all():
        times = [[max(a, month.start), min(b, month.end)] for a, b in each.spans
                 if a < month.end and b > month.start]  # fmt: skip
        if each.revoked_at is not None or not times:
            continue
        if each.id in windows and windows[each.id]["times"] == times:
            del windows[each.id]
        else:
            database.maintenance.revoke(each.id, *_WHO, now)
    wrongs = {each["id"]: each for each in document["corrections"] if each["revoked_at"] is None}
    for one in database.corrections.all():
        if one.revoked_at is None and one.start < month.end and one.end > month.start:
            if one.id in wrongs:
                del wrongs[one.id]
            else:
                database.corrections.revoke(one.id, *_WHO, now)
    for values in windows.values():
        scope = Scope(**{name: tuple(value) for name, value in values["scope"].items()})
        spans = [(start, end) for start, end in values["times"]]
        database.maintenance.add(Planned(scope, spans[0][0], spans[0][1], *_WHO), now, spans)
    for values in wrongs.values():
        wrong = Wrong(
            values["sla"], values["start"], values["end"], CountsAs(values["counts_as"]), *_WHO,
            tuple(values["components"]), values["good"], values["total"],
        )  # fmt: skip
        database.corrections.add(wrong, now)
