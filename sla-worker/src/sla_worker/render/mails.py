"""The mail about a breach."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sla_worker.model import BadBefore, Breach, Causes, Mail
from sla_worker.render.format import (
    NONE,
    RED,
    beside,
    cause_words,
    length,
    lingering_words,
    moment,
    target,
)
from sla_worker.render.templates import template


def breach_mail(
    breach: Breach,
    now: int,
    zone: ZoneInfo,
    links: dict[str, str],
    causes: Causes | None = None,
    *,
    bad_before: BadBefore | None = None,
) -> Mail:
    """The mail that goes out at once when a critical or high SLA is breached; `causes` if asked for.

    `bad_before`: it began with the end of maintenance, and had been bad in it.
    """
    facts = [
        ("SLA", breach.title),
        ("Since", moment(breach.started_at, zone)),
        ("Target", target(breach.target, breach.comparison, breach.unit)),
        ("Worst actual", beside(breach.worst, breach.target, breach.comparison, breach.unit)),
        ("Severity", breach.severity),
        ("Description", breach.description or NONE),
    ]
    if bad_before is not None:
        facts.insert(2, ("Before", lingering_words(bad_before, zone)))
    if causes is not None:
        facts.append(("Likely cause", cause_words(causes, zone)))
    if breach.ended_at is not None:  # the mail server may have been away longer than the breach lasted
        facts.insert(
            2, ("Ended", f"{moment(breach.ended_at, zone)}, after {length(breach.duration_seconds(now))}")
        )
    lines = [f"SLA breached: {breach.title}", ""]
    lines += [f"{name + ':':<14}{value}" for name, value in facts]
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/breach.html").render(
        breach=breach,
        colour=RED,
        kicker=f"SLA breached · {breach.severity}",
        lead="",
        facts=facts,
        links=links,
    )
    return Mail(f"[{breach.severity}] SLA breached: {breach.title}", "\n".join(lines) + "\n", html)
