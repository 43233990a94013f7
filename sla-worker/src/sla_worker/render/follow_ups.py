"""The mails that follow on the first one about a breach: again, worse, it lasts, it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sla_worker.conventions import (
    BREACH_AGAIN_MAIL,
    BREACH_END_MAIL,
    BREACH_LASTS_MAIL,
    BREACH_WORSE_MAIL,
)
from sla_worker.model import BadBefore, Breach, Causes, Comparison, Mail
from sla_worker.render.format import (
    GREEN,
    GREY,
    RED,
    beside,
    cause_words,
    length,
    lingering_words,
    moment,
    target,
)
from sla_worker.render.templates import template

_SHOWN = 10
_NONE = (
    "Its slots were measured again, corrected or excluded since, and none of them is a breach. Nothing needs"
    " to be done."
)
_EXCLUDED = (
    "It ended because the time after it does not count: maintenance. That says nothing about how the SLA"
    " does now."
)
_FLAPPED = (
    "It came and went: {count} breaches, {length} in total. From the second one on, the end is told once an"
    " hour has passed without another."
)
_TITLES: Final[Mapping[str, str]] = {
    BREACH_AGAIN_MAIL: "SLA breached again",
    BREACH_LASTS_MAIL: "SLA still breached after {lasted}",
    BREACH_WORSE_MAIL: "SLA breach is getting worse",
}


@dataclass(frozen=True, slots=True)
class Thread:
    """What a thread of mails is about: its breaches, oldest first, as they are now; empty: there was none.

    `about` is the newest of them, `excluded` says that the time after it does not count. `bad_before`: it
    began with the end of maintenance, and had been bad in it.
    """

    about: Breach
    breaches: tuple[Breach, ...]
    excluded: bool
    causes: Causes | None
    bad_before: BadBefore | None = None


def follow_up_mail(kind: str, thread: Thread, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail of a kind. It says how things stand when it is made, which may be later than it was owed."""
    tag, title, colour, lead = _words(kind, thread, now)
    about, facts = thread.about, _facts(thread, now, zone)
    lines = [f"{title}: {about.title}", "", *([lead, ""] if lead else [])]
    lines += [f"{name + ':':<14}{value}" for name, value in facts]
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/breach.html").render(
        breach=about, colour=colour, kicker=f"{title} · {tag}", lead=lead, facts=facts, links=links
    )
    return Mail(f"[{tag}] {title}: {about.title}", "\n".join(lines) + "\n", html)


def _words(kind: str, thread: Thread, now: int) -> tuple[str, str, str, str]:
    """The tag of the subject, the title, the colour, and what stands above the facts."""
    about, count = thread.about, len(thread.breaches)
    if not count:
        return "no breach", "SLA not breached after all", GREY, _NONE
    lasted = length(about.duration_seconds(now))
    together = length(sum(each.duration_seconds(now) for each in thread.breaches))
    flapped = _FLAPPED.format(count=count, length=together) if count > 1 else ""
    if about.ended_at is None:
        title = _TITLES.get(kind, _TITLES[BREACH_LASTS_MAIL]).format(lasted=lasted)
        return about.severity, title, RED, flapped
    if kind != BREACH_END_MAIL:
        return about.severity, f"SLA was breached for {lasted}", RED, flapped
    lead = " ".join(filter(None, (flapped, _EXCLUDED if thread.excluded else "")))
    title = f"SLA breach is over after {lasted}"
    if count > 1:
        title = f"SLA breaches are over, {count} in {length(about.ended_at - thread.breaches[0].started_at)}"
    return "resolved", title, GREY if thread.excluded else GREEN, lead


def _facts(thread: Thread, now: int, zone: ZoneInfo) -> list[tuple[str, str]]:
    about = thread.about
    facts = [("SLA", about.title)]
    if not thread.breaches:
        return [*facts, ("Told from", moment(about.started_at, zone))]
    if len(thread.breaches) > _SHOWN:
        facts.append(("Not shown", f"{len(thread.breaches) - _SHOWN} earlier ones"))
    for each in thread.breaches[-_SHOWN:]:
        lasted = length(each.duration_seconds(now))
        began = moment(each.started_at, zone)
        if each.ended_at is None:
            facts.append(("Breach", f"since {began}, {lasted} so far"))
        else:
            facts.append(("Breach", f"{began} to {moment(each.ended_at, zone)}, {lasted}"))
    if thread.bad_before is not None:
        facts.append(("Before", lingering_words(thread.bad_before, zone)))
    worst = [each.worst for each in thread.breaches if each.worst is not None]
    pick = min if about.comparison is Comparison.AT_LEAST else max
    facts += [
        ("Target", target(about.target, about.comparison, about.unit)),
        ("Worst actual", beside(pick(worst) if worst else None, about.target, about.comparison, about.unit)),
        ("Severity", about.severity),
    ]
    if thread.causes is not None:
        facts.append(("Likely cause", cause_words(thread.causes, zone)))
    return facts
