"""A ledger that was copied to another place: nobody writes to it any more."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sla_worker.errors import DatabaseError


def refuse_moved(ledger: Mapping[str, Any], place: str) -> None:
    """Raise DatabaseError for the row of a ledger that was copied to another place, which counts since."""
    if ledger["moved_to"]:
        day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ledger["moved_at"]))
        raise DatabaseError(
            f"{place}: was copied to {ledger['moved_to']} ({day}), and that one counts since; give that"
            " place, or sla_database --reopen to go on with this one instead"
        )
