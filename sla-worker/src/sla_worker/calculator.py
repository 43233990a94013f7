"""One pass: which slots are due, in which order they are read, and what is read again."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from sla_worker.errors import PrometheusError
from sla_worker.grid import Grid
from sla_worker.in_force import InForce
from sla_worker.measuring import Measured, Measurer
from sla_worker.model import Definition, Measurement, PassResult, Reason, Stored
from sla_worker.portions import Limits
from sla_worker.prometheus import PrometheusClient

_log = logging.getLogger(__name__)
_NAMED = 5  # so many are named in one line
_SLOTS_TOGETHER = 24  # two hours of slots at once: few requests, and an answer that is not large
_PROGRESS_SECONDS = 10.0
_KEPT_ROWS = 10_000  # a pass hands out no more of its rows: those of a long catch-up would fill the memory
_STORED_TOGETHER = 10_000  # rows: about a day of 36 SLAs, and no more memory than the answers take
_LEFT_SECONDS = 1800  # what could not be read is tried again after that
_SLOW_ENOUGH = 2  # answers that did not come, one after the other: Prometheus is down, not asked for too much

Slots = Mapping[str, AbstractSet[int]]
"""Slots by the key of their SLA."""
Told = Callable[[Sequence[Measurement], Reason], None]
"""Is told of rows that were stored, and why they were."""
_Part = tuple[Sequence[Definition], range]


class Ledger(Protocol):
    """What a pass needs of the database."""

    def missing_slots(self, newest: int, oldest: int) -> Mapping[str, Sequence[int]]:
        """The slots from oldest to newest that each SLA should have and has not, ascending, by its key."""
        ...

    def provisional_slots(self, newest: int, since: int) -> Mapping[str, Sequence[int]]:
        """The slots after `since` up to newest whose rows are not final, ascending, by the SLA's key."""
        ...

    def store(self, measurements: Iterable[Measurement], *, reason: Reason = Reason.FIRST) -> Stored:
        """All rows and their breaches in one transaction."""
        ...


