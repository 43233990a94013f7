"""A frozen month as text. What is printed was rendered when it was frozen; it is kept, not made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.model import UNDIVIDED, BreachAlert, Causes, Comparison, FrozenMonth
from sla_worker.render.format import NONE, cause_words, length, moment, ratio
from sla_worker.render.tables import text_table


def month_text(document: Mapping[str, Any], sha256: str) -> str:
    """All that was frozen."""
    zone, overall = ZoneInfo(document["timezone"]), document["overall"]
    heading = f"SLAs in {document['month']}, revision {document['revision']}"
    facts = [
        ("Period", f"{moment(document['start'], zone)} to {moment(document['end'], zone)}"),
        ("Frozen at", moment(document["frozen_at"], zone)),
        ("Because", document["reason"]),
        ("Overall compliance", ratio(overall["score_ratio"])),
        ("Availability", ratio(overall["availability_ratio"])),
        ("Coverage", f"{ratio(overall['coverage_ratio'])} of the time since each SLA began was measured"),
        ("Number of SLAs", f"{overall['slas']} ({overall['meeting']} meet their target)"),
        ("Breaches", str(overall["breaches"])),
        ("Worker", f"version {document['worker_version']}"),
        ("SHA-256 of the JSON", sha256),
    ]
    width = max(len(name) for name, _ in facts) + 1
    lines = [heading, "=" * len(heading), ""]
    lines += [f"{name + ':':<{width}}  {value}" for name, value in facts]
    rows = [
        (
            _title(each),
            _target(each["target"], Comparison(each["comparison"]), each["unit"]),
            ratio(each["held_to_ratio"]),
            f"{each['good']:.15g}",
            f"{each['total']:.15g}",
            ratio(each["compliance_ratio"]),
            ratio(each["coverage_ratio"]),
            NONE if each["error_budget_remaining_ratio"] is None else _signed(each),
            length(each["breach_seconds"]) if each["breaches"] else NONE,
            each["result"],
        )
        for each in document["slas"]
    ]
    header = (
        "SLA",
        "Target",
        "Held to",
        "Good",
        "Total",
        "Compliance",
        "Coverage",
        "Budget left",
        "In breach",
        "Result",
    )
    lines += ["", text_table(header, rows, right=frozenset(range(1, 9)))]
    lines += _changes(document, zone)
    lines += _exclusions("Maintenance", document["exclusions"], zone)
    lines += _corrections(document["corrections"], zone)
    lines += _breaches(document["breaches"], zone)
    return "\n".join(lines) + "\n"


def _target(value: float, comparison: Comparison, unit: str) -> str:
    """As every release has written it: evidence is checked by making the text of a month again."""
    side = "≥" if comparison is Comparison.AT_LEAST else "≤"
    if unit == "ratio":
        return f"{side} {value * 100:.6g} %"
    return f"{side} {value:.3g} s" if unit == "seconds" else f"{side} {value:g} {unit}"


def months_table(months: Sequence[FrozenMonth]) -> str:
    """Every revision, a line each."""
    rows = [
        (
            each.month,
            str(each.revision),
            ratio(each.compliance_ratio),
            ratio(each.availability_ratio),
            str(each.breaches),
            moment(each.frozen_at, ZoneInfo(each.zone)),
            each.sha256[:12],
            each.reason,
        )
        for each in months
    ]
    header = (
        "Month",
        "Revision",
        "Compliance",
        "Availability",
        "Breaches",
        "Frozen at",
        "SHA-256",
        "Because",
    )
    return text_table(header, rows, right=frozenset({1, 2, 3, 4}))


def _title(each: Mapping[str, Any]) -> str:
    return each["name"] if each["component"] == UNDIVIDED else f"{each['name']} ({each['component']})"


def _signed(each: Mapping[str, Any]) -> str:
    return f"{each['error_budget_remaining_ratio'] * 100:.2f} %"


def _changes(document: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    found = {each["sla"]: each["changes"] for each in document["slas"] if each["changes"]}
    if not found:
        return []
    said = [
        f"{key}: new version from {' and '.join(moment(each, zone) for each in at)}"
        for key, at in found.items()
    ]
    return ["", "Judged otherwise in a part of the month", "", *said]


def _exclusions(title: str, found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[str]:
    if not found:
        return []
    lines = ["", f"{title} (does not count)", ""]
    for each in found:
        times = ", ".join(f"{moment(a, zone)} to {moment(b, zone)}" for a, b in each["times"])
        lines.append(f"{each['id']}: {times}: {each['reason']} ({each['author']}){_revoked(each, zone)}")
    return lines


def _corrections(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[str]:
    if not found:
        return []
    lines = ["", "Corrections", ""]
    for each in found:
        what = each["counts_as"]
        if each["good"] is not None:
            what = f"{each['good']:.15g} good of {each['total']:.15g} a slot"
        times = f"{moment(each['start'], zone)} to {moment(each['end'], zone)}"
        lines.append(
            f"{each['id']}: {each['sla']}, {times}: {what}: {each['reason']} ({each['author']})"
            f"{_revoked(each, zone)}"
        )
    return lines


def _revoked(each: Mapping[str, Any], zone: ZoneInfo) -> str:
    if each["revoked_at"] is None:
        return ""
    return f"; revoked {moment(each['revoked_at'], zone)} by {each['revoked_by']}: {each['revoke_reason']}"


def _breaches(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[str]:
    if not found:
        return []
    rows = [
        (
            each["sla"],
            each["component"],
            each["severity"],
            moment(each["started_at"], zone),
            "lasts beyond the month" if each["lasts_beyond"] else moment(each["ended_at"], zone),
        )
        for each in found
    ]
    table = text_table(("SLA", "Component", "Severity", "From", "To"), rows, right=frozenset())
    return ["", "Breaches", "", table, *_alerts(found, zone)]


def _alerts(breaches: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> list[str]:
    """What fired when each began; nothing of a month that was frozen without it."""
    said = [
        f"{each['sla']}, {moment(each['started_at'], zone)}: {cause_words(_causes(each['alerts']), zone)}"
        for each in breaches
        if each.get("alerts") is not None
    ]
    return ["", "Alerts that fired when they began", "", *said] if said else []


def _causes(found: Mapping[str, Any]) -> Causes:
    return Causes(
        tuple(BreachAlert(**each) for each in found["alerts"]),
        found["total"],
        found["asked_at"],
        found["trouble"],
    )
