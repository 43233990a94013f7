"""The credits of a month as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

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
            f"none: {each['reason']}" if each["credit_percent"] is None else f"{each['credit_percent']} %",
        )
        for each in values["credits"]
    ]
    header = ("SLA", "Compliance", "Coverage", "Tier", "Credit")
    return f"{heading}\n\n{text_table(header, rows, right=frozenset({1, 2}))}"