class Calculator:
    """Computes slots that are due and not in the ledger yet, and again those that were read in part.

    `clock` returns epoch seconds. `catch_up_seconds` bounds how far back missing slots are looked for,
    `reread_seconds` how long rows that are not final are read again. A pass that has caught up for
    `piece_seconds` leaves the rest to the next one. `stored` is told of rows once they are
    in the ledger, also in a pass that fails later. `in_force` says by which versions of the definitions slots
    are measured; without it all are by these. `limits` are those of an answer.
    """

    def __init__(
        self,
        definitions: Sequence[Definition],
        client: PrometheusClient,
        ledger: Ledger,
        grid: Grid,
        *,
        catch_up_seconds: int,
        reread_seconds: int = 3600,
        piece_seconds: float = math.inf,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
        stored: Told = lambda _rows, _reason: None,
        in_force: InForce | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._definitions = [each for each in definitions if each.enabled]
        self._in_force = in_force or InForce(self._definitions)
        self._measurer = Measurer(self._definitions, client, grid, self._in_force, limits)
        self._ledger = ledger
        self._grid = grid
        self._catch_up_seconds = catch_up_seconds
        self._reread_seconds = reread_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._stored = stored
        self._together = _SLOTS_TOGETHER
        self._piece_seconds = piece_seconds
        self._going_on: int | None = None  # the slot that was newest when a catch-up was left unfinished
        self._left: dict[tuple[str, int], tuple[float, str]] = {}  # when and why it was not read

    def concerns(self) -> list[str]:
        """What could not be measured as it was meant, one line each; for people to look at."""
        found = self._measurer.concerns()
        if self._left:
            keys = sorted({key for key, _ in self._left})
            named = ", ".join(keys[:_NAMED]) + (f" and {len(keys) - _NAMED} more" if keys[_NAMED:] else "")
            _, why = next(iter(self._left.values()))
            slots = len({slot for _, slot in self._left})
            found.append(
                f"{slots} slots of {named} could not be read and are tried again every half hour: {why}"
            )
        return found

    def run_pass(self) -> PassResult:
        """Store every slot that is due: the newest first, then those before it, marked late, newest first.

        They are read and stored some hours at a time, so that an interruption loses little. A long catch-up
        takes several passes, each of which reads first what has come due meanwhile. What Prometheus refuses
        is asked for in smaller parts, down to one slot of one SLA, and what it refuses still is left for
        later. Raises PrometheusError when it does not answer; what was stored before stays.
        """
        newest = self._grid.newest_slot(self._clock())
        missing = self._readable(self.missing(newest))
        work = _Work(self._ledger, self._stored, self._monotonic, seconds=self._piece_seconds)
        self._work_off(missing, newest, Reason.FIRST, work)
        if self._going_on != newest:  # else they were read again a piece ago
            self._work_off(self._provisional(newest, missing), newest, Reason.REREAD, work)
        done = work.result()
        self._going_on = newest if done.unread is not None else None
        return done

    def since_scraped(self, slots: Slots) -> dict[str, set[int]]:
        """Those of the slots that are not older than the first scrape since then that Prometheus still has.

        All of them, if nothing is scraped but pushed. Raises PrometheusError.
        """
        newest = self._grid.newest_slot(self._clock())
        oldest = min((slot for found in slots.values() for slot in found), default=newest)
        first = self._measurer.first_scrape(oldest, newest)
        return {
            key: {slot for slot in found if first is None or slot >= first} for key, found in slots.items()
        }

    def measure_again(self, slots: Slots, reason: Reason) -> PassResult:
        """Read slots again that may be in the ledger, by the keys of their SLAs; newest first.

        Raises PrometheusError.
        """
        newest = self._grid.newest_slot(self._clock())
        self._in_force.refresh()
        due = self._in_force.only(
            {key: {slot for slot in found if slot <= newest} for key, found in slots.items()}
        )
        work = _Work(self._ledger, self._stored, self._monotonic)
        self._work_off(due, newest, reason, work)
        return work.result()

    def _work_off(self, due: Slots, newest: int, reason: Reason, work: _Work) -> None:
        """Read and store slots; what was read before an error is stored as well. Raises PrometheusError."""
        count = len({slot for each in due.values() for slot in each})
        try:
            for slots in self._batches(due, newest):
                if reason is Reason.FIRST and work.is_long(slots[-1], newest):
                    break
                for found in self._read(slots, due, newest):
                    work.keep(found, reason)
                if slots[-1] == newest:
                    work.store()  # it waits for nothing
                work.progress(slots, count)
        except PrometheusError:
            work.store()
            raise
        work.store()

    def missing(self, newest: int | None = None) -> Slots:
        """The slots that are due, by SLA."""
        if newest is None:
            newest = self._grid.newest_slot(self._clock())
        oldest = newest - self._catch_up_seconds // self._grid.slot_seconds * self._grid.slot_seconds
        found = self._ledger.missing_slots(newest, oldest)
        self._in_force.refresh()
        return self._in_force.only({key: set(slots) for key, slots in found.items()})

    def is_complete(self, missing: Slots) -> bool:
        """Whether the last pass left out nothing: no slot, and nothing was refused or answered in part."""
        return not self._measurer.concerns() and next(self._lacking(missing), None) is None

    def oldest(self, missing: Slots) -> int | None:
        """The oldest of the `missing` slots; None when there is none."""
        return min(self._lacking(missing), default=None)

    def _lacking(self, missing: Slots) -> Iterator[int]:
        """Those that somebody can do something about, not what a former version of an SLA has left unread."""
        return (
            slot for key, slots in missing.items() for slot in slots if self._in_force.is_current(key, slot)
        )

    def _readable(self, missing: Slots) -> Slots:
        """Without what could not be read a short time ago."""
        now = self._monotonic()
        self._left = {
            place: (at, why)
            for place, (at, why) in self._left.items()
            if now - at < _LEFT_SECONDS and place[1] in missing.get(place[0], ())
        }
        if not self._left:
            return missing
        return {
            key: {slot for slot in slots if (key, slot) not in self._left} for key, slots in missing.items()
        }

    def still_provisional(self, newest: int) -> Slots:
        """The slots up to `newest` that may be read again, by SLA."""
        since = newest - self._reread_seconds - self._grid.slot_seconds
        return {key: set(slots) for key, slots in self._ledger.provisional_slots(newest, since).items()}

    def _provisional(self, newest: int, measured: Slots) -> Slots:
        """What is read again now: one, two, four, eight … slots later, and not what this pass has stored."""
        step = self._grid.slot_seconds
        found = self._ledger.provisional_slots(newest, newest - self._reread_seconds - step)
        due = {
            key: {
                slot
                for slot in slots
                if slot not in measured.get(key, ()) and _is_power_of_two((newest - slot) // step)
            }
            for key, slots in found.items()
        }
        return self._in_force.only(due)

    def _batches(self, slots: Slots, newest: int) -> Iterator[range]:
        """Neighbouring slots together, the newest alone and first; fewer once they were too many.

        All slots of a batch are measured by the same versions.
        """
        step, epoch = self._grid.slot_seconds, self._in_force.epoch
        due = sorted({slot for each in slots.values() for slot in each}, reverse=True)
        position = 0
        while position < len(due):
            end = position + 1
            while (
                due[position] != newest
                and end < len(due)
                and end - position < self._together
                and due[end] == due[end - 1] - step
                and epoch(due[end]) == epoch(due[position])
            ):
                end += 1
            yield range(due[end - 1], due[position] + step, step)
            position = end

    def _read(self, slots: range, missing: Slots, newest: int) -> Iterator[Measured]:
        """What could be read of some slots, in as many parts as Prometheus needs."""
        due = [
            each
            for each in self._in_force.at(slots[-1])
            if not missing.get(each.key, set()).isdisjoint(slots)
        ]
        parts: list[_Part] = [(due, slots)]
        slow, some = 0, False
        while parts:
            wanted, stretch = parts.pop()
            try:
                found = self._measurer.measure(wanted, stretch, missing, newest)
            except PrometheusError as error:
                slow = slow + 1 if error.slow else 0
                if not (error.refused or error.slow) or slow > _SLOW_ENOUGH:
                    raise
                smaller = self._smaller(wanted, stretch)
                if smaller:
                    _log.info("asking for less at once slots=%d slas=%d", len(stretch), len(wanted))
                elif error.slow or not (parts or some or slots[-1] != newest):
                    raise  # of the newest slot nothing could be read: that is no success
                else:
                    self._leave(wanted, stretch, error)
                parts += smaller
            else:
                slow, some = 0, True
                yield found
        left = {key for key, slot in self._left if slot in slots}
        if left:
            _, why = next(iter(self._left.values()))
            _log.warning("left for later slas=%d slots=%d..%d error=%s", len(left), slots[0], slots[-1], why)

    def _smaller(self, wanted: Sequence[Definition], slots: range) -> list[_Part]:
        """Two halves of what was too much, the newer one last; nothing when it cannot be halved."""
        if len(slots) > 1:
            half = len(slots) // 2
            self._together = max(half, 1)
            return [(wanted, slots[:half]), (wanted, slots[half:])]
        if len(wanted) > 1:
            half = len(wanted) // 2
            return [(wanted[:half], slots), (wanted[half:], slots)]
        return []

    def _leave(self, wanted: Sequence[Definition], slots: range, error: PrometheusError) -> None:
        for each in wanted:
            self._left[each.key, slots[0]] = (self._monotonic(), str(error))


class _Work:
    """What a pass has done so far."""

    def __init__(
        self,
        ledger: Ledger,
        stored: Told,
        monotonic: Callable[[], float],
        *,
        seconds: float = math.inf,
    ) -> None:
        self._until = monotonic() + seconds
        self._caught_up = False
        self._unread: int | None = None
        self._ledger = ledger
        self._stored = stored
        self._monotonic = monotonic
        self._rows: list[Measurement] = []
        self._count = self._late = self._requests = self._slots = 0
        self._said = monotonic()
        self._waiting: list[Measurement] = []
        self._reason = Reason.FIRST

    def is_long(self, slot: int, newest: int) -> bool:
        """Whether the slots up to this one are left for the next pass; each pass reads some of them."""
        if slot == newest or not self._caught_up or self._monotonic() < self._until:
            self._caught_up = self._caught_up or slot != newest
            return False
        self._unread = slot
        return True

    def keep(self, found: Measured, reason: Reason) -> None:
        """Take rows to be stored, many together: each time the breaches since then are derived again."""
        if reason is not self._reason:
            self.store()
            self._reason = reason
        self._waiting += found.rows
        self._requests += found.requests
        if len(self._waiting) >= _STORED_TOGETHER:
            self.store()

    def store(self) -> None:
        """Store what waits, and count it; what was read again is counted when it differs."""
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        done = self._ledger.store(rows, reason=self._reason)
        self._stored(rows, self._reason)
        self._count += done.added + done.replaced
        if self._reason is Reason.FIRST:
            self._late += sum(each.late for each in rows)
            self._rows += rows[: _KEPT_ROWS - len(self._rows)]

    def progress(self, slots: range, all_slots: int) -> None:
        """Say how far a long catch-up is."""
        self._slots += len(slots)
        if self._monotonic() - self._said >= _PROGRESS_SECONDS:
            self._said = self._monotonic()
            _log.info("catching up slots=%d of=%d", self._slots, all_slots)

    def result(self) -> PassResult:
        """All of it."""
        return PassResult(
            tuple(self._rows),
            late=self._late,
            queries=self._requests,
            stored=self._count,
            unread=self._unread,
        )


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
