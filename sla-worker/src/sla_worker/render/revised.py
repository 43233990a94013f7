"""The mail that a month is final, or final once more: what changed since its report, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.model import FrozenMonth, Mail
from sla_worker.render.format import AMBER, GREEN, NONE, length, moment, ratio
from sla_worker.render.templates import template

_SHOWN = 20
_FINAL = (
    "When the monthly report left, not all of the month could be counted yet. Now it is: these figures stand,"
    " and replace those of the report where they differ."
)
_REVISED = (
    "What counts in this month has changed since its report. These figures replace those of revision"
    " {former}."
)

Document = Mapping[str, Any]


def revised_mail(
    month: FrozenMonth, document: Document, former: Document | None, zone: ZoneInfo, links: dict[str, str]
) -> Mail:
    """The mail about a revision. `former` is the document of the one before; None: it is the first."""
    title = f"{month.month}: " + ("final" if former is None else f"revision {month.revision}")
    means = _FINAL if former is None else _REVISED.format(former=former["revision"])
    facts = [("Why", month.reason)] if former is not None else []
    facts += _facts(document, former)
    facts += [
        ("Frozen", f"revision {month.revision}, {moment(month.frozen_at, zone)}"),
        ("SHA-256", month.sha256),
        ("Evidence", f"make sla-evidence m={month.month}"),
    ]
    subject = f"Monthly SLA report {title}"
    lines = [subject, "", means, "", *(f"{name + ':':<20} {value}" for name, value in facts)]
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/outage.html").render(
        kicker="Monthly SLA report",
        title=title,
        colour=GREEN if former is None else AMBER,
        means=means,
        facts=facts,
        steps=(),
        links=links,
    )
    return Mail(subject, "\n".join(lines) + "\n", html)


def _facts(document: Document, former: Document | None) -> list[tuple[str, str]]:
    """The figures of all SLAs together, and of each one that has changed."""
    facts = [
        ("Compliance", _change(former, document, lambda each: ratio(each["overall"]["score_ratio"]))),
        ("SLAs met", _change(former, document, _met)),
        ("Breaches", _change(former, document, lambda each: str(each["overall"]["breaches"]))),
    ]
    if former is None:
        return facts
    before = {_place(each): each for each in former["slas"]}
    after = {_place(each): each for each in document["slas"]}
    changed = []
    for place in dict.fromkeys([*before, *after]):
        words = _said(before.get(place)), _said(after.get(place))
        if words[0] != words[1]:
            sla = after.get(place) or before[place]
            title = sla["name"] if sla["component"] == "all" else f"{sla['name']} ({sla['component']})"
            changed.append((title, f"{words[0]} → {words[1]}"))
    facts += changed[:_SHOWN]
    if len(changed) > _SHOWN:
        facts.append(("Not shown", f"{len(changed) - _SHOWN} more SLAs that changed"))
    return facts


def _change(former: Document | None, document: Document, words: Any) -> str:
    now = words(document)
    before = now if former is None else words(former)
    return str(now) if now == before else f"{before} → {now}"


def _met(document: Document) -> str:
    return f"{document['overall']['meeting']} of {document['overall']['measured']}"


def _place(sla: Document) -> tuple[str, str]:
    return sla["sla"], sla["component"]


def _said(sla: Document | None) -> str:
    if sla is None:
        return NONE
    return (
        f"{ratio(sla['compliance_ratio'])} {sla['result']}, {ratio(sla['coverage_ratio'])} measured,"
        f" in breach {length(sla['breach_seconds'])}"
    )
