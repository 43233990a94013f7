"""The definitions that hold: those of the files, and of a file that is broken those that held before.

A file that is gone has removed its SLAs; their history stays. A file that is broken has removed nothing:
until it is right again its SLAs are judged by their last good version, which the ledger keeps. So are SLAs
that are in no file now while a broken one may have them, and all of teams whose directory has vanished.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sla_worker.database import SLADatabase
from sla_worker.database.definitions import StoredDefinition
from sla_worker.definitions.files import DIRECTORY, Broken, Files, read_files
from sla_worker.errors import DefinitionError, Mistake
from sla_worker.model import Definition, Team
from sla_worker.settings import Settings
from sla_worker.sli import content

_log = logging.getLogger(__name__)
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Gathered:
    """The SLAs that are measured. `invalid`: by each file of a team whether it is; `warnings` say why."""

    definitions: tuple[Definition, ...]
    teams: tuple[Team, ...] = ()
    invalid: Mapping[str, bool] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def read(settings: Settings) -> Files:
    """The files, before the ledger is opened. Raises DefinitionError for a mistake in the platform's."""
    return read_files(settings.definitions_path, settings.grid, thorough=False)


def gather(files: Files, database: SLADatabase, *, begin: int | None = None) -> Gathered:
    """Make the ledger agree with the files. Raises SLAWorkerError."""
    found = beside(files, database)
    database.sync_definitions(found.definitions, found.teams, begin=begin)
    for line in found.warnings:
        _log.error("definitions: %s", line)
    return found


def beside(files: Files, database: SLADatabase) -> Gathered:
    """What the files say beside what the ledger knows, which is not changed. Raises SLAWorkerError."""
    known = database.teams.all()
    stored = [each for each in database.definitions().values() if each.enabled and each.from_file]
    files = files.apart(
        owners={each.key: each.team for each in stored if each.team},
        homes={team.name: team.file for team in known.values()},
        named={each.key: each.name for each in stored},
    )
    broken = list(files.broken)
    if files.names is None and known and not broken:
        broken.append(_vanished(files.directory, known))
    invalid = dict.fromkeys(files.names or (), False) | {each.file.name: True for each in broken}
    if not broken:
        return Gathered(files.definitions, files.teams, invalid)
    there = {one.key for each in files.reads for one in each.definitions}
    held: dict[str, list[StoredDefinition]] = {each.file.name: [] for each in broken}
    for each in stored:
        if each.key not in there and (home := _home(each, broken, known)) is not None:
            held[home.file.name].append(each)
    right = {each.name for each in files.teams}
    kept = {one.team for each in held.values() for one in each} | {
        name for name, team in known.items() if any(_is_home(each, team) for each in broken)
    }
    return Gathered(
        definitions=(
            *files.definitions,
            *_rebuilt(database, held, {each.name for each in files.definitions}),
        ),
        teams=(*files.teams, *(known[name] for name in known if name in kept - right)),
        invalid=invalid,
        warnings=tuple(_words(each, held[each.file.name]) for each in broken),
    )


def _home(each: StoredDefinition, broken: Sequence[Broken], known: Mapping[str, Team]) -> Broken | None:
    """The broken file because of which an SLA that no other file has goes on; None: it was removed."""
    team = known.get(each.team or "")
    if team is not None:
        own = next((one for one in broken if _is_home(one, team)), None)
        if own is not None:
            return own
    return next((one for one in broken if one.file.name != DIRECTORY and one.may_have(each.key)), None)


def _is_home(broken: Broken, team: Team) -> bool:
    return broken.file.name in {team.file, DIRECTORY} or broken.team == team.name


def _rebuilt(
    database: SLADatabase, held: Mapping[str, Sequence[StoredDefinition]], names: set[str]
) -> Iterator[Definition]:
    """What held SLAs are judged by: the newest version of each. A name that is taken has the key added."""
    versions = database.versions()
    for each in (one for some in held.values() for one in some):
        last = versions[each.key][-1]
        text = database.version_content(each.key, last.number)
        if text is None:  # only of an SLA that no file has had since files are kept
            continue
        name = each.name if each.name not in names else f"{each.name} ({each.key})"
        yield replace(
            content.read(text, key=each.key, name=name),
            description=each.description,
            severity=each.severity,
            team=each.team,
            valid_from=last.valid_from or None,
        )


def _vanished(directory: Path, known: Mapping[str, Team]) -> Broken:
    what = f"is gone, with the files of {', '.join(sorted(known))}"
    fix = "bring it back; if none of them has SLAs any more, make an empty directory"
    return Broken(directory, (Mistake(str(directory), what, fix),), None, None)


def _words(broken: Broken, held: Sequence[StoredDefinition]) -> str:
    """One line: what is wrong, and what that means."""
    wrong = str(DefinitionError(broken.mistakes))
    if not held:
        return f"{wrong}. No SLA of it is measured: it was never right"
    keys = [each.key for each in held]
    named = ", ".join(keys[:_NAMED]) + (f" and {len(keys) - _NAMED} more" if keys[_NAMED:] else "")
    return f"{wrong}. Until then these go on as they were last right: {named}"
