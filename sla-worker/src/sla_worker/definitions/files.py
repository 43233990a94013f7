"""The files of definitions together: that of the platform, and those of teams in `sla.d` beside it.

A mistake in the platform's file is raised. A mistake in a team's file stops nobody else: the file counts as
broken as a whole, and says what is wrong with it. Keys, names and teams are unique over all files. Of two
files that have the same, the one that the ledger knows to have it is right, else the first by name.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sla_worker.definitions.slas import Read, read_file
from sla_worker.definitions.team import is_name
from sla_worker.errors import DefinitionError, Mistake
from sla_worker.grid import Grid
from sla_worker.model import Definition, Team

DIRECTORY = "sla.d"
_SUFFIXES = frozenset({".yml", ".yaml"})
_TEAM = re.compile(r"^team:[ \t]*[\"']?([a-z0-9-]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that cannot be used: what is wrong, and what it says all the same.

    `text` is None when it cannot be read at all, `team` when it does not say whose it is.
    """

    file: Path
    mistakes: tuple[Mistake, ...]
    text: str | None
    team: str | None

    def may_have(self, key: str) -> bool:
        """Whether an SLA may be meant to be in it: its key stands in it, or nobody can tell."""
        return self.text is None or re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", self.text) is not None


@dataclass(frozen=True, slots=True)
class Files:
    """What all files say; `reads` has that of the platform first, unless it was left out.

    `names` are the files of teams that are there; None: there is no `directory` of teams.
    """

    reads: tuple[Read, ...]
    broken: tuple[Broken, ...]
    names: tuple[str, ...] | None
    directory: Path

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """The SLAs that are enabled, in the order of the files."""
        return tuple(one for each in self.reads for one in each.definitions if one.enabled)

    @property
    def teams(self) -> tuple[Team, ...]:
        """The teams of the files that are right."""
        return tuple(each.team for each in self.reads if each.team is not None)

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All that is wrong with the files of teams."""
        return tuple(one for each in self.broken for one in each.mistakes)

    def apart(
        self,
        owners: Mapping[str, str] | None = None,
        homes: Mapping[str, str] | None = None,
        named: Mapping[str, str] | None = None,
    ) -> Files:
        """The same; a file that claims what another one has is broken.

        What the ledger knows decides whose it is: `owners` are the teams by the keys of their SLAs, `homes`
        the names of their files by team, `named` the names of SLAs by their keys.
        """
        right, clashing = _apart(self.reads, _Known(owners or {}, homes or {}, named or {}))
        if not clashing:
            return self
        broken = sorted((*self.broken, *clashing), key=lambda each: each.file)
        return replace(self, reads=tuple(right), broken=tuple(broken))


def read_files(file: Path, grid: Grid | None = None, *, thorough: bool = True) -> Files:
    """Every file by itself. Raises DefinitionError for a mistake in the platform's."""
    platform = read_file(file, grid, thorough=thorough)
    found = read_teams(file, grid, thorough=thorough)
    return replace(found, reads=(platform, *found.reads))


def read_teams(file: Path, grid: Grid | None = None, *, thorough: bool = True) -> Files:
    """The files of teams beside the platform's file, which is not read."""
    directory = file.parent / DIRECTORY
    try:
        paths = _paths(directory)
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        mistake = Mistake(str(directory), what, "make it a directory that the sla-worker can read")
        return Files((), (Broken(directory, (mistake,), None, None),), None, directory)
    if paths is None:
        return Files((), (), None, directory)
    reads, broken = [], []
    for path in paths:
        try:
            _look_at(path)
            reads.append(read_file(path, grid, thorough=thorough, of_team=True))
        except DefinitionError as error:
            broken.append(_broken(path, error.mistakes))
    return Files(tuple(reads), tuple(broken), tuple(_shown(path).name for path in paths), directory)


