"""What follows from the figures of a month, as files: credits by the tiers, and the alerts at breaches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.credits import claim_until, frozen_credits
from sla_worker.database.counts import Book
from sla_worker.evidence.files import csv_line, number, time
from sla_worker.model import Policy
from sla_worker.sli.content import read

ALERT_COLUMNS = ("breach", "alertname", "severity", "since", "labels", "remark")
CREDIT_COLUMNS = (
    "sla",
    "component",
    "good",
    "total",
    "compliance_ratio",
    "coverage_ratio",
    "credit_percent",
    "below_percent",
    "reason",
    "tiers",
    "yearly_cap",
    "least_amount",
    "claim_until",
)
_FORMER = "not kept: the month was frozen by a version that did not"


def alerts_text(document: Mapping[str, Any]) -> str:
    """The alerts of each breach, a line each; a breach without any has one line that says so."""
    lines = [csv_line(ALERT_COLUMNS)]
    for breach in document["breaches"]:
        found = breach.get("alerts")
        if found is None:
            remark = "not asked for when the month was frozen" if "alerts" in breach else _FORMER
            lines.append(csv_line((breach["id"], "", "", "", "", remark)))
            continue
        lines += [csv_line((breach["id"], *values)) for values in _alerts(found)]
    return "".join(lines)


def _alerts(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for each in found["alerts"]:
        labels = json.dumps(each["labels"], ensure_ascii=False, sort_keys=True)
        since = "" if each["since"] is None else time(each["since"])
        yield each["alertname"], each["severity"], since, labels, "" if since else "since long before"
    if found["trouble"]:
        yield "", "", "", "", f"not known{', or not all' if found['alerts'] else ''}: {found['trouble']}"
    elif not found["alerts"]:
        yield "", "", "", "", "no alert fired when it began"
    if found["total"] > len(found["alerts"]):
        yield "", "", "", "", f"{found['total'] - len(found['alerts'])} more alerts"


def credits_text(document: Mapping[str, Any], book: Book) -> str:
    """What the tiers give for each SLA that has any; what people decided later is not in it."""
    policies = _policies(book)
    zone = ZoneInfo(document["timezone"])
    lines = [csv_line(CREDIT_COLUMNS)]
    for each in frozen_credits(document, policies.__getitem__):
        terms = policies[each.status.key].credit_terms
        until = claim_until(document["end"], terms.claim_days, zone)
        ratio = each.status.compliance_ratio
        values = (
            each.status.key,
            each.status.component,
            number(each.status.good),
            number(each.status.total),
            None if ratio is None else repr(float(ratio)),
            repr(float(each.status.coverage_ratio)),
            each.percent,
            None if each.tier is None else each.tier.below,
            each.reason,
            "; ".join(f"below {tier.below}: {tier.credit}" for tier in each.tiers),
            terms.yearly_cap,
            terms.least_amount,
            until,
        )
        lines.append(csv_line("" if value is None else value for value in values))
    return "".join(lines)


def _policies(book: Book) -> dict[str, Policy]:
    """The policy of each SLA at the end of the month, that of its last version."""
    keys = {each.id: each.key for each in book.definitions}
    found: dict[str, Policy] = {}
    for version, content in book.versions:
        key = keys[version.sla_id]
        found[key] = version.policy if content is None else read(content, key=key, name=key).policy
    return found
