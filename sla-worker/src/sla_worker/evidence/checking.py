"""Checks an archive: every checksum, and every figure counted again from the counts; says what differs."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import math
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker import __version__
from sla_worker.database import SLADatabase
from sla_worker.database.counts import Book, HourCounts
from sla_worker.database.periods import HOUR_SECONDS
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence import files
from sla_worker.evidence.consequences import alerts_text, credits_text
from sla_worker.exclusions import merged
from sla_worker.grid import Grid
from sla_worker.model import Breach, Comparison
from sla_worker.months import bounds, overall, sla, written
from sla_worker.render.months import month_text
from sla_worker.sli.content import fingerprint, read

_MOST = 1000
_SHOWN = 160
_CLOSE = 1e-9  # of a ratio: sums of shares in another order differ by far less, a digit that counts by more
_MISTAKES = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    SLAWorkerError,
)
_MOST_BYTES, _MOST_BYTES_OF_COUNTS = 64 << 20, 256 << 20  # of a file; counts of 3,000 components take as much
_LONGEST_SLOT = 86_400


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in an archive is not what the rest of it says; `line` is 0 for a file as a whole."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        said = f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"
        return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in said)


def verify(path: Path) -> list[Difference]:
    """What differs; empty: nothing. Raises SLAWorkerError for what is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _Check(archive).differences()
    except (OSError, zipfile.BadZipFile, NotImplementedError, UnicodeError) as error:
        raise SLAWorkerError(
            f"{path}: cannot be read as an archive ({error}); give one that `sla evidence` has written"
        ) from error


