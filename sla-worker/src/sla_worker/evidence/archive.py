"""Writes the evidence of a frozen month: the same bytes for the same month, whenever it is written."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.evidence import files
from sla_worker.evidence.checking import verify
from sla_worker.evidence.consequences import alerts_text, credits_text
from sla_worker.evidence.explained import readme
from sla_worker.model import FrozenMonth

_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAMED = 5


class EvidenceError(SLAWorkerError):
    """No evidence can be given, or none that its own check would accept."""


def write_evidence(database: SLADatabase, month: FrozenMonth, target: Path) -> None:
    """Write the archive of the newest revision of a month. It is checked before it has its name.

    Raises EvidenceError; then there is no file.
    """
    newest = database.months.get(month.month)
    if newest is not None and newest.revision != month.revision:
        raise EvidenceError(
            f"{month.month}: the ledger has the counts of revision {newest.revision} only;"
            f" its evidence of revision {month.revision} is what was written then"
        )
    if month.touched:
        raise EvidenceError(
            f"{month.month}: was changed ({month.touched}) and is not frozen again yet;"
            " try again in a minute, with the sla-worker running"
        )
    if database.books.hours_after() > month.start:
        raise EvidenceError(
            f"{month.month}: its hours are deleted, only sums of days are kept (SLA_KEEP_HOURS);"
            " write the evidence of a month while they are there, and keep it"
        )
    write_checked(database, month, target)


def write_checked(database: SLADatabase, month: FrozenMonth, target: Path) -> None:
    """Write the archive of a revision that has the counts of the ledger, and check it; see above."""
    partial = Path(f"{target}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(database, month, partial)
        if found := verify(partial):
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            raise EvidenceError(
                f"{month.month}: the counts do not give what is frozen:"
                f" {'; '.join(map(str, found[:_NAMED]))}{more}"
            )
        partial.replace(target)
    except OSError as error:
        raise EvidenceError(f"{target}: cannot be written ({error}); give another file") from error
    finally:
        partial.unlink(missing_ok=True)


def _write(database: SLADatabase, month: FrozenMonth, target: Path) -> None:
    document = json.loads(database.months.document(month))
    shown = {each["sla"]: each for each in reversed(document["slas"])}
    keys = list(dict.fromkeys(each["sla"] for each in document["slas"]))
    book = database.books.book(keys, month.start, month.end)
    book = type(book)(
        tuple(files.named(each, shown[each.key]) for each in book.definitions),
        book.versions,
        book.since,
        book.left_out,
    )
    texts: Mapping[str, Iterable[str]] = {
        files.README: [readme(document)],
        files.REPORT: [database.months.document(month)],
        files.TEXT: [database.months.content(month)],
        files.COUNTS: _counts(database, keys, month),
        files.DEFINITIONS: [files.definitions_text(book)],
        files.SERIES: [files.series_text(book.since)],
        files.LEFT_OUT: [files.left_out_text(book.left_out)],
        files.BREACHES: [files.breaches_text(document)],
        files.ALERTS: [alerts_text(document)],
        files.CREDITS: [credits_text(document, book)],
    }
    write_archive(target, texts)


def _counts(database: SLADatabase, keys: list[str], month: FrozenMonth) -> Iterator[str]:
    yield files.csv_line(files.COUNT_COLUMNS)
    for each in database.books.hours(keys, month.start, month.end):
        yield files.count_line(each)


def write_archive(target: Path, texts: Mapping[str, Iterable[str]]) -> None:
    """The files with their checksums, as one archive without times or owners."""
    sums: list[tuple[str, str]] = []
    lines: list[bytes] = []
    with zipfile.ZipFile(target, "w") as archive:
        for name in (each for each in files.CONTENTS if each in texts):
            digest = hashlib.sha256()
            lines.append(f"# {name}\n".encode())
            with archive.open(_entry(name), "w", force_zip64=True) as out:
                for chunk in texts[name]:
                    data = chunk.encode()
                    digest.update(data)
                    out.write(data)
                    lines += [files.checksum(line.encode()) + b"\n" for line in files.lines_of(chunk)]
            sums.append((digest.hexdigest(), name))
        content = b"".join(lines)
        archive.writestr(_entry(files.LINES), content)
        sums.append((hashlib.sha256(content).hexdigest(), files.LINES))
        archive.writestr(_entry(files.SUMS), "".join(f"{digest}  {name}\n" for digest, name in sums))


def _entry(name: str) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, _EPOCH)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = 3  # Unix, wherever it is written
    made.external_attr = 0o644 << 16
    return made
