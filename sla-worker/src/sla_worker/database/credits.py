"""Credits of frozen months: proposals, and decisions about them, of which none is ever deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from sla_worker.database.consequences import signed
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine, Row
from sla_worker.database.months import MonthStore
from sla_worker.errors import SLAWorkerError
from sla_worker.model import CreditTerms, FrozenMonth, read_terms, terms_values
from sla_worker.model.credit import Decision, Proposal, Proposed, Stage

_MOST_PERCENT = 100
_DECIMALS = 6
_Chain = tuple[str, str, str]  # month, SLA, component
_NOTHING = Decimal()


class CreditError(SLAWorkerError):
    """A proposal cannot be decided as it was asked for; nothing changed."""


class CreditStore:
    """The tables sla_credits and sla_credit_decisions."""

    def __init__(self, engine: Engine, definitions: DefinitionStore, months: MonthStore) -> None:
        self._engine = engine
        self._definitions = definitions
        self._months = months

    # --- reading

    def all(self, month: str | None = None) -> list[Proposal]:
        """Every proposal (of one month), superseded ones too, in the order in which they were made."""
        where, values = ("", ()) if month is None else (" WHERE month = ?", (month,))
        rows = self._engine.rows(f"SELECT * FROM sla_credits{where} ORDER BY id", values)  # noqa: S608
        if not rows:
            return []
        keys = {each.id: each.key for each in self._definitions.all().values()}
        decided: dict[int, list[Decision]] = {}
        for row in self._engine.rows("SELECT * FROM sla_credit_decisions ORDER BY id"):
            decided.setdefault(row["credit_id"], []).append(_decision(row))
        found = [_proposal(row, keys[row["sla_id"]], tuple(decided.get(row["id"], ()))) for row in rows]
        after = {each.supersedes: each.id for each in found if each.supersedes is not None}
        held = {_chain(each) for each in found if _approves(each)}
        return [
            replace(each, superseded_by=after.get(each.id), approved_before=_chain(each) in held)
            for each in found
        ]

    def get(self, number: int) -> Proposal:
        """One proposal. Raises CreditError."""
        found = {each.id: each for each in self.all()}
        if number not in found:
            raise CreditError(f"there is no proposal {number}; `sla credits list` has them")
        return found[number]

    def left_of_cap(self, of: Proposal) -> Decimal | None:
        """What the credits of other months of the year leave of the yearly cap of its SLA; None: no cap."""
        return self.left_beside(_chain(of), of.proposed.terms)

    def left_beside(self, of: tuple[str, str, str], terms: CreditTerms) -> Decimal | None:
        """The same for a month, SLA and component that need not be proposed yet."""
        if terms.yearly_cap is None:
            return None
        month, sla, _ = of
        others = (
            each.approved_percent
            for each in self.all()
            if each.month[:4] == month[:4] and each.proposed.sla == sla and _chain(each) != of
        )
        return max(terms.yearly_cap - sum(others, _NOTHING), _NOTHING)

    # --- what figures propose

    def propose(self, month: FrozenMonth, found: Iterable[Proposed], now: int) -> list[int]:
        """Propose the credits of a revision as far as they are other ones than before. Returns the new ones.

        What is owed nothing is proposed only to supersede something else.
        """
        new = []
        with self._engine.transaction():
            newest = {_chain(each): each for each in self.all(month.month)}
            wanted = {(month.month, each.sla, each.component): each for each in found}
            for chain, former in newest.items():
                wanted.setdefault(chain, _owes_nothing(former.proposed))
            for chain, each in wanted.items():
                known = newest.get(chain)
                before = _NOTHING if known is None else known.proposed.percent
                if each.percent != before:
                    new.append(self._add(month, each, None if known is None else known.id, now))
            self._months.proposed(month)
        return new

    def _add(self, month: FrozenMonth, each: Proposed, supersedes: int | None, now: int) -> int:
        number = self._engine.next_id("sla_credits")
        self._engine.execute(
            "INSERT INTO sla_credits (id, month, revision, sla_id, component, title, percent, below, why,"
            " compliance, coverage, terms, proposed_at, supersedes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                month.month,
                month.revision,
                self._definitions.get(each.sla).id,
                each.component,
                each.title,
                None if each.percent is None else str(each.percent),
                None if each.below is None else str(each.below),
                each.why,
                each.compliance_ratio,
                each.coverage_ratio,
                json.dumps(terms_values(each.terms), sort_keys=True),
                now,
                supersedes,
            ),
        )
        return number

    # --- what people decide

    def approve(
        self, numbers: Sequence[int], author: str, reason: str, now: int, amount: Decimal | None = None
    ) -> list[Proposal]:
        """Grant what is proposed, or another amount, as far as the yearly cap leaves it. Raises CreditError.

        What was approved before for the same SLA and month ends with it. All of them, or none.
        """
        signed(author, reason)
        if amount is not None and len(numbers) != 1:
            raise CreditError("--amount is of one proposal; decide them one by one")
        with self._engine.transaction():
            for number in dict.fromkeys(numbers):
                known = self._undecided(number)
                self._decide(number, approved=True, percent=self._granted(known, amount), author=author,
                             reason=reason, now=now)  # fmt: skip
                for each in self.all(known.month):
                    if each.id != number and _chain(each) == _chain(known) and _approves(each):
                        self._revoke(each, author, f"replaced by proposal {number}: {reason}", now)
        return [self.get(number) for number in dict.fromkeys(numbers)]

    def decline(self, numbers: Sequence[int], author: str, reason: str, now: int) -> list[Proposal]:
        """Refuse what is proposed; what was approved before for the same SLA and month stays so.

        Raises CreditError. All of them, or none.
        """
        signed(author, reason)
        with self._engine.transaction():
            for number in dict.fromkeys(numbers):
                self._undecided(number)
                self._decide(number, approved=False, percent=_NOTHING, author=author, reason=reason, now=now)
        return [self.get(number) for number in dict.fromkeys(numbers)]

    def revoke(self, numbers: Sequence[int], author: str, reason: str, now: int) -> list[Proposal]:
        """Take the decisions about some proposals back; they stay on record. Raises CreditError."""
        signed(author, reason)
        with self._engine.transaction():
            for number in dict.fromkeys(numbers):
                known = self.get(number)
                if known.decision is None:
                    raise CreditError(f"proposal {number} is not decided; there is nothing to revoke")
                self._revoke(known, author, reason, now)
        return [self.get(number) for number in dict.fromkeys(numbers)]

    def _undecided(self, number: int) -> Proposal:
        known = self.get(number)
        if known.superseded_by is not None:
            raise CreditError(
                f"proposal {number} was superseded by proposal {known.superseded_by}, of revision"
                f" {self.get(known.superseded_by).revision}; decide that one"
            )
        if known.decision is not None:
            raise CreditError(
                f"proposal {number} was {known.stage} by {known.decision.author}; revoke that first:"
                f" sla credits revoke {number}"
            )
        return known

    def _granted(self, known: Proposal, amount: Decimal | None) -> Decimal:
        """What an approval grants. Raises CreditError."""
        left = self.left_of_cap(known)
        if amount is None:
            if known.proposed.percent is None:
                raise CreditError(
                    f"proposal {known.id} has no figure: {known.proposed.why}; give --amount, or decline it"
                )
            if known.stage is Stage.NOTHING_OWED:
                raise CreditError(f"proposal {known.id} owes nothing; give --amount to grant something")
            return granted(known.proposed, left)
        if not (0 <= amount <= _MOST_PERCENT) or amount != round(amount, _DECIMALS):
            raise CreditError(
                f"--amount {amount}: give percent from 0 to {_MOST_PERCENT}, {_DECIMALS} decimals at most"
            )
        if left is not None and amount > left:
            raise CreditError(
                f"--amount {amount}: the yearly cap of {known.proposed.terms.yearly_cap} % leaves {left} % of"
                f" {known.month[:4]}; give at most that"
            )
        return amount

    def _decide(
        self, number: int, *, approved: bool, percent: Decimal, author: str, reason: str, now: int
    ) -> None:
        self._engine.execute(
            "INSERT INTO sla_credit_decisions (id, credit_id, approved, percent, author, reason, decided_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._engine.next_id("sla_credit_decisions"),
                number,
                int(approved),
                str(percent),
                author,
                reason,
                now,
            ),
        )

    def _revoke(self, known: Proposal, author: str, reason: str, now: int) -> None:
        assert known.decision is not None  # noqa: S101 - its callers have looked
        self._engine.execute(
            "UPDATE sla_credit_decisions SET revoked_at = ?, revoked_by = ?, revoke_reason = ? WHERE id = ?",
            (now, author, reason, known.decision.id),
        )


def granted(proposed: Proposed, left: Decimal | None) -> Decimal:
    """What is granted of a credit when so much is left of the yearly cap; below the least amount nothing."""
    percent = proposed.percent or _NOTHING
    if left is None or percent <= left:
        return percent
    least = proposed.terms.least_amount
    return _NOTHING if least is not None and left < least else left


def _owes_nothing(before: Proposed) -> Proposed:
    return replace(before, percent=_NOTHING, below=None, why=None, compliance_ratio=None, coverage_ratio=None)


def _chain(each: Proposal) -> _Chain:
    return each.month, each.proposed.sla, each.proposed.component


def _approves(each: Proposal) -> bool:
    return each.decision is not None and each.decision.approved


def _decision(row: Row) -> Decision:
    return Decision(
        id=row["id"],
        approved=bool(row["approved"]),
        percent=Decimal(row["percent"]),
        author=row["author"],
        reason=row["reason"],
        decided_at=row["decided_at"],
        revoked_at=row["revoked_at"],
        revoked_by=row["revoked_by"],
        revoke_reason=row["revoke_reason"],
    )


def _proposal(row: Row, key: str, decisions: tuple[Decision, ...]) -> Proposal:
    return Proposal(
        id=row["id"],
        month=row["month"],
        revision=row["revision"],
        proposed=Proposed(
            sla=key,
            component=row["component"],
            title=row["title"],
            percent=None if row["percent"] is None else Decimal(row["percent"]),
            below=None if row["below"] is None else Decimal(row["below"]),
            why=row["why"],
            compliance_ratio=row["compliance"],
            coverage_ratio=row["coverage"],
            terms=read_terms(json.loads(row["terms"])),
        ),
        proposed_at=row["proposed_at"],
        supersedes=row["supersedes"],
        decisions=decisions,
    )
