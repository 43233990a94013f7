"""The two mails about a silence: that alerting is silent, and that it works again."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sla_worker.model import Mail, Silence
from sla_worker.render import GREEN, RED, length, moment, template

Steps = tuple[tuple[str | None, str], ...]
"""What to open first, a word of the links (None: nothing), and what to do then."""

_MEANS = (
    "Prometheus sends the alert Watchdog all the time, by way of Alertmanager, to the sla-worker. It has"
    " stopped arriving, so no other alert arrives either: until this is mended, nobody is told of a failure."
    " This mail comes from the sla-worker itself and needs neither of the two."
)
_MEANT = (
    "No Watchdog arrived in this time, so no other alert would have: what failed then was not told. Look at"
    " the dashboards for it. Alerts that are still firing arrive now."
)
_STEPS: Steps = (
    (
        "Prometheus",
        "If it does not answer, start it again. If it does, Watchdog must be among its alerts, as firing.",
    ),
    (
        "Alertmanager",
        "If it does not answer, start it again. If it does, Watchdog must be in its list, not muted by a"
        " silence.",
    ),
    (
        None,
        "If both are well, read the log of Alertmanager: it tells why its webhook does not reach the"
        " sla-worker.",
    ),
    (None, "Until this is mended, watch the page of alerts in Prometheus yourself."),
)


def silence_mail(silence: Silence, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail that alerting is silent.

    It may leave late, when the mail server was away too: if the silence has ended by then, it says so.
    """
    over = silence.ended_at is not None
    waited = length(silence.noticed_at - silence.started_at)
    headline = f"Alerting {'was' if over else 'is'} silent"
    return _mail(
        f"[critical] {headline}: no Watchdog for {waited}",
        kicker=f"No Watchdog for {waited} · critical",
        title=headline,
        colour=RED,
        means=_MEANT if over else _MEANS,
        facts=_facts(silence, now, zone),
        steps=() if over else _STEPS,
        links=links,
    )


def silence_end_mail(silence: Silence, now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail that the Watchdog is back."""
    lasted = length(silence.duration_seconds(now))
    return _mail(
        f"[resolved] Alerting works again, after {lasted} of silence",
        kicker="The Watchdog is back · resolved",
        title="Alerting works again",
        colour=GREEN,
        means=_MEANT,
        facts=_facts(silence, now, zone),
        steps=(),
        links=links,
    )


def _facts(silence: Silence, now: int, zone: ZoneInfo) -> list[tuple[str, str]]:
    lasted, last = length(silence.duration_seconds(now)), silence.last_received_at
    ended = silence.ended_at
    return [
        ("Silent since", moment(silence.started_at, zone)),
        ("Lasts for", lasted) if ended is None else ("Ended", f"{moment(ended, zone)}, after {lasted}"),
        ("Last Watchdog", "none ever came" if last is None else moment(last, zone)),
        ("Noticed", moment(silence.noticed_at, zone)),
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
    html = template("silence.html").render(
        kicker=kicker, title=title, colour=colour, means=means, facts=facts, steps=steps, links=links
    )
    return Mail(subject, "\n".join(lines) + "\n", html)
