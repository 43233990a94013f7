"""The SLAs and the components that the ledger knows, and their integer keys, which are read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import ceil

from sla_worker.database.engine import Engine
from sla_worker.database.versions import StoredVersion, VersionStore, Wanted
from sla_worker.errors import DatabaseError
from sla_worker.model import Comparison, Definition, Member, Policy, read_details, write_details
from sla_worker.sli.content import fingerprint, write

_COLUMNS = (
    "key",
    "name",
    "category",
    "description",
    "metric_name",
    "component",
    "comparison",
    "target_value",
    "unit",
    "severity",
    "percentile",
    "from_file",
    "enabled",
    "details",
    "team",
)
_UPSERT = f"""
INSERT INTO sla_definitions (id, created_at, {", ".join(_COLUMNS)})
VALUES (?, ?, {", ".join("?" for _ in _COLUMNS)})
ON CONFLICT (key) DO UPDATE SET {", ".join(f"{each} = excluded.{each}" for each in _COLUMNS[1:])}
"""  # noqa: S608 - column names


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    """An SLA as the database has it. `id` and `created_at` are its own; the rest was defined."""

    id: int
    created_at: int
    key: str
    name: str
    category: str
    description: str
    metric_name: str
    component: str
    comparison: Comparison
    target_value: float
    unit: str
    severity: str
    percentile: float | None
    from_file: bool
    enabled: bool
    details: str | None = None
    team: str | None = None

    @property
    def policy(self) -> Policy:
        """How its slots are judged; the defaults for one that was defined without a file."""
        return read_details(self.details).policy

    @property
    def members(self) -> tuple[Member, ...]:
        """The members of a composite; none for any other SLA."""
        return read_details(self.details).members

    def values(self) -> tuple[object, ...]:
        """The values of a row, in the order of the columns."""
        return (
            self.id,
            self.created_at,
            self.key,
            self.name,
            self.category,
            self.description,
            self.metric_name,
            self.component,
            str(self.comparison),
            self.target_value,
            self.unit,
            self.severity,
            self.percentile,
            int(self.from_file),
            int(self.enabled),
            self.details,
            self.team,
        )


class DefinitionStore:
    """The tables sla_definitions and sla_components; the first has the newest version of each SLA."""

    def __init__(self, engine: Engine, clock: Callable[[], float], slot_seconds: int) -> None:
        self._engine = engine
        self._clock = clock
        self._step = slot_seconds
        self.versions = VersionStore(engine)
        self._stored: dict[str, StoredDefinition] | None = None
        self._components: dict[str, int] | None = None
        engine.on_reset(self._forget)

    def all(self) -> dict[str, StoredDefinition]:
        """Every SLA by its key, in the order of their definition, those that are disabled too."""
        with self._engine.exclusive():
            if self._stored is None:
                self._stored = {
                    row["key"]: StoredDefinition(
                        **{
                            **row,
                            "comparison": Comparison(row["comparison"]),
                            "from_file": bool(row["from_file"]),
                            "enabled": bool(row["enabled"]),
                        }
                    )
                    for row in self._engine.rows("SELECT * FROM sla_definitions ORDER BY id")
                }
            return self._stored

    def enabled(self) -> list[StoredDefinition]:
        """The SLAs that count, in the order of their definition."""
        return [each for each in self.all().values() if each.enabled]

    def measured_after(self, slot: int) -> list[StoredDefinition]:
        """The SLAs of the file, and those taken out of it after `slot`, in the order of their definition."""
        versions = self.versions.all()
        return [
            each
            for each in self.all().values()
            if each.from_file and (each.enabled or versions[each.id][-1].valid_from > slot)
        ]

    def get(self, key: str) -> StoredDefinition:
        """One SLA. Raises DatabaseError when there is none with that key."""
        return self.several([key])[key]

    def several(self, keys: Iterable[str]) -> dict[str, StoredDefinition]:
        """SLAs by their keys. Raises DatabaseError when there is none with one of them."""
        known = self.all()
        try:
            return {key: known[key] for key in keys}
        except KeyError as error:
            key = error.args[0]
            raise DatabaseError(f"the SLA {key} is not defined in the database; add it first") from error

    def component_ids(self, names: Iterable[str]) -> dict[str, int]:
        """The integer keys of components; those that are new are made, inside the caller's transaction."""
        known = self.components()
        new = [name for name in dict.fromkeys(names) if name not in known]
        if new:
            first = self._engine.next_id("sla_components")
            made = {name: number for number, name in enumerate(new, start=first)}
            self._engine.executemany(
                "INSERT INTO sla_components (name, id) VALUES (?, ?)", list(made.items())
            )
            known = self._components = known | made  # other threads may be looking at the former one
        return known

    def components(self) -> dict[str, int]:
        """Every component by its name."""
        with self._engine.exclusive():
            if self._components is None:
                rows = self._engine.rows("SELECT name, id FROM sla_components ORDER BY id")
                self._components = {row["name"]: row["id"] for row in rows}
            return self._components

    def sync(self, definitions: Iterable[Definition], begin: int | None = None) -> None:
        """Make the table agree with the file: add, change, and disable what the file no longer has.

        The key is the SLA; a name is only a name. Whoever the file gives a name to has it, and one that
        had it and is not in the file is told apart by its key. The first SLAs of an empty ledger count as
        defined at `begin`, later ones when they come. What is judged otherwise than before is a new version,
        from the next slot on or from the time that the file states.
        """
        with self._engine.transaction():
            self._forget()
            stored = self.all()
            number = max((each.id for each in stored.values()), default=0)
            definitions = tuple(definitions)
            now = int(self._clock())
            defined_at = now if begin is None or stored else min(begin, now)
            wanted: dict[str, StoredDefinition] = {}
            for each in definitions:
                number += each.key not in stored
                wanted[each.key] = self._from_file(each, stored.get(each.key), number, defined_at)
            left = {
                key: replace(each, enabled=False) if each.from_file else each for key, each in stored.items()
            }
            renamed = settled_names(
                {key: each.name for key, each in stored.items()},
                {key: each.name for key, each in wanted.items()},
            )
            left = {key: replace(each, name=renamed.get(key, each.name)) for key, each in left.items()}
            changed = [each for each in (left | wanted).values() if each != stored.get(each.key)]
            # Two SLAs may swap their names: first nobody has them.
            self._engine.executemany(
                "UPDATE sla_definitions SET name = ? WHERE id = ?",
                [
                    (f"renamed {each.id}", each.id)
                    for each in changed
                    if each.key in stored and stored[each.key].name != each.name
                ],
            )
            self._engine.executemany(_UPSERT, [each.values() for each in changed])
            self.component_ids(each.component for each in wanted.values())
            self._stored = None
            self._make_versions(definitions, wanted, left, None if stored else defined_at)

    def _make_versions(
        self,
        definitions: Iterable[Definition],
        wanted: Mapping[str, StoredDefinition],
        left: Mapping[str, StoredDefinition],
        begin: int | None,
    ) -> None:
        """`begin`: all of them are the first ones of an empty ledger, whose first slot ended by then."""
        step = self._step
        next_border = ceil(self._clock() / step) * step
        natural = next_border if begin is None else begin // step * step - step
        versions: dict[int, Wanted] = {}
        for each in definitions:
            version = _version(wanted[each.key], natural, int(self._clock()), "file")
            version = replace(version, content_hash=fingerprint(each))
            stated = -(-(each.valid_from or 0) // step) * step
            later = stated if stated > next_border else natural
            versions[version.sla_id] = Wanted(version, write(each), later)
        for gone in left.values():
            if gone.from_file and gone.key not in wanted:
                last = [
                    one
                    for one in self.versions.of(gone.id)
                    if one.valid_from < next_border or one.number == 1
                ][-1]
                version = replace(last, enabled=False, made_at=int(self._clock()), reason="file")
                versions[gone.id] = Wanted(version, None, next_border)
        self.versions.follow(versions, next_border)

    def add(self, made: StoredDefinition) -> int:
        """Add an SLA, or change the one with its key, and return its id.

        Raises DatabaseError when another SLA has its name.
        """
        with self._engine.transaction():
            self._forget()
            for each in self.all().values():
                if each.name == made.name and each.key != made.key:
                    raise DatabaseError(
                        f"SLA {made.key}: the database has another SLA named {made.name!r}"
                        f" ({each.key}); give another name"
                    )
            stored = self.all().get(made.key)
            number = self._engine.next_id("sla_definitions") if stored is None else stored.id
            created_at = int(self._clock()) if stored is None else stored.created_at
            made = replace(made, id=number, created_at=created_at)
            self._engine.executemany(_UPSERT, [made.values()])
            self.component_ids([made.component])
            self._stored = None
            # Its values are stored with what they were judged by, those of the slot that runs too.
            border = int(self._clock()) // self._step * self._step
            version = _version(made, 0, int(self._clock()), "call")
            self.versions.follow({number: Wanted(version, None, 0 if stored is None else border)}, border)
        return number

    def _from_file(
        self, definition: Definition, stored: StoredDefinition | None, number: int, defined_at: int
    ) -> StoredDefinition:
        return StoredDefinition(
            id=number if stored is None else stored.id,
            created_at=defined_at if stored is None else stored.created_at,
            key=definition.key,
            name=definition.name,
            category=definition.category,
            description=definition.description,
            metric_name=definition.sli.metric_name,
            component=definition.component,
            comparison=definition.comparison,
            target_value=definition.target,
            unit=definition.unit,
            severity=definition.severity,
            percentile=definition.percentile,
            from_file=True,
            enabled=True,
            details=write_details(definition),
            team=definition.team,
        )

    def take(
        self, definitions: Iterable[StoredDefinition], versions: Iterable[tuple[StoredVersion, str | None]]
    ) -> None:
        """Fill an empty ledger with definitions and versions as another one has them."""
        self._engine.executemany(_UPSERT, [each.values() for each in definitions])
        self.versions.take(versions)
        self._stored = None

    def _forget(self) -> None:
        self._stored = self._components = None
        self.versions.forget()


def _version(each: StoredDefinition, valid_from: int, made_at: int, reason: str) -> StoredVersion:
    """What a definition judges by; without a number, which the store gives."""
    return StoredVersion(
        sla_id=each.id,
        number=0,
        valid_from=valid_from,
        made_at=made_at,
        reason=reason,
        category=each.category,
        comparison=each.comparison,
        target_value=each.target_value,
        unit=each.unit,
        percentile=each.percentile,
        enabled=each.enabled,
        details=each.details,
        content_hash=None,
    )


def settled_names(stored: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """The names of SLAs by key, once those in `wanted` have theirs; all names are different.

    One that is only stored keeps its name unless somebody in `wanted` has it now: then its key is added.
    """
    settled = dict(wanted)
    taken = {*wanted.values(), *(name for key, name in stored.items() if key not in wanted)}
    for key, name in stored.items():
        if key in wanted:
            continue
        free = name
        if name in wanted.values():
            free = f"{name} ({key})"
            while free in taken:
                free += "'"
            taken.add(free)
        settled[key] = free
    return settled
