"""The two mails about a Watchdog outage: that no alert would arrive, and that alerting works again."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sla_worker.model import Mail, WatchdogOutage
from sla_worker.render.format import GREEN, RED, length, moment
from sla_worker.render.templates import template

Steps = tuple[tuple[str | None, str], ...]
"""What to open first, a word of the links (None: nothing), and what to do then."""

_MEANS = (
    "Prometheus sends the alert Watchdog all the time, through Alertmanager, to the sla-worker. It has"
    " stopped arriving, so no other alert would arrive either: until this is fixed, nobody hears of a"
    " failure. This mail comes from the sla-worker itself and needs neither of the two."
)
_MEANT = (
    "No Watchdog arrived in this time, so no other alert would have: failures in that window went unreported."
    " Check the dashboards for them. Alerts that are still firing arrive now."
)
_STEPS: Steps = (
    (
        "Prometheus",
        "If it does not answer, restart it. If it does, Watchdog must be among its alerts, as firing.",
    ),
    (
        "Alertmanager",
        "If it does not answer, restart it. If it does, Watchdog must be in its list, and no silence may mute"
        " it.",
    ),
    (
        None,
        "If both are healthy, read the log of Alertmanager: it says why its webhook does not reach the"
        " sla-worker.",
    ),
    (None, "Until this is fixed, watch the Alerts page of Prometheus yourself."),
)


def outage_mail(outage: WatchdogOutage, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail that alerting is down.

    It may leave late, when the mail server was away too: if the outage has ended by then, it says so.
    """
    over = outage.ended_at is not None
    waited = length(outage.noticed_at - outage.started_at)
    headline = f"Alerting {'was' if over else 'is'} down"
    return _mail(
        f"[critical] {headline}: no Watchdog for {waited}",
        kicker=f"No Watchdog for {waited} · critical",
        title=headline,
        colour=RED,
        means=_MEANT if over else _MEANS,
        facts=_facts(outage, now, zone),
        steps=() if over else _STEPS,
        links=links,
    )


def outage_end_mail(outage: WatchdogOutage, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail that the Watchdog is back."""
    lasted = length(outage.duration_seconds(now))
    return _mail(
        f"[resolved] Alerting works again after {lasted}",
        kicker="The Watchdog is back · resolved",
        title="Alerting works again",
        colour=GREEN,
        means=_MEANT,
        facts=_facts(outage, now, zone),
        steps=(),
        links=links,
    )


def _facts(outage: WatchdogOutage, now: int, zone: ZoneInfo) -> list[tuple[str, str]]:
    lasted, last = length(outage.duration_seconds(now)), outage.last_received_at
    ended = outage.ended_at
    return [
        ("Down since", moment(outage.started_at, zone)),
        ("Lasted so far", lasted) if ended is None else ("Ended", f"{moment(ended, zone)}, after {lasted}"),
        ("Last Watchdog", "none ever came" if last is None else moment(last, zone)),
        ("Noticed", moment(outage.noticed_at, zone)),
    ]


def _mail(
    subject: str,
    *,
    kicker: str,
    title: str,
    colour: str,
    means: str,
    facts: list[tuple[str, str]],
    steps: Steps,
    links: dict[str, str],
) -> Mail:
    lines = [title, kicker, "", means, ""]
    lines += [f"{name + ':':<15}{value}" for name, value in facts]
    if steps:
        lines += ["", "First steps", ""]
        for number, (word, text) in enumerate(steps, start=1):
            lines.append(f"{number}. {f'Open {word}. ' if word else ''}{text}")
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/outage.html").render(
        kicker=kicker, title=title, colour=colour, means=means, facts=facts, steps=steps, links=links
    )
    return Mail(subject, "\n".join(lines) + "\n", html)