def read_all(file: Path, grid: Grid | None = None, *, thorough: bool = True) -> tuple[Definition, ...]:
    """The SLAs of all files that are enabled. Raises DefinitionError with every mistake in any of them."""
    found = read_files(file, grid, thorough=thorough).apart()
    if found.mistakes:
        raise DefinitionError(found.mistakes)
    return found.definitions


def _paths(directory: Path) -> list[Path] | None:
    """The files of teams by name; None without a directory. Raises OSError."""
    if not directory.is_symlink() and not directory.exists():
        return None
    found = (path for path in directory.iterdir() if path.suffix in _SUFFIXES)
    return sorted(path for path in found if not path.name.startswith("."))


def _look_at(path: Path) -> None:
    """Raise DefinitionError for what is never read: to open a pipe would wait for whoever writes to it."""
    if not path.name.isprintable():
        what = "its name has characters that are not UTF-8 or cannot be shown"
        raise DefinitionError((Mistake(str(_shown(path)), what, "rename it"),))
    if _is_special(path):
        raise DefinitionError((Mistake(str(path), "is no file", "remove it"),))


def _is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device; of what cannot be looked at, reading says why."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _shown(path: Path) -> Path:
    """The path by a name that a log, a page and the ledger can have."""
    return path if path.name.isprintable() else path.with_name(ascii(path.name)[1:-1])


def _broken(path: Path, mistakes: tuple[Mistake, ...]) -> Broken:
    file = _shown(path)
    try:
        text = None if _is_special(path) else path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        mistakes = (Mistake(str(file), "is not UTF-8", "save it as text in UTF-8"),)
        text = None
    except OSError as error:
        fix = "let the sla-worker read it, or remove it"
        return Broken(file, (Mistake(str(file), f"cannot be read ({error.strerror})", fix),), None, None)
    said = _TEAM.search(text or "")
    return Broken(file, mistakes, text, said[1] if said and is_name(said[1]) else None)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger knows: see `Files.apart`."""

    owners: Mapping[str, str]
    homes: Mapping[str, str]
    named: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Claim:
    """That a file has a key, a name or a team, and where it says so; `known`: the ledger agrees."""

    read: Read
    field: str
    value: str
    place: str
    what: str
    known: bool


def _apart(reads: Sequence[Read], ledger: _Known) -> tuple[list[Read], list[Broken]]:
    """The files without those that claim what another one has, and these with what they claim."""
    claims: dict[tuple[str, str], list[_Claim]] = {}
    for read in reads:
        for claim in _claims(read, ledger):
            claims.setdefault((claim.field, claim.value), []).append(claim)
    wrong: dict[Path, list[Mistake]] = {}  # by path: a team's file may be named as the platform's
    for found in claims.values():
        first = next((each for each in found if each.known), found[0])
        if found[0].read.team is None:  # the platform's file comes first, and is always right
            first = found[0]
        for each in found:
            if each.read is not first.read:
                mistake = Mistake(
                    each.place,
                    f"{each.what}: {each.field} is `{each.value}`, which {first.place} has already",
                    f"give another {each.field}, or take it out of one of the two files",
                )
                wrong.setdefault(each.read.file, []).append(mistake)
    right = [each for each in reads if each.file not in wrong]
    clashing = [_broken(each.file, tuple(wrong[each.file])) for each in reads if each.file in wrong]
    return right, clashing


def _claims(read: Read, ledger: _Known) -> Iterable[_Claim]:
    team = read.team
    if team is not None:
        home = ledger.homes.get(team.name) == read.file.name
        place = f"{read.file}:{read.team_line}"
        yield _Claim(read, "team", team.name, place, "the file", home)
    for each in read.definitions:
        known = team is not None and ledger.owners.get(each.key) == team.name
        had = known and ledger.named.get(each.key) == each.name
        for field, value, before in (("key", each.key, known), ("name", each.name, had)):
            yield _Claim(read, field, value, read.place(each.key, field), f"SLA {each.key}", before)