class _Check:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._found: list[Difference] = []
        former = not any(each in archive.namelist() for each in files.LATER)
        self._contents: tuple[str, ...] = files.FORMER if former else files.CONTENTS

    def differences(self) -> list[Difference]:
        names = self._archive.namelist()
        expected = [*self._contents, files.LINES, files.SUMS]
        for name in expected:
            if names.count(name) != 1:
                self._say(name, 0, "is missing" if name not in names else "is there more than once")
        for name in dict.fromkeys(names):
            if name not in expected:
                self._say(name, 0, "does not belong here")
        if self._found:
            return self._found
        for each in self._archive.infolist():
            most = _MOST_BYTES_OF_COUNTS if each.filename == files.COUNTS else _MOST_BYTES
            if each.file_size > most:
                self._say(
                    each.filename, 0, f"has {each.file_size} bytes unpacked; more than {most} are not read"
                )
        if self._found:
            return self._found
        broken = [name for name in expected if not self._readable(name)]
        if not broken:
            self._checksums()
            self._recount()
        return self._found[:_MOST]

    def _say(self, file: str, line: int, what: str) -> None:
        self._found.append(Difference(file, line, what))

    def _readable(self, name: str) -> bool:
        try:
            with self._archive.open(name) as file:
                while file.read(1 << 20):
                    pass
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            self._say(name, 0, f"is damaged ({error})")
            return False
        return True

    # --- checksums

    def _checksums(self) -> None:
        lines, starts = self._lines()
        listed = self._sums()
        agree = True
        for name in self._contents:
            digest, changed, count = self._looked_over(name, lines.get(name, []))
            place, said = listed.get(name, (0, ""))
            agree = agree and not changed and count == len(lines.get(name, []))
            if digest == said:
                for at, _ in changed:
                    self._say(files.LINES, starts.get(name, 0) + at, f"is not the checksum of {name}:{at}")
                continue
            for at, text in changed:
                self._say(name, at, f"was changed: {text}")
            if count != len(lines.get(name, [])):
                self._say(name, 0, f"has {count} lines, not {len(lines.get(name, []))}")
            elif not changed:
                self._say(files.SUMS, place, f"is not the checksum of {name}, whose lines are unchanged")
        place, said = listed.get(files.LINES, (0, ""))
        if hashlib.sha256(self._archive.read(files.LINES)).hexdigest() != said:
            if agree:
                self._say(files.SUMS, place, f"is not the checksum of {files.LINES}, which fits all files")
            else:
                self._say(files.LINES, 0, "was changed: its checksum is another one")

    def _sums(self) -> dict[str, tuple[int, str]]:
        """The line and checksum of each file."""
        found: dict[str, tuple[int, str]] = {}
        for at, line in enumerate(self._archive.read(files.SUMS).decode("utf-8", "replace").splitlines(), 1):
            digest, _, name = line.partition("  ")
            if name not in {*self._contents, files.LINES}:
                self._say(files.SUMS, at, f"names no file of the archive: {line[:_SHOWN]}")
            found[name] = at, digest
        return found

    def _lines(self) -> tuple[dict[str, list[bytes]], dict[str, int]]:
        """The checksums of the lines of each file, and after which line of LINES they stand."""
        found: dict[str, list[bytes]] = {}
        starts: dict[str, int] = {}
        current: list[bytes] = []
        for at, line in enumerate(self._archive.read(files.LINES).splitlines(), start=1):
            if line.startswith(b"# "):
                name = line[2:].decode("utf-8", "replace")
                current, starts[name] = found.setdefault(name, []), at
            else:
                current.append(line)
        return found, starts

    def _looked_over(self, name: str, expected: Sequence[bytes]) -> tuple[str, list[tuple[int, str]], int]:
        """The checksum of a file, its lines that are not what LINES says, and how many it has."""
        digest, count = hashlib.sha256(), 0
        changed: list[tuple[int, str]] = []
        with self._archive.open(name) as file:
            for line in file:
                count += 1
                digest.update(line)
                same = count <= len(expected) and files.checksum(line) == expected[count - 1]
                if not same and len(changed) < _MOST:
                    changed.append((count, line.decode("utf-8", "replace").rstrip("\n")[:_SHOWN]))
        return digest.hexdigest(), changed, count

    # --- figures

    def _recount(self) -> None:
        """Every figure, from the counts, and what is said twice."""
        try:
            text = self._text(files.REPORT)
            document = json.loads(text)
            if not self._framed(document):
                return
            self._shown_as_text(document, text)
            self._same(files.REPORT, text, written(document), "is not written as a report is")
            self._same(
                files.BREACHES,
                self._text(files.BREACHES),
                files.breaches_text(document),
                f"{files.REPORT} has",
            )
            book = self._book(document)
            self._versions(document, book)
            recounted = self._recounted(document, book)
            self._same(files.REPORT, text, written(recounted), "the counts give")
            if self._contents is files.CONTENTS:
                self._explained(document, recounted, book)
        except files.UnreadableError as error:
            self._say(self._reading, error.line, f"cannot be read: {error}")
        except _MISTAKES as error:
            self._say(self._reading, 0, f"cannot be counted again: {type(error).__name__}: {error}")

    def _explained(self, document: Mapping[str, Any], recounted: Mapping[str, Any], book: Book) -> None:
        """The alerts are those of the report, the credits those that the counts give."""
        self._same(files.ALERTS, self._text(files.ALERTS), alerts_text(document), f"{files.REPORT} has")
        said = self._text(files.CREDITS)
        self._same(files.CREDITS, said, credits_text(recounted, book), "the counts give")

    def _framed(self, document: Mapping[str, Any]) -> bool:
        """The month has the borders and the slots that it can have: nothing is counted over others."""
        label, name, slot = document["month"], document["timezone"], document["slot_seconds"]
        try:
            begins, ends = bounds(label, ZoneInfo(name))
        except OSError as error:  # a directory of timezones
            raise ValueError(f"no timezone {name!r}") from error
        if (document["start"], document["end"]) != (begins, ends):
            self._say(
                files.REPORT, 0, f"its start and end are not those of {label} in {name}: {begins}, {ends}"
            )
        if type(slot) is not int or not 0 < slot <= _LONGEST_SLOT:
            self._say(files.REPORT, 0, f"no slot has {slot!r:.40} seconds")
        return not any(each.file == files.REPORT and not each.line for each in self._found)

    def _shown_as_text(self, document: Mapping[str, Any], text: str) -> None:
        """The text is that of the figures; one of another version of the worker may have other words."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        shown = self._text(files.TEXT)
        if document["worker_version"] == __version__:
            self._same(files.TEXT, shown, month_text(document, digest), f"{files.REPORT} makes it")
        elif digest not in shown:
            self._say(files.TEXT, 0, f"does not name the SHA-256 of {files.REPORT}, {digest}")
        self._reading = files.REPORT

    _reading = files.REPORT

    def _text(self, name: str) -> str:
        self._reading = name
        return self._archive.read(name).decode("utf-8")

    def _book(self, document: Mapping[str, Any]) -> Book:
        definitions, versions = files.read_definitions_text(self._text(files.DEFINITIONS))
        since = files.read_series(files.lines_of(self._text(files.SERIES)))
        frozen = {(each["sla"], each["component"]): each["since"] for each in document["series"]}
        self._same(
            files.SERIES, self._text(files.SERIES), files.series_text(frozen), f"by {files.REPORT} it is"
        )
        text = self._text(files.LEFT_OUT)
        left_out = files.read_left_out(files.lines_of(text))
        wanted = dict.fromkeys([*((each.key, each.component) for each in definitions), *since])
        said = {where: spans for where in wanted if (spans := _left_out(document, where))}
        self._same(files.LEFT_OUT, text, files.left_out_text(said), f"by {files.REPORT} it is")
        return Book(definitions, versions, since, dict(left_out))

    def _versions(self, document: Mapping[str, Any], book: Book) -> None:
        """The contents have the hashes that are in the report, and say what judged."""
        self._reading = files.DEFINITIONS
        keys = {each.id: each.key for each in book.definitions}
        said = {(each["sla"], each["version"]): each for each in document["versions"]}
        for key, number in said.keys() - {(keys[each.sla_id], each.number) for each, _ in book.versions}:
            self._say(files.DEFINITIONS, 0, f"{key}, version {number}: is missing")
        for version, content in book.versions:
            key = keys[version.sla_id]
            frozen = said.get((key, version.number))
            where = f"{key}, version {version.number}"
            if frozen is not None and frozen["hash"] != version.content_hash:
                self._say(files.DEFINITIONS, 0, f"{where}: its hash is another one than in {files.REPORT}")
            if frozen is not None and frozen["objective_ratio"] != version.objective_ratio:
                self._say(files.DEFINITIONS, 0, f"{where}: another objective than in {files.REPORT}")
            if content is None and version.content_hash is not None and version.enabled:
                self._say(files.DEFINITIONS, 0, f"{where}: its content is missing")
            if content is None or version.content_hash is None:
                continue
            definition = read(content, key=key, name=key)
            if fingerprint(definition) != version.content_hash:
                self._say(files.DEFINITIONS, 0, f"{where}: its hash is not that of its content")
            if (definition.target, definition.comparison, definition.unit) != (
                version.target_value,
                version.comparison,
                version.unit,
            ):
                self._say(files.DEFINITIONS, 0, f"{where}: its content has another target")

    def _recounted(self, document: Mapping[str, Any], book: Book) -> dict[str, Any]:
        """The report with every figure counted again."""
        times = document["start"], document["end"]
        with (
            tempfile.TemporaryDirectory(prefix="sla-evidence-") as directory,
            closing(
                SLADatabase(
                    Path(directory) / "counts.db",
                    grid=Grid(document["slot_seconds"], 1),
                    zone=ZoneInfo(document["timezone"]),
                    clock=lambda: times[1],
                )
            ) as database,
        ):
            self._reading = files.COUNTS
            with self._archive.open(files.COUNTS) as file:
                lines = io.TextIOWrapper(file, "utf-8", newline="")
                database.books.take(book, self._placed(book, files.read_counts(lines), times), *times)
            statuses = database.status_of_period(*times)
        self._reading = files.REPORT
        breaches = [_breach(each) for each in document["breaches"]]
        made = copy.deepcopy(dict(document))
        made["overall"] = overall(statuses, len(breaches), times)
        made["slas"] = [sla(each, breaches, times) for each in statuses]
        return _settled(made, document)  # type: ignore[no-any-return]

    def _placed(self, book: Book, rows: Iterable[HourCounts], times: tuple[int, int]) -> Iterator[HourCounts]:
        """The rows; what lies in no hour of the month, or was judged by another version, is named."""
        keys = {each.id: each.key for each in book.definitions}
        held: dict[str, list[tuple[int, int]]] = {}
        for version, _ in book.versions:
            held.setdefault(keys[version.sla_id], []).append((version.valid_from, version.number))
        for line, each in enumerate(rows, start=2):
            if not (times[0] <= each.start < each.end <= min(times[1], each.start + HOUR_SECONDS)):
                self._say(files.COUNTS, line, "is no hour of the month, nor a part of one")
            number = [number for begins, number in held[each.key] if number == 1 or begins < each.end][-1]
            if each.version != number:
                self._say(
                    files.COUNTS, line, f"version {each.version:.9g}, but version {number} was in force"
                )
            yield each

    def _same(self, name: str, text: str, expected: str, who: str) -> None:
        for at, is_, should in _pairs(text, expected):
            self._say(name, at, f"{_said(is_)}, but {who} {_said(should)}")


def _pairs(text: str, expected: str) -> Iterator[tuple[int, str, str]]:
    """The lines that differ, with what they should be."""
    is_, should = text.split("\n"), expected.split("\n")
    length = max(len(is_), len(should))
    is_ += [""] * (length - len(is_))
    should += [""] * (length - len(should))
    for at, (one, other) in enumerate(zip(is_, should, strict=True), start=1):
        if one != other:
            yield at, one[:_SHOWN], other[:_SHOWN]


def _said(line: str) -> str:
    return line.strip().rstrip(",") or "nothing"


def _left_out(document: Mapping[str, Any], where: tuple[str, str]) -> list[tuple[int, int]]:
    """The time of a component that does not count, by the exclusions and corrections of a report."""
    key, component = where
    start, end = document["start"], document["end"]
    spans: list[tuple[int, int]] = []
    for each in document["exclusions"]:
        components = each["scope"]["components"]
        since = [one["since"] for one in each["covers"] if one["sla"] == key]
        if each["revoked_at"] is None and since and (not components or component in components):
            spans += [(max(begin, since[0]), until) for begin, until in each["times"]]
    for each in document["corrections"]:
        concerned = each["sla"] == key and (not each["components"] or component in each["components"])
        if concerned and each["counts_as"] == "excluded" and each["revoked_at"] is None:
            spans.append((max(each["start"], start), min(each["end"], end)))
    return merged(spans)


def _breach(values: Mapping[str, Any]) -> Breach:
    return Breach(
        id=values["id"],
        name="",
        key=values["sla"],
        component=values["component"],
        description="",
        severity=values["severity"],
        unit="",
        comparison=Comparison.AT_LEAST,
        target=values["target"],
        worst=values["worst"],
        started_at=values["started_at"],
        ended_at=values["ended_at"],
    )


def _settled(made: Any, said: Any) -> Any:
    """What was counted again; where it is as good as what is said, that."""
    if isinstance(made, dict) and isinstance(said, dict):
        return {name: _settled(value, said.get(name)) for name, value in made.items()}
    if isinstance(made, list) and isinstance(said, list) and len(made) == len(said):
        return [_settled(one, other) for one, other in zip(made, said, strict=True)]
    if type(made) is float and type(said) is float and not made.is_integer():
        return said if math.isclose(made, said, rel_tol=_CLOSE, abs_tol=_CLOSE) else made
    return made
