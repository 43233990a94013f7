"""Time that does not count: maintenance, for which SLAs, by whom and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The SLAs that an exclusion is for: by key, by category, or all of them (neither).

    `components` leaves it to some components of these SLAs; empty: all.
    """

    slas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    components: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether it names no SLA, and so means all of them."""
        return not (self.slas or self.categories)

    def names(self, key: str, category: str) -> bool:
        """Whether it is for an SLA."""
        return self.everything or key in self.slas or category in self.categories

    @property
    def words(self) -> str:
        """It as a person reads it: `api-error-rate, category availability (crm)`."""
        named = ", ".join([*self.slas, *(f"category {each}" for each in self.categories)]) or "all SLAs"
        return f"{named} ({', '.join(self.components)})" if self.components else named


@dataclass(frozen=True, slots=True)
class Planned:
    """An exclusion as somebody asks for it: [start, end), and again by `rule` at the wall clock of `zone`.

    `uid` is that of an event of a calendar it came from.
    """

    scope: Scope
    start: int
    end: int
    author: str
    reason: str
    rule: str | None = None
    zone: str | None = None
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """An event of a calendar that asks for an exclusion: [start, end) is its first time, `spans` are all.

    No spans: it is cancelled, or not certain yet. `goes_on`: its rule recurs after the last of them.
    """

    uid: str
    scope: Scope
    reason: str
    start: int
    end: int
    spans: tuple[tuple[int, int], ...]
    rule: str | None = None
    zone: str | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An exclusion of the ledger. `spans` is what it covers, on borders of slots: start and end of each.

    `ended_at`: somebody ended it before its time. A revoked one covers nothing, and stays.
    """

    id: int
    planned: Planned
    created_at: int
    spans: tuple[tuple[int, int], ...]
    ended_at: int | None = None
    ended_by: str | None = None
    revoked_at: int | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None

    @property
    def begins(self) -> int:
        """When the first of its times begins."""
        return self.spans[0][0]

    @property
    def ends(self) -> int:
        """When the last of its times ends."""
        return self.spans[-1][1]

    def time_at(self, now: float) -> tuple[int, int]:
        """Which of its times a person means at a moment: the one that lasts, else the next, else the last."""
        return next((each for each in self.spans if each[1] > now), self.spans[-1])

    def active(self, now: float) -> bool:
        """Whether it covers a moment."""
        return self.revoked_at is None and any(start <= now < end for start, end in self.spans)

    def state(self, now: float) -> str:
        """`revoked`, `active`, `planned` or `over`, as a person reads it."""
        if self.revoked_at is not None:
            return "revoked"
        if self.active(now):
            return "active"
        return "planned" if any(start > now for start, _ in self.spans) else "over"


@dataclass(frozen=True, slots=True)
class BadBefore:
    """Time before a breach that was bad as measured, and did not count: maintenance. Epoch seconds."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class StillBad:
    """An SLA, and its component if it has several, that is bad as measured, and since when."""

    title: str
    since: int


Spans = Sequence[tuple[int, int]]
"""Times from a start to an end, oldest first, none touching another."""
