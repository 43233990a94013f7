"""The versions of each SLA: what it was judged by, from when on, and when it was not in force."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace

from sla_worker.database.engine import Engine
from sla_worker.model import Comparison, Member, Policy, objective_ratio, read_details

_COLUMNS = (
    "sla_id, version, valid_from, made_at, reason, category, comparison, target_value, unit, percentile,"
    " enabled, details, content_hash"
)
_READ = f"SELECT {_COLUMNS} FROM sla_versions ORDER BY sla_id, version"  # noqa: S608 - constants
_INSERT = f"""
INSERT INTO sla_versions ({_COLUMNS}, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version, without its content: `number` counts from 1 within the SLA.

    It judges the slots that end after `valid_from`, up to the next one's; the first one those before as well.
    """

    sla_id: int
    number: int
    valid_from: int
    made_at: int
    reason: str
    category: str
    comparison: Comparison
    target_value: float
    unit: str
    percentile: float | None
    enabled: bool
    details: str | None
    content_hash: str | None

    @property
    def policy(self) -> Policy:
        """How slots are judged; the defaults for an SLA that was defined without a file."""
        return read_details(self.details).policy

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of a composite; none for any other SLA."""
        return read_details(self.details).members

    @property
    def objective_ratio(self) -> float:
        """The share of events that must be good."""
        return objective_ratio(self.comparison, self.target_value, self.percentile)

    def same(self, other: StoredVersion) -> bool:
        """Whether both judge alike, as far as is known of both."""
        if self.enabled != other.enabled:
            return False
        if self.content_hash is not None or other.content_hash is not None:
            return self.content_hash == other.content_hash
        return self._says() == other._says()

    def adopts(self, other: StoredVersion) -> bool:
        """Whether this one, whose content is not known, says nothing that the other one does not say."""
        return self.content_hash is None and self.enabled == other.enabled and self._says() == other._says()

    def _says(self) -> tuple[object, ...]:
        return (
            self.category,
            self.comparison,
            self.target_value,
            self.unit,
            self.percentile,
            read_details(self.details),  # a later release may write more of it
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an SLA is to be judged by from `valid_from` on; `version` has its values, but not its number."""

    version: StoredVersion
    content: str | None
    valid_from: int


class VersionStore:
    """The table sla_versions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, tuple[StoredVersion, ...]] | None = None
        self._borders: tuple[int, ...] = ()
        self._hooks: list[Callable[[int], None]] = []
        engine.on_reset(self.forget)

    def all(self) -> Mapping[int, Sequence[StoredVersion]]:
        """The versions of each SLA by its id, oldest first."""
        found = self._known  # replaced as a whole, so reading it needs no lock: a pass asks a thousand times
        if found is not None:
            return found
        with self._engine.exclusive():
            if self._known is None:
                known: dict[int, list[StoredVersion]] = {}
                for row in self._engine.rows(_READ):
                    number = row.pop("version")
                    row |= {"comparison": Comparison(row["comparison"]), "enabled": bool(row["enabled"])}
                    known.setdefault(row["sla_id"], []).append(StoredVersion(number=number, **row))
                begun = {each.valid_from for versions in known.values() for each in versions}
                self._borders = tuple(sorted(begun - {0}))
                self._known = {sla_id: tuple(each) for sla_id, each in known.items()}
            return self._known

    def of(self, sla_id: int) -> Sequence[StoredVersion]:
        """The versions of one SLA, oldest first; it has at least one."""
        return self.all()[sla_id]

    def at(self, sla_id: int, slot: int) -> StoredVersion:
        """The version that judges the slot that ends at `slot`."""
        return at(self.of(sla_id), slot)

    def shown(self, sla_id: int, end: int) -> StoredVersion:
        """What an SLA is held to in a period that ends there: the last version that was in force by then."""
        versions = self.of(sla_id)
        if len(versions) == 1:
            return versions[0]
        in_force = [each for each in versions if each.enabled]
        return at(in_force or versions, end)

    def begun(self, sla_id: int, end: int) -> bool:
        """Whether an SLA has been in force before `end`: one that is only announced has not."""
        versions = self.of(sla_id)
        return versions[0].enabled or any(each.enabled and each.valid_from < end for each in versions)

    def changes(self, sla_id: int, start: int, end: int) -> tuple[int, ...]:
        """When an SLA began to be judged otherwise within (start, end), ascending."""
        versions = self.of(sla_id)
        if len(versions) == 1:
            return ()
        return tuple([each.valid_from for each in versions[1:] if start < each.valid_from < end])

    def last_border(self) -> int:
        """The last moment at which a version of any SLA begins; 0: all hold from the beginning."""
        self.all()
        return self._borders[-1] if self._borders else 0

    def borders(self, start: int, end: int) -> tuple[int, ...]:
        """The moments in (start, end) at which a version of any SLA began, ascending."""
        self.all()
        first = bisect_left(self._borders, start + 1)
        return self._borders[first : bisect_left(self._borders, end)]

    def is_border(self, moment: int) -> bool:
        """Whether a version of any SLA began then."""
        return bool(self.borders(moment - 1, moment + 1))

    def on_changed(self, hook: Callable[[int], None]) -> None:
        """Call `hook`, inside the transaction, with the first moment from which other versions hold."""
        self._hooks.append(hook)

    def content(self, sla_id: int, number: int) -> str | None:
        """All that a version judges by; None where that is not known."""
        found = self._engine.rows(
            "SELECT content FROM sla_versions WHERE sla_id = ? AND version = ?", (sla_id, number)
        )
        return found[0]["content"] if found else None

    def measured(self, sla_id: int, slots: Iterable[int]) -> list[int]:
        """Of some slots those in which an SLA is in force, or was before it was defined."""
        versions = self.of(sla_id)
        if all(each.enabled for each in versions):
            return list(slots)
        return [slot for slot in slots if at(versions, slot).enabled]

    def follow(self, wanted: Mapping[int, Wanted], next_border: int) -> None:
        """Make the versions agree with what is wanted, by id; inside the caller's transaction.

        A version that begins at `next_border` or later has judged nothing yet: it goes when it is no longer
        wanted.
        """
        known = self.all()
        added: list[tuple[StoredVersion, str | None]] = []
        removed: list[StoredVersion] = []
        adopted: list[tuple[StoredVersion, str | None]] = []
        for sla_id, each in wanted.items():
            stored = known.get(sla_id, ())
            settled = [one for one in stored if one.number == 1 or one.valid_from < next_border]
            pending = list(stored[len(settled) :])
            made: list[tuple[StoredVersion, str | None]] = []
            if not settled:
                made = _first(each)
            elif settled[-1].adopts(each.version):
                adopted.append((replace(settled[-1], content_hash=each.version.content_hash), each.content))
            elif not settled[-1].same(each.version):
                begin = max(each.valid_from, next_border)
                number = settled[-1].number + 1
                made = [(replace(each.version, number=number, valid_from=begin), each.content)]
            if [_plain(one) for one, _ in made] != [_plain(one) for one in pending]:
                removed += pending
                added += made
        if not (added or removed or adopted):
            return
        self._engine.executemany(
            "DELETE FROM sla_versions WHERE sla_id = ? AND version = ?",
            [(each.sla_id, each.number) for each in removed],
        )
        self._engine.executemany(_INSERT, [(*_values(each), content) for each, content in added])
        self._engine.executemany(
            "UPDATE sla_versions SET content_hash = ?, content = ? WHERE sla_id = ? AND version = ?",
            [(each.content_hash, content, each.sla_id, each.number) for each, content in adopted],
        )
        self.forget()
        for hook in self._hooks if added or removed else ():
            hook(min(each.valid_from for each in (*removed, *(one for one, _ in added))))

    def take(self, versions: Iterable[tuple[StoredVersion, str | None]]) -> None:
        """Fill an empty ledger with versions and their contents as another one has them."""
        self._engine.executemany(_INSERT, [(*_values(each), content) for each, content in versions])
        self.forget()

    def forget(self) -> None:
        """Read them again when they are asked for."""
        self._known = None


def at(versions: Sequence[StoredVersion], slot: int) -> StoredVersion:
    """The one that judges the slot that ends at `slot`: the first one where none had begun."""
    for each in reversed(versions):
        if each.valid_from < slot:
            return each
    return versions[0]


def _first(wanted: Wanted) -> list[tuple[StoredVersion, str | None]]:
    """An SLA that is to begin later is not in force until then."""
    version = replace(wanted.version, number=1)
    if wanted.valid_from <= version.valid_from:
        return [(version, wanted.content)]
    begun = replace(version, number=2, valid_from=wanted.valid_from)
    return [(replace(version, enabled=False), wanted.content), (begun, wanted.content)]


def _plain(version: StoredVersion) -> StoredVersion:
    """Without when it was made: that is no reason to make it again."""
    return replace(version, made_at=0)


def _values(version: StoredVersion) -> tuple[object, ...]:
    values = astuple(version)
    return tuple(
        int(each) if isinstance(each, bool) else str(each) if isinstance(each, Comparison) else each
        for each in values
    )
