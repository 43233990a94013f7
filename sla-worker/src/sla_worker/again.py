"""Slots that somebody wants measured again: which they are, and how a service does it beside its passes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.model import Definition, Reason
from sla_worker.render.format import moment

_log = logging.getLogger(__name__)
_PIECE_SECONDS = 86_400  # so much between two turns of the loop, in which passes have their turn
_LOOK_SECONDS = 1.0

Slots = Mapping[str, set[int]]
"""Slots by the key of their SLA."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The slots that lie in [start, end), of some SLAs or of all; to BACKFILL: those before its first row.

    To RECOMPUTE: none before its first row, which would be a past without data, of which the coverage speaks.
    """

    start: int
    end: int
    keys: tuple[str, ...] = ()
    reason: Reason = Reason.RECOMPUTE


class BusyError(SLAWorkerError):
    """Another wish is being fulfilled."""


class Choice:
    """Which slots a wish means in a ledger."""

    def __init__(
        self,
        definitions: Iterable[Definition],
        database: SLADatabase,
        *,
        file: Path,
        zone: ZoneInfo,
        keep_slot_days: int,
    ) -> None:
        self._keys = [each.key for each in definitions]
        self._database = database
        self._file = file
        self._zone = zone
        self._keep_slot_days = keep_slot_days

    def slots(self, wish: Wish) -> dict[str, set[int]]:
        """By SLA. Raises SLAWorkerError: an SLA that is not there, only sums are kept, or no slot at all.

        A backfill that finds nothing before the first row is no error: all of it is measured already.
        """
        unknown = [key for key in wish.keys if key not in self._keys]
        if unknown:
            raise SLAWorkerError(f"--sla {unknown[0]}: {self._file} has no SLA with that key")
        kept = self._database.slots_after()
        if wish.start < kept:
            raise SLAWorkerError(
                f"slots before {moment(kept, self._zone)} are kept as sums only"
                f" (SLA_KEEP_SLOTS={self._keep_slot_days}); give a later beginning"
            )
        step = self._database.slot_seconds
        between = range(-(-wish.start // step) * step + step, wish.end + 1, step)
        if not between:
            raise SLAWorkerError(
                f"no slot of {step} s lies between {moment(wish.start, self._zone)} and"
                f" {moment(wish.end, self._zone)}; give a longer time"
            )
        backfill = wish.reason is Reason.BACKFILL
        wanted: dict[str, set[int]] = {}
        begun = self._database.oldest_slots()
        for key in wish.keys or self._keys:
            first = begun.get(key, wish.end + 1)
            wanted[key] = {slot for slot in between if (slot < first) is backfill}
        if not backfill and not any(wanted.values()):
            raise SLAWorkerError(self._not_begun(wish, begun))
        return wanted

    def _not_begun(self, wish: Wish, begun: Mapping[str, int]) -> str:
        what = ", ".join(wish.keys) or "the ledger"
        first = min((slot for key, slot in begun.items() if key in (wish.keys or self._keys)), default=None)
        if first is None:
            return f"{what}: no slot is stored yet, so there is nothing to read again"
        since = moment(first - self._database.slot_seconds, self._zone)
        return (
            f"{what} begins at {since}, so there is nothing to read again before"
            f" {moment(wish.end, self._zone)}; give a later time (sla_backfill measures what came before)"
        )


@dataclass
class _Job:
    wanted: Slots
    reason: Reason
    pieces: list[dict[str, set[int]]] | None = None
    rows: int = 0
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


def readable(calculator: Calculator, wanted: Slots, reason: Reason) -> Slots:
    """Without slots to BACKFILL of which Prometheus has nothing any more: they would lower coverage.

    Raises PrometheusError.
    """
    return calculator.since_scraped(wanted) if reason is Reason.BACKFILL else wanted


class Again:
    """Wishes of other threads, fulfilled in the loop's: one at a time, a day of slots in each turn."""

    def __init__(self, calculator: Calculator, choice: Choice, stopping: threading.Event) -> None:
        self._calculator = calculator
        self._choice = choice
        self._stopping = stopping
        self._one = threading.Lock()
        self._job: _Job | None = None

    def busy(self) -> bool:
        """Whether a wish is being fulfilled."""
        return self._job is not None

    def ask(self, wish: Wish) -> int:
        """How many rows were added or changed, once they are. Raises SLAWorkerError; what is stored stays."""
        wanted = self._choice.slots(wish)
        if not self._one.acquire(blocking=False):
            raise BusyError("other slots are being measured again; try again when that is done")
        try:
            self._job = job = _Job(wanted, wish.reason)
            while not job.done.wait(_LOOK_SECONDS):
                if self._stopping.is_set():
                    raise SLAWorkerError("the sla-worker ends; give the command again once it runs")
        finally:
            self._job = None
            self._one.release()
        if job.error is not None:
            raise job.error
        return job.rows

    def turn(self) -> None:
        """A chore of the loop: the next piece, if there is one."""
        job = self._job
        if job is None or job.done.is_set():
            return
        try:
            if job.pieces is None:
                job.pieces = _pieces(readable(self._calculator, job.wanted, job.reason))
            if job.pieces:
                job.rows += self._calculator.measure_again(job.pieces.pop(), job.reason).stored
        except Exception as error:  # noqa: BLE001 - who asked is told
            job.error = error
        if job.error is not None or not job.pieces:
            _log.info("measured again reason=%s rows=%d", job.reason.value, job.rows)
            job.done.set()


def _pieces(wanted: Slots) -> list[dict[str, set[int]]]:
    """Day by day, the newest last."""
    days: dict[int, dict[str, set[int]]] = {}
    for key, slots in wanted.items():
        for slot in slots:
            days.setdefault(slot // _PIECE_SECONDS, {}).setdefault(key, set()).add(slot)
    return [days[day] for day in sorted(days)]


Ask = Callable[[Wish], int]
