"""The files of an archive as text, each the same for the same values, and read back."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sla_worker.database.counts import Book, HourCounts
from sla_worker.database.definitions import StoredDefinition
from sla_worker.database.versions import StoredVersion
from sla_worker.model import Comparison

REPORT, TEXT, COUNTS = "report.json", "report.txt", "counts.csv"
DEFINITIONS, SERIES, LEFT_OUT, BREACHES = "definitions.json", "series.csv", "left_out.csv", "breaches.csv"
ALERTS, CREDITS = "breach_alerts.csv", "credits.csv"
README, LINES, SUMS = "README.txt", "LINES", "SHA256SUMS"
FORMER = (README, REPORT, TEXT, COUNTS, DEFINITIONS, SERIES, LEFT_OUT, BREACHES)
"""What an archive has that was written before there were alerts and credits in it."""

LATER = (ALERTS, CREDITS)
CONTENTS = (*FORMER, *LATER)
"""In the order of the archive; then come LINES and SHA256SUMS, which are of all of these."""

COUNT_COLUMNS = (
    "start",
    "end",
    "sla",
    "component",
    "version",
    "good",
    "total",
    "measured_slots",
    "left_out_slots",
    "good_as_measured",
    "total_as_measured",
)
SERIES_COLUMNS = ("sla", "component", "since")
LEFT_OUT_COLUMNS = ("sla", "component", "start", "end")
BREACH_COLUMNS = (
    "id",
    "sla",
    "component",
    "severity",
    "target",
    "worst",
    "started_at",
    "ended_at",
    "lasts_beyond",
)
_HEX = 8  # letters of a line's checksum


class UnreadableError(Exception):
    """A line of a file cannot be read; `line` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def csv_line(values: Iterable[object]) -> str:
    """One line of a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()


def number(value: float) -> str:
    """A number with all its digits, a whole one without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def time(moment: int) -> str:
    """2026-03-01T00:00:00Z."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(text: str) -> int:
    """Back again. Raises ValueError."""
    found = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    return int(found.timestamp())


def lines_of(text: str) -> list[str]:
    """Its lines with their ends; only a newline ends one."""
    return list(io.StringIO(text, newline="\n"))


def checksum(line: bytes) -> bytes:
    """What LINES has of a line."""
    return f"{zlib.crc32(line):08x}".encode()


# --- counts, series, left out, breaches


def count_line(each: HourCounts) -> str:
    """One hour, or piece of one, of one component."""
    return csv_line(
        (
            time(each.start),
            time(each.end),
            each.key,
            each.component,
            each.version,
            number(each.good),
            number(each.total),
            number(each.measured_slots),
            each.left_out_slots,
            number(each.good_as_measured),
            number(each.total_as_measured),
        )
    )


def read_counts(lines: Iterable[str]) -> Iterator[HourCounts]:
    """Raises UnreadableError."""
    for place, values in _rows(lines, COUNT_COLUMNS):
        try:
            yield HourCounts(
                seconds(values[0]),
                seconds(values[1]),
                values[2],
                values[3],
                int(values[4]),
                float(values[5]),
                float(values[6]),
                float(values[7]),
                int(values[8]),
                float(values[9]),
                float(values[10]),
            )
        except ValueError as error:
            raise UnreadableError(place, str(error)) from error


def series_text(since: Mapping[tuple[str, str], int]) -> str:
    """From when on each series counts."""
    rows = ((key, component, time(each)) for (key, component), each in since.items())
    return "".join([csv_line(SERIES_COLUMNS), *map(csv_line, rows)])


def left_out_text(left_out: Mapping[tuple[str, str], Iterable[tuple[int, int]]]) -> str:
    """The time of each component that does not count."""
    rows = (
        (key, component, time(start), time(end))
        for (key, component), spans in left_out.items()
        for start, end in spans
    )
    return "".join([csv_line(LEFT_OUT_COLUMNS), *map(csv_line, rows)])


def read_series(lines: Iterable[str]) -> dict[tuple[str, str], int]:
    """Raises UnreadableError."""
    found: dict[tuple[str, str], int] = {}
    for place, values in _rows(lines, SERIES_COLUMNS):
        try:
            found[values[0], values[1]] = seconds(values[2])
        except ValueError as error:
            raise UnreadableError(place, str(error)) from error
    return found


def read_left_out(lines: Iterable[str]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Raises UnreadableError."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for place, values in _rows(lines, LEFT_OUT_COLUMNS):
        try:
            span = seconds(values[2]), seconds(values[3])
        except ValueError as error:
            raise UnreadableError(place, str(error)) from error
        found.setdefault((values[0], values[1]), []).append(span)
    return found


def breaches_text(document: Mapping[str, Any]) -> str:
    """The breaches of a report."""
    lines = [csv_line(BREACH_COLUMNS)]
    for each in document["breaches"]:
        shown = each | {name: time(each[name]) for name in ("started_at", "ended_at")}
        shown["lasts_beyond"] = "yes" if each["lasts_beyond"] else "no"
        lines.append(csv_line("" if shown[name] is None else shown[name] for name in BREACH_COLUMNS))
    return "".join(lines)


def _rows(lines: Iterable[str], columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    try:
        for values in reader:
            if reader.line_num == 1 and tuple(values) != columns:
                raise UnreadableError(1, f"the columns are not {','.join(columns)}")
            if len(values) != len(columns):
                raise UnreadableError(reader.line_num, f"{len(values)} values, not {len(columns)}")
            if reader.line_num > 1:
                yield reader.line_num, values
    except csv.Error as error:
        raise UnreadableError(reader.line_num, str(error)) from error


# --- definitions


def definitions_text(book: Book) -> str:
    """Every SLA with its versions up to the end of the month; `content` is all that a version judges by."""
    made = []
    for definition in book.definitions:
        made.append(
            {
                "sla": definition.key,
                "name": definition.name,
                "severity": definition.severity,
                "component": definition.component,
                "from_file": definition.from_file,
                "versions": [
                    {
                        "version": each.number,
                        "valid_from": each.valid_from,
                        "made_at": each.made_at,
                        "reason": each.reason,
                        "in_force": each.enabled,
                        "category": each.category,
                        "comparison": str(each.comparison),
                        "target": each.target_value,
                        "unit": each.unit,
                        "percentile": each.percentile,
                        "hash": each.content_hash,
                        "details": each.details,
                        "content": content,
                    }
                    for each, content in book.versions
                    if each.sla_id == definition.id
                ],
            }
        )
    return json.dumps(made, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_definitions_text(
    text: str,
) -> tuple[tuple[StoredDefinition, ...], tuple[tuple[StoredVersion, str | None], ...]]:
    """Raises ValueError, KeyError or TypeError."""
    definitions: list[StoredDefinition] = []
    versions: list[tuple[StoredVersion, str | None]] = []
    for number_, each in enumerate(json.loads(text), start=1):
        own = [(_version(number_, one), one["content"]) for one in each["versions"]]
        last = own[-1][0]
        definitions.append(
            StoredDefinition(
                id=number_,
                created_at=0,
                key=each["sla"],
                name=each["name"],
                category=last.category,
                description="",
                metric_name="",
                component=each["component"],
                comparison=last.comparison,
                target_value=last.target_value,
                unit=last.unit,
                severity=each["severity"],
                percentile=last.percentile,
                from_file=bool(each["from_file"]),
                enabled=True,
                details=last.details,
            )
        )
        versions += own
    return tuple(definitions), tuple(versions)


def named(definition: StoredDefinition, shown: Mapping[str, Any]) -> StoredDefinition:
    """As a report names it."""
    return replace(definition, name=shown["name"], severity=shown["severity"])


def _version(sla_id: int, values: Mapping[str, Any]) -> StoredVersion:
    return StoredVersion(
        sla_id=sla_id,
        number=values["version"],
        valid_from=values["valid_from"],
        made_at=values["made_at"],
        reason=values["reason"],
        category=values["category"],
        comparison=Comparison(values["comparison"]),
        target_value=values["target"],
        unit=values["unit"],
        percentile=values["percentile"],
        enabled=values["in_force"],
        details=values["details"],
        content_hash=values["hash"],
    )
