"""Where a figure comes from, as people read it: in the terminal and on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.model import BreachAlert, Budget, Causes, correction_of
from sla_worker.render.format import apart, budget_words, cause_words, moment, objective, ratio
from sla_worker.render.tables import text_table
from sla_worker.render.templates import template
from sla_worker.spans import NAMED

_NUMBERS = frozenset(
    {"good", "total", "counted_good", "counted_total", "measured_slots", "left_out_slots", "weight"}
    | {"coverage"}
)
_TIMES = frozenset({"slot", "start", "end", "valid_from", "started_at", "ended_at", "replaced_at"})
_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("Versions", "versions", "version valid_from comparison target unit in_force reason"),
    ("Members", "members", "member weight compliance_ratio"),
    (
        "Added up from",
        "parts",
        "from start end version component good total measured_slots left_out_slots",
    ),
    (
        "Slots, as measured",
        "slots",
        "slot component good total coverage actual target state version late",
    ),
    ("Replaced rows", "replaced", "slot component good total state reason replaced_at"),
    ("Excluded", "excluded", "id start end of author reason"),
    ("Corrected", "corrected", "id start end of says author reason"),
    ("Breaches", "breaches", "id component started_at ended_at target worst"),
    ("Breaches, as measured", "measured", "component started_at ended_at target worst"),
)
_COUNTED = ("counted_good", "counted_total", "counted_state")


@dataclass(frozen=True, slots=True)
class Section:
    """A table: its title, its head, its cells, and which of its columns are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int]


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation in words. `figures` has a line a component, and that about its budget, if there is one.

    `rows` is how many slots are too many to be shown; 0: all of them are.
    """

    period: str
    figures: tuple[tuple[str, str | None], ...]
    sections: tuple[Section, ...]
    causes: tuple[str, ...]
    rows: int
    queries: tuple[tuple[str, int, str], ...]


def _counts(figures: Mapping[str, Any], *, composite: bool) -> str:
    """What was counted and its share; of a composite, whose slots are marks, what its members make."""
    compliance = apart(figures["compliance_ratio"], figures["held_to_ratio"])
    if composite:
        return f"{compliance}, the weighted mean of its members"
    return f"{figures['good']:.15g} good of {figures['total']:.15g} = {compliance}"


def explained(found: Mapping[str, Any], zone: ZoneInfo) -> Explained:
    """An explanation (explain.py) in words."""
    return Explained(
        period=f"{moment(found['start'], zone)} to {moment(found['end'], zone)}",
        figures=tuple(
            (
                f"{each['component']}: {_counts(each, composite=bool(found['members']))},"
                f" held to {objective(each['held_to_ratio'])},"
                f" {ratio(each['coverage_ratio'])} measured",
                budget_words(Budget(**each["error_budget"])),
            )
            for each in found["figures"]
        ),
        sections=tuple(_sections(found, zone)),
        causes=tuple(
            f"breach {each['id']}, likely cause: {cause_words(_causes(each['causes']), zone)}"
            for each in found["breaches"]
            if each["causes"] is not None
        ),
        rows=found["slot_rows"] if found["slots"] is None else 0,
        queries=tuple((each["query"], each["time"], each["gives"]) for each in found["queries"]),
    )


def explained_text(found: Mapping[str, Any], zone: ZoneInfo) -> str:
    """An explanation as text."""
    made = explained(found, zone)
    lines = [f"{found['sla']}, slots from {made.period}"]
    for words, budget in made.figures:
        lines += [words, *([f"  {budget}"] if budget else [])]
    for section in made.sections:
        lines += ["", section.title, text_table(section.head, section.rows, right=section.right)]
    lines += [f"  {each}" for each in made.causes]
    if made.rows:
        lines += ["", f"{made.rows} rows of slots; ask for a shorter period to see them"]
    if made.queries:
        lines += ["", "Ask Prometheus yourself (/api/v1/query)"]
        for query, time, gives in made.queries:
            lines += [f"  query={query}", f"  time={time}    {gives}"]
    return "\n".join(lines)


def explained_page(found: Mapping[str, Any], name: str, asked: str, zone: ZoneInfo) -> str:
    """An explanation as a page; `name` is that of the SLA, `asked` the period as it was asked for."""
    return template("page/explain.html").render(
        sla=found["sla"], name=name, asked=asked, found=explained(found, zone), windows=NAMED
    )


def _sections(found: Mapping[str, Any], zone: ZoneInfo) -> list[Section]:
    differs = [(each["component"], each["started_at"], each["ended_at"]) for each in found["breaches"]] != [
        (each["component"], each["started_at"], each["ended_at"]) for each in found["breaches_as_measured"]
    ]
    shown = {
        **found,
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
    made = []
    for title, key, names in _SECTIONS:
        rows: Sequence[Mapping[str, Any]] = shown[key] or ()
        columns = tuple(names.split())
        if key == "slots" and any(each["counted_state"] is not None for each in rows):
            columns += _COUNTED
        if rows:
            made.append(_section(title, columns, rows, zone))
    return made


def _section(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]], zone: ZoneInfo
) -> Section:
    return Section(
        title,
        tuple(name.replace("_", " ") for name in columns),
        tuple(tuple(_cell(name, row[name], zone) for name in columns) for row in rows),
        frozenset(number for number, name in enumerate(columns) if name in _NUMBERS),
    )


def _causes(values: Mapping[str, Any]) -> Causes:
    return Causes(**{**values, "alerts": tuple(BreachAlert(**each) for each in values["alerts"])})


def _cell(name: str, value: object, zone: ZoneInfo) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _TIMES:
        return moment(int(str(value)), zone)
    if name.endswith("_ratio") and isinstance(value, float):
        return ratio(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)
