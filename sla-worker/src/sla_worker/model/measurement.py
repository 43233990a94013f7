"""One slot of one SLA: its figures, what they say, and the row of the ledger."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sla_worker.model.values import value


class State(enum.IntEnum):
    """What one slot says about its SLA. The numbers stand in the database and never change."""

    MET = 0
    BREACHED = 1
    NO_TRAFFIC = 2
    NO_DATA = 3
    PARTIAL = 4
    LOW_TRAFFIC = 5
    OUT_OF_HOURS = 6
    EXCLUDED = 7

    @property
    def word(self) -> str:
        """The state as a person reads it: `no data`."""
        return self.name.lower().replace("_", " ")


class Status(enum.IntEnum):
    """How much of what is allowed was used, or why that is unknown. The numbers stand in the database."""

    EXCELLENT = 0
    GOOD = 1
    POOR = 2
    CRITICAL = 3
    NO_TRAFFIC = 4
    NO_DATA = 5
    PARTIAL = 6
    LOW_TRAFFIC = 7
    OUT_OF_HOURS = 8
    EXCLUDED = 9

    @property
    def label(self) -> str:
        """The status as a label value: `no_data`."""
        return self.name.lower()

    @property
    def word(self) -> str:
        """The status as a person reads it: `no data`."""
        return self.label.replace("_", " ")


class Reason(enum.StrEnum):
    """Why rows are stored; the words stand in the audit of rows that were replaced."""

    FIRST = "again"
    """The slots that are due. A row that is there already was stored by a clock that had jumped."""

    REREAD = "reread"
    """Rows that were not final, read once more."""

    RECOMPUTE = "recompute"
    """Somebody asked for it."""

    BACKFILL = "backfill"
    """A new SLA, over what was before it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of rows: `added` ones, and `replaced` ones, whose former values stand in the audit."""

    added: int
    replaced: int


@value
class Figures:
    """What Prometheus says about one slot of one SLA. None: Prometheus returned nothing.

    `good` and `total` are counts of events, `coverage` is measured scrapes ÷ expected ones,
    `actual` is a value to show beside them: a percentile in seconds, or what an expression gave. `refused`
    says in one line why there are no counts although there are series.
    """

    good: float | None = None
    total: float | None = None
    coverage: float | None = None
    actual: float | None = None
    refused: str | None = None


@value
class Measurement:
    """One row of the ledger: the slot ends at `slot` and is one interval long.

    `compliant` is None where the state is neither met nor breached, `actual` is None without traffic. A row
    that is not `final` was read while it could still change, and is read again.
    """

    key: str
    component: str
    slot: int
    good: float
    total: float
    coverage: float
    actual: float | None
    target: float
    state: State
    status: Status
    late: bool = False
    final: bool = True

    @property
    def compliant(self) -> bool | None:
        """True: met, False: breached, None: it cannot be said."""
        if self.state == State.MET:
            return True
        return False if self.state == State.BREACHED else None


@dataclass(frozen=True, slots=True)
class FutureRows:
    """Rows of the ledger that lie after the newest slot that is due: the clock was ahead, or is behind now.

    They count nowhere until their time has come, and are measured again then. `until` is the last one's slot.
    """

    rows: int
    until: int


@dataclass(frozen=True, slots=True)
class PassResult:
    """What one pass did: its rows, how many were late, how many queries it took, and how many rows it wrote.

    `measurements` are the newest of the rows that were new: of a long catch-up not all. `unread` is the
    newest slot that is due and was left for the next pass, which follows at once; None when there is none.
    """

    measurements: tuple[Measurement, ...]
    late: int
    queries: int
    stored: int = 0
    unread: int | None = None
