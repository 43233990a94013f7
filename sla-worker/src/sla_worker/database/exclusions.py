"""The record of exclusions: what was asked for, which times and SLAs that is, and who revoked it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from sla_worker.database.corrections import CorrectionStore
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine, Row
from sla_worker.exclusions import Covered
from sla_worker.model import Correction, CountsAs, Exclusion, Planned, Scope

_COLUMNS = (
    "id, scope, start_at, end_at, rule, zone, uid, author, reason, created_at, ended_at, ended_by,"
    " revoked_at, revoked_by, revoke_reason"
)

_NOTHING = Covered(())


@dataclass(frozen=True)
class InForce:
    """The exclusions and corrections that are not revoked, as they stood when they were read."""

    targets: dict[int, dict[int, int]] = field(default_factory=dict)
    """By SLA: the exclusions that cover it, and the slot after which each does."""

    spans: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    components: dict[int, frozenset[str]] = field(default_factory=dict)
    corrections: dict[int, tuple[Correction, ...]] = field(default_factory=dict)
    """By SLA: those that are in force. No slot of a component has two."""

    _made: dict[tuple[tuple[int, int], ...], Covered] = field(default_factory=dict)
    _left_out: dict[tuple[int, str], Covered] = field(default_factory=dict)

    @cached_property
    def _union(self) -> Covered:
        spans = [span for spans in self.spans.values() for span in spans]
        corrected = [(each.start, each.end) for found in self.corrections.values() for each in found]
        return Covered([*spans, *corrected])

    @property
    def anything(self) -> bool:
        """Whether there are any."""
        return bool(self.spans or self.corrections)

    def touch(self, start: int, end: int) -> bool:
        """Whether an exclusion or a correction concerns some of [start, end)."""
        return self.anything and self._union.seconds(start, end) > 0

    def concern(self, sla_id: int, component: str, start: int, end: int) -> bool:
        """The same of one component of an SLA."""
        maintained = self.maintained(sla_id, component).seconds(start, end)
        return maintained > 0 or bool(self.corrected(sla_id, component, start, end))

    def corrected(self, sla_id: int, component: str, start: int, end: int) -> list[Correction]:
        """The corrections of slots of a component that end in (start, end]."""
        found = self.corrections.get(sla_id, ())
        return [each for each in found if each.start < end and each.end > start and each.concerns(component)]

    def covered(self, sla_id: int, component: str) -> Covered:
        """The time of a component of an SLA that does not count: maintenance, or corrected to that."""
        if sla_id not in self.corrections:
            return self.maintained(sla_id, component)
        where = sla_id, component
        if where not in self._left_out:
            self._left_out[where] = Covered(
                [
                    *self.maintained(sla_id, component).spans,
                    *(
                        (each.start, each.end)
                        for each in self.corrections[sla_id]
                        if each.counts_as is CountsAs.EXCLUDED and each.concerns(component)
                    ),
                ]
            )
        return self._left_out[where]

    def maintained(self, sla_id: int, component: str) -> Covered:
        """The time of a component of an SLA in maintenance."""
        targets = self.targets.get(sla_id)
        if not targets:
            return _NOTHING
        found = tuple(
            (number, since)
            for number, since in targets.items()
            if not self.components[number] or component in self.components[number]
        )
        if found not in self._made:
            self._made[found] = Covered(
                (max(start, since), end)
                for number, since in found
                for start, end in self.spans[number]
                if end > since
            )
        return self._made[found]


class ExclusionStore:
    """The tables sla_exclusions, sla_exclusion_spans and sla_exclusion_slas."""

    def __init__(self, engine: Engine, definitions: DefinitionStore, corrections: CorrectionStore) -> None:
        self._engine = engine
        self._definitions = definitions
        self._corrections = corrections
        self._known: InForce | None = None
        engine.on_reset(self.forget)

    def in_force(self) -> InForce:
        """Those that are not revoked, corrections too; kept in memory by the one process that writes."""
        with self._engine.exclusive():
            if self._known is None or not self._engine.writable:
                self._known = self._read()
            return self._known

    def _read(self) -> InForce:
        rows = self._engine.rows("SELECT id, scope FROM sla_exclusions WHERE revoked_at IS NULL ORDER BY id")
        corrections = self._read_corrections()
        if not rows:
            return InForce(corrections=corrections)
        found = InForce(
            spans=self._spans(),
            components={row["id"]: frozenset(_scope(row["scope"]).components) for row in rows},
            corrections=corrections,
        )
        for number in [each for each in found.spans if each not in found.components]:
            del found.spans[number]
        for row in self._engine.rows("SELECT * FROM sla_exclusion_slas ORDER BY sla_id, exclusion_id"):
            if row["exclusion_id"] in found.spans:
                found.targets.setdefault(row["sla_id"], {})[row["exclusion_id"]] = row["since"]
        return found

    def _read_corrections(self) -> dict[int, tuple[Correction, ...]]:
        found: dict[int, tuple[Correction, ...]] = {}
        for each in self._corrections.in_force():
            number = self._definitions.get(each.sla).id
            found[number] = (*found.get(number, ()), each)
        return found

    def _spans(self) -> dict[int, tuple[tuple[int, int], ...]]:
        found: dict[int, list[tuple[int, int]]] = {}
        for row in self._engine.rows("SELECT * FROM sla_exclusion_spans ORDER BY exclusion_id, start_at"):
            found.setdefault(row["exclusion_id"], []).append((row["start_at"], row["end_at"]))
        return {number: tuple(each) for number, each in found.items()}

    # --- reading

    def all(self) -> list[Exclusion]:
        """Every exclusion, those that were revoked too, in the order in which they were made."""
        spans = self._spans()
        return [
            _exclusion(row, spans.get(row["id"], ()))
            for row in self._engine.rows(f"SELECT {_COLUMNS} FROM sla_exclusions ORDER BY id")  # noqa: S608
        ]

    def get(self, number: int) -> Exclusion | None:
        """One exclusion; None if there is none with that id."""
        return next((each for each in self.all() if each.id == number), None)

    def covers(self, number: int) -> list[dict[str, object]]:
        """The SLAs that one covers, by their keys, and the slot after which it covers each."""
        keys = {each.id: each.key for each in self._definitions.all().values()}
        return [
            {"sla": keys[row["sla_id"]], "since": row["since"]}
            for row in self._engine.rows(
                "SELECT sla_id, since FROM sla_exclusion_slas WHERE exclusion_id = ? ORDER BY sla_id",
                (number,),
            )
        ]

    # --- writing, inside the caller's transaction

    def add(self, planned: Planned, spans: Iterable[tuple[int, int]], now: int) -> int:
        """Record an exclusion of the SLAs that are enabled now. Returns its id."""
        number = self._engine.next_id("sla_exclusions")
        self._engine.execute(
            "INSERT INTO sla_exclusions"
            " (id, scope, start_at, end_at, rule, zone, uid, author, reason, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                json.dumps(asdict(planned.scope)),
                planned.start,
                planned.end,
                planned.rule,
                planned.zone,
                planned.uid,
                planned.author,
                planned.reason,
                now,
            ),
        )
        self.set_spans(number, spans)
        self._cover(number, planned.scope, 0, {})
        return number

    def set_spans(self, number: int, spans: Iterable[tuple[int, int]]) -> None:
        """What it covers, in place of what it covered."""
        self._engine.execute("DELETE FROM sla_exclusion_spans WHERE exclusion_id = ?", (number,))
        self._engine.executemany(
            "INSERT INTO sla_exclusion_spans (exclusion_id, start_at, end_at) VALUES (?, ?, ?)",
            [(number, start, end) for start, end in spans],
        )
        self._known = None

    def note_end(self, number: int, ended_at: int, by: str) -> None:
        """Somebody ended it before its time."""
        self._engine.execute(
            "UPDATE sla_exclusions SET ended_at = ?, ended_by = ? WHERE id = ?", (ended_at, by, number)
        )

    def revoke(self, number: int, by: str, reason: str, now: int) -> None:
        """It covers nothing from now on, and stays in the record."""
        self._engine.execute(
            "UPDATE sla_exclusions SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE id = ?",
            (now, by, reason, number),
        )
        self._known = None

    def follow_definitions(self, now: int) -> None:
        """SLAs that were defined since are covered from now on by what is for all, or for their category."""
        in_force = self.in_force()
        for each in self.all() if in_force.spans else ():
            if each.id in in_force.spans and any(end > now for _, end in each.spans):
                covered = {
                    sla_id: targets[each.id]
                    for sla_id, targets in in_force.targets.items()
                    if each.id in targets
                }
                self._cover(each.id, each.planned.scope, now, covered)

    def take(self, sla_id: int, component: str, spans: Iterable[tuple[int, int]]) -> None:
        """Fill an empty ledger with time of one component that does not count, as another one has it."""
        planned = Planned(Scope(components=(component,)), 0, 0, "", "")
        number = self._engine.next_id("sla_exclusions")
        self._engine.execute(
            "INSERT INTO sla_exclusions (id, scope, start_at, end_at, author, reason, created_at)"
            " VALUES (?, ?, 0, 0, '', '', 0)",
            (number, json.dumps(asdict(planned.scope))),
        )
        self.set_spans(number, spans)
        self._engine.execute(
            "INSERT INTO sla_exclusion_slas (exclusion_id, sla_id, since) VALUES (?, ?, 0)", (number, sla_id)
        )

    def _cover(self, number: int, scope: Scope, since: int, covered: dict[int, int]) -> None:
        new = [
            (number, each.id, since)
            for each in self._definitions.enabled()
            if scope.names(each.key, each.category) and each.id not in covered
        ]
        self._engine.executemany(
            "INSERT INTO sla_exclusion_slas (exclusion_id, sla_id, since) VALUES (?, ?, ?)", new
        )
        if new:
            self._known = None

    def forget(self) -> None:
        """Read what is in force again: corrections changed."""
        self._known = None


def _scope(text: str) -> Scope:
    return Scope(**{name: tuple(each) for name, each in json.loads(text).items()})


def _exclusion(row: Row, spans: Sequence[tuple[int, int]]) -> Exclusion:
    return Exclusion(
        id=row["id"],
        planned=Planned(
            scope=_scope(row["scope"]),
            start=row["start_at"],
            end=row["end_at"],
            author=row["author"],
            reason=row["reason"],
            rule=row["rule"],
            zone=row["zone"],
            uid=row["uid"],
        ),
        created_at=row["created_at"],
        spans=tuple(spans),
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        revoke_reason=row["revoke_reason"],
    )
