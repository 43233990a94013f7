"""The pages of the web side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sla_worker.model import Budget, Causes, FrozenMonth, Report, WatchdogOutage
from sla_worker.render.format import RED, length, moment
from sla_worker.render.templates import template
from sla_worker.spans import NAMED


@dataclass(frozen=True, slots=True)
class Alarm:
    """A card on top of the status page: its title, the rest of its sentence, and a page that helps."""

    title: str
    text: str
    link: str | None = None
    colour: str = RED


def alerting_line(last_received: int | None, now: int) -> str:
    """A few words about whether alerts arrive, for the status page."""
    if last_received is None:
        return "no Watchdog yet"
    return f"last Watchdog {length(max(now - last_received, 0))} ago"


def outage_alarm(outage: WatchdogOutage, now: int, zone: ZoneInfo) -> Alarm:
    """The alarm that no alert would arrive."""
    since, lasted = moment(outage.started_at, zone), length(outage.duration_seconds(now))
    return Alarm(
        "Alerting is down",
        f" since {since}, for {lasted}: the Watchdog does not arrive, so no other alert would.",
        "/runbooks/Watchdog",
    )


def status_page(
    report: Report,
    *,
    zone: ZoneInfo,
    last_pass: str,
    alerting: str | None,
    healthy: bool,
    alarms: Sequence[Alarm],
    links: dict[str, str],
    whole: bool = False,
    window: str | None = None,
    budgets: Mapping[tuple[str, str], Budget] | None = None,
    causes: Mapping[int, Causes] | None = None,
) -> str:
    """The status page; `last_pass` and `alerting` are a few words on the line below the title.

    `budgets` of the `window`, by key and component, stand below the SLAs, and the `causes` below
    the breaches, by their id.

    Categories in which all is well are folded up, unless the page is to be `whole`.
    """
    return template("page/status.html").render(
        report=report,
        zone=zone,
        last_pass=last_pass,
        alerting=alerting,
        healthy=healthy,
        alarms=alarms,
        links=links,
        whole=whole,
        window=window,
        windows=NAMED,
        budgets=budgets,
        causes=causes or {},
        now=report.generated_at,
    )


def months_page(months: Sequence[FrozenMonth], zone: ZoneInfo) -> str:
    """The frozen months, in this order."""
    return template("page/months.html").render(months=months, zone=zone)


def runbook_page(name: str, markdown: str) -> str:
    """A runbook as a page; HTML inside the Markdown is shown as text."""
    import mistune  # noqa: PLC0415 - only people who read runbooks need it

    render = mistune.create_markdown(escape=True, plugins=["table"])
    return template("page/runbook.html").render(title=name, body=render(markdown), names=None)


def runbook_index(names: Sequence[str]) -> str:
    """The list of runbooks, by alert name."""
    return template("page/runbook.html").render(title="Runbooks", body="", names=names)
