"""The one mail about breaches that were found late: all of a catch-up together, instead of one each."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sla_worker.model import Breach, Mail
from sla_worker.render.format import length, moment, quantity, target
from sla_worker.render.tables import text_table
from sla_worker.render.templates import template

_SHOWN = 50
_MEANS = (
    "They were found in slots that were measured late, or once more. They are over unless it says that they"
    " last: nothing needs to be done at once. They count in the reports like any other breach."
)
_HEADER = ("SLA", "Severity", "From", "Lasted", "Worst", "Target")


def catch_up_mail(breaches: Sequence[Breach], now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail about breaches of the past, oldest first; of very many the newest are shown."""
    count = len(breaches)
    title = f"{count} past breach{'' if count == 1 else 'es'}, found late"
    last = max(breaches, key=lambda each: each.started_at)
    span = f"{moment(breaches[0].started_at, zone)} to {moment(last.ended_at or now, zone)}"
    shown = breaches[-_SHOWN:]
    left_out = f"{count - len(shown)} older ones are not shown." if count > len(shown) else ""
    rows = [
        (
            each.title,
            each.severity,
            moment(each.started_at, zone),
            lasted(each, now),
            quantity(each.worst, each.unit),
            target(each.target, each.comparison, each.unit),
        )
        for each in shown
    ]
    lines = [title, span, "", _MEANS, "", text_table(_HEADER, rows, right=frozenset({4, 5}))]
    lines += ["", left_out] if left_out else []
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/catch_up.html").render(
        title=title, span=span, means=_MEANS, rows=rows, left_out=left_out, links=links
    )
    return Mail(
        f"SLA: {title} ({breaches[0].name}{', …' if count > 1 else ''})", "\n".join(lines) + "\n", html
    )


def lasted(breach: Breach, now: int) -> str:
    """How long, and whether it still does."""
    return length(breach.duration_seconds(now)) + (", lasts" if breach.ended_at is None else "")
