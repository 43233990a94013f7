"""The credits of a month, proposals and decisions as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.model.credit import Proposal, Stage
from sla_worker.render.format import NONE, moment, ratio
from sla_worker.render.tables import text_table


def text_credits(values: Mapping[str, Any], zone: ZoneInfo) -> str:
    """A table of what is owed for each SLA that has credits; of the running month said to be an estimate."""
    heading = f"Credits of {values['month']}"
    if values["estimate"]:
        heading += f", an estimate: the month so far, up to {moment(values['end'], zone)}"
    if not values["credits"]:
        return f"{heading}\n\nNo SLA has credits: give one `credits:` in sla_thresholds.yml"
    rows = [
        (
            each["title"],
            ratio(each["compliance_ratio"]),
            ratio(each["coverage_ratio"]),
            NONE if each["below_percent"] is None else f"below {each['below_percent']} %",
            _credit(each),
        )
        for each in values["credits"]
    ]
    header = ("SLA", "Compliance", "Coverage", "Tier", "Credit")
    return f"{heading}\n\n{text_table(header, rows, right=frozenset({1, 2}))}"


def _credit(each: Mapping[str, Any]) -> str:
    percent, leaves = (
        None if each[name] is None else Decimal(each[name])
        for name in ("credit_percent", "yearly_cap_leaves_percent")
    )
    words = f"none: {each['reason']}" if percent is None else f"{each['credit_percent']} %"
    return words + capped(percent, leaves)


def capped(percent: Decimal | None, leaves: Decimal | None) -> str:
    """What is said behind a credit of which the yearly cap leaves less, as of now; else nothing."""
    if percent is None or leaves is None or percent <= leaves:
        return ""
    return f", of which the yearly cap leaves {leaves:f} %"


def estimate_lines(
    found: Sequence[tuple[str, Decimal | None, str | None, Decimal | None]],
) -> tuple[str, ...]:
    """What would be owed for a month that is not frozen, by SLA: percent, or why there is no figure.

    Last of each is what the yearly cap leaves; None: it has none.
    """
    if not found:
        return ()
    said = [
        (f"{title}: no figure, {why}" if percent is None else f"{title}: {percent} %") + capped(percent, left)
        for title, percent, why, left in found
        if percent != 0
    ]
    return ("An estimate, until the month is frozen:", *said) if said else ("Nothing is owed so far.",)


def proposal_lines(found: Sequence[tuple[Proposal, Decimal | None]]) -> tuple[str, ...]:
    """What became of the proposals of a month, each with what the yearly cap leaves; how one is decided."""
    said = []
    for each, left in found:
        if each.stage in {Stage.SUPERSEDED, Stage.NOTHING_OWED}:
            continue
        percent = each.proposed.percent
        amount = f"no figure, {each.proposed.why}" if percent is None else f"{percent} %"
        if each.stage is Stage.APPROVED:
            amount = f"{each.approved_percent} %"
        elif each.stage is Stage.OPEN:
            amount += capped(percent, left)
        said.append(f"{each.stage}: {each.proposed.title}, {amount} (proposal {each.id})")
    if any(each.stage is Stage.OPEN for each, _ in found):
        said.append("Decide with: make sla-credits do=list")
    return tuple(said) or ("Nothing is owed.",)


def text_proposals(found: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    """A table of proposals, and how those that are open are decided."""
    if not found:
        return "no credit is proposed; a month's credits are proposed when it is frozen"
    rows = [
        (
            str(each["id"]),
            f"{each['month']} r{each['revision']}",
            each["title"],
            ratio(each["compliance_ratio"]),
            ratio(each["coverage_ratio"]),
            NONE if each["credit_percent"] is None else f"{each['credit_percent']} %",
            each["stage"],
            each["claim_until"] or NONE,
            proposal_remark(each, zone),
        )
        for each in found
    ]
    header = ("No.", "Month", "SLA", "Compliance", "Coverage", "Credit", "Stage", "Claim until", "")
    table = text_table(header, rows, right=frozenset({0, 3, 4, 5}))
    if any(each["stage"] == Stage.OPEN for each in found):
        table += "\n\nTo decide: sla credits approve ID… | decline ID… --author NAME --reason TEXT"
    return table


def proposal_remark(each: Mapping[str, Any], zone: ZoneInfo) -> str:
    """Why there is no figure, what it supersedes, and every decision."""
    said = [each["reason"]] if each["reason"] else []
    if each["supersedes"] is not None:
        said.append(f"supersedes {each['supersedes']}")
    if each["superseded_by"] is not None:
        said.append(f"superseded by {each['superseded_by']}")
    for one in each["decisions"]:
        granted = f" {one['percent']} %" if one["decision"] == "approved" else ""
        said.append(
            f"{one['decision']}{granted} {moment(one['decided_at'], zone)} by {one['author']}:"
            f" {one['reason']}"
        )
        if one["revoked_at"] is not None:
            said.append(
                f"revoked {moment(one['revoked_at'], zone)} by {one['revoked_by']}: {one['revoke_reason']}"
            )
    leaves, wants = each["yearly_cap_leaves_percent"], each["credit_percent"]
    if (
        each["stage"] == Stage.OPEN
        and leaves is not None
        and (wants is None or Decimal(leaves) < Decimal(wants))
    ):
        said.append(f"the yearly cap leaves {leaves} %")
    return "; ".join(said)


def decision_lines(action: str, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was decided, a line for each proposal."""
    lines = []
    for each in found:
        of = f"proposal {each['id']}, {each['title']} in {each['month']}"
        if action == "revoke":
            lines.append(f"{of}: decision revoked; it is {each['stage']}")
            continue
        [decision] = [one for one in each["decisions"] if one["revoked_at"] is None]
        if action == "decline":
            lines.append(f"{of}: declined")
            continue
        line = f"{of}: {decision['percent']} % approved"
        proposed = each["credit_percent"]
        if proposed is not None and Decimal(proposed) != Decimal(decision["percent"]):
            line += f", {proposed} % was proposed"
        lines.append(line)
    return lines
