"""`sla_explain`: where a figure comes from, down to what Prometheus said."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker import service
from sla_worker.commands.running import Arguments, parser, run
from sla_worker.explain import explain, period
from sla_worker.maintaining import correction_of
from sla_worker.model import BreachAlert, Budget, Causes
from sla_worker.render.format import budget_words, cause_words, moment, ratio
from sla_worker.render.tables import text_table
from sla_worker.settings import read_settings

_NUMBERS = frozenset(
    {"good", "total", "counted_good", "counted_total", "measured_slots", "left_out_slots", "weight"}
    | {"coverage"}
)


def main(argv: Arguments = None) -> int:
    """Print what stands behind the figures of one SLA in a slot or over a period."""
    options = parser(
        "sla_explain", "Show where a figure comes from: versions, sums, slots, breaches, queries."
    )
    options.add_argument("sla", metavar="SLA", help="the key of an SLA, like api-error-rate")
    options.add_argument(
        "period",
        metavar="TIME|PERIOD",
        help="a slot (2026-03-01T09:00), or 24h, 30d, month, quarter, year, 12m, 2026-03, 2026-Q1, 2026,"
        " 2026-03-01, FROM/TO (REPORT_TIMEZONE)",
    )
    options.add_argument(
        "--json", action="store_true", help="print everything as JSON, times in epoch seconds"
    )
    arguments = options.parse_args(argv)

    def command() -> int:
        settings = read_settings()
        with closing(service.open_database(settings, read_only=True)) as database:
            span = period(arguments.period, database, settings.timezone, time.time())
            found = explain(database, arguments.sla, span.start, span.end, moves=span.moves)
        print(json.dumps(found, indent=2) if arguments.json else text(found, settings.timezone))
        return 0

    return run(command)


def text(found: dict[str, Any], zone: ZoneInfo) -> str:
    """An explanation as people read it."""
    lines = [f"{found['sla']}, slots from {moment(found['start'], zone)} to {moment(found['end'], zone)}"]
    for each in found["figures"]:
        lines.append(
            f"{each['component']}: {each['good']:.15g} good of {each['total']:.15g} ="
            f" {ratio(each['compliance_ratio'])}, held to {ratio(each['held_to_ratio'])},"
            f" {ratio(each['coverage_ratio'])} measured"
        )
        if words := budget_words(Budget(**each["error_budget"])):
            lines.append(f"  {words}")
    sections = (
        (
            "Versions",
            "versions",
            ("version", "valid_from", "comparison", "target", "unit", "in_force", "reason"),
        ),
        ("Members", "members", ("member", "weight", "compliance_ratio")),
        (
            "Added up from",
            "parts",
            (
                "from",
                "start",
                "end",
                "version",
                "component",
                "good",
                "total",
                "measured_slots",
                "left_out_slots",
            ),
        ),
        (
            "Slots, as measured",
            "slots",
            (
                "slot",
                "component",
                "good",
                "total",
                "coverage",
                "actual",
                "target",
                "state",
                "version",
                "late",
            ),
        ),
        (
            "Replaced rows",
            "replaced",
            ("slot", "component", "good", "total", "state", "reason", "replaced_at"),
        ),
        ("Excluded", "excluded", ("id", "start", "end", "of", "author", "reason")),
        ("Corrected", "corrected", ("id", "start", "end", "of", "says", "author", "reason")),
        ("Breaches", "breaches", ("id", "component", "started_at", "ended_at", "target", "worst")),
        ("Breaches, as measured", "measured", ("component", "started_at", "ended_at", "target", "worst")),
    )
    differs = [(each["component"], each["started_at"], each["ended_at"]) for each in found["breaches"]] != [
        (each["component"], each["started_at"], each["ended_at"]) for each in found["breaches_as_measured"]
    ]
    shown = found | {
        "measured": found["breaches_as_measured"] if differs else [],
        "excluded": [
            each | {"start": start, "end": end}
            for each in found["exclusions"]
            for start, end in each["times"]
        ],
        "corrected": [
            each | {"of": made.of, "says": made.words}
            for each in found["corrections"]
            for made in [correction_of(each)]
        ],
    }
    for title, key, columns in sections:
        if rows := shown[key]:
            if key == "slots" and any(each["counted_state"] is not None for each in rows):
                columns = (*columns, "counted_good", "counted_total", "counted_state")  # noqa: PLW2901
            lines += ["", title, _table(columns, rows, zone)]
    lines += [
        f"  breach {each['id']}, likely cause: {cause_words(_causes(each['causes']), zone)}"
        for each in found["breaches"]
        if each["causes"] is not None
    ]
    if found["slots"] is None:
        lines += ["", f"{found['slot_rows']} rows of slots; ask for a shorter period to see them"]
    if found["queries"]:
        lines += ["", "Ask Prometheus yourself (/api/v1/query)"]
        for each in found["queries"]:
            lines += [f"  query={each['query']}", f"  time={each['time']}    {each['gives']}"]
    return "\n".join(lines)


def _causes(values: dict[str, Any]) -> Causes:
    return Causes(**values | {"alerts": tuple(BreachAlert(**each) for each in values["alerts"])})


def _table(columns: Sequence[str], rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> str:
    cells = [[_cell(name, row[name], zone) for name in columns] for row in rows]
    header = [name.replace("_", " ") for name in columns]
    return text_table(header, cells, right=frozenset(n for n, name in enumerate(columns) if name in _NUMBERS))


def _cell(name: str, value: object, zone: ZoneInfo) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in {"slot", "start", "end", "valid_from", "started_at", "ended_at", "replaced_at"}:
        return moment(int(str(value)), zone)
    if name.endswith("_ratio") and isinstance(value, float):
        return ratio(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)
