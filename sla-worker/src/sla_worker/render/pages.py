"""The pages of the web side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sla_worker.model import Budget, Causes, FrozenMonth, Report, Team, WatchdogOutage
from sla_worker.render.format import RED, length, moment
from sla_worker.render.groups import grouped
from sla_worker.render.signs import SIGNS, counted, runs
from sla_worker.render.templates import template
from sla_worker.spans import NAMED


@dataclass(frozen=True, slots=True)
class Alarm:
    """A card on top of the status page: its title, the rest of its sentence, and a page that helps."""

    title: str
    text: str
    link: str | None = None
    colour: str = RED


@dataclass(frozen=True, slots=True)
class Found:
    """What of the SLAs somebody looks for: words, a category, a team, and which page of that.

    `measured`: figures as they were measured, without maintenance and corrections.
    """

    search: str | None = None
    category: str | None = None
    page: int = 1
    refresh: bool = False
    team: str | None = None
    measured: bool = False

    def query(self, window: str | None, **changed: object) -> str:
        """The query of the same page with something changed."""
        wanted = {
            "window": window,
            "q": self.search,
            "category": self.category,
            "team": self.team,
            "exclusions": "off" if self.measured else "",
            "refresh": "30" if self.refresh else "",
            **changed,
        }
        return urlencode({name: value for name, value in wanted.items() if value})


class Days(Protocol):
    """The last days of each SLA as signs."""

    @property
    def first(self) -> dt.date: ...
    @property
    def last(self) -> dt.date: ...
    def of(self, key: str, component: str) -> str:
        """Those of an SLA and component."""
        ...


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
    strips: Days,
    found: Found,
    whole: bool = False,
    window: str | None = None,
    budgets: Mapping[tuple[str, str], Budget] | None = None,
    causes: Mapping[int, Causes] | None = None,
    teams: Sequence[Team] = (),
) -> str:
    """The status page; `last_pass` and `alerting` are a few words on the line below the title.

    `budgets` of the `window`, by key and component, stand below the SLAs, and the `causes` below
    the breaches, by their id.

    Categories in which all is well are folded up, unless the page is to be `whole`, or somebody searches.
    """
    return template("page/status.html").render(
        report=report,
        zone=zone,
        last_pass=last_pass,
        alerting=alerting,
        healthy=healthy,
        alarms=alarms,
        links=links,
        whole=whole or found.search is not None or found.category is not None,
        asked_whole=whole,
        found=found,
        refresh=found.refresh,
        groups=grouped(report.categories, search=found.search, wanted=found.category, page=found.page),
        strips=strips,
        runs=runs,
        counted=counted,
        signs=SIGNS,
        window=window,
        windows=NAMED,
        budgets=budgets,
        causes=causes or {},
        teams=teams,
        now=report.generated_at,
    )


def months_page(months: Sequence[FrozenMonth], zone: ZoneInfo) -> str:
    """The frozen months, the newest first."""
    return template("page/months.html").render(months=months, zone=zone)


def runbook_page(name: str, markdown: str, links: Mapping[str, str]) -> str:
    """A runbook as a page; HTML inside the Markdown is shown as text. `links` stand above it."""
    import mistune  # noqa: PLC0415 - only people who read runbooks need it

    render = mistune.create_markdown(escape=True, plugins=["table"])
    return template("page/runbook.html").render(
        title=name, body=_reachable(str(render(markdown))), names=None, links=links
    )


def _reachable(html: str) -> str:
    """Code that is wider than the window is scrolled by keyboard too."""
    return html.replace("<pre>", '<pre tabindex="0">')


def runbook_index(names: Sequence[str], links: Mapping[str, str]) -> str:
    """The list of runbooks, by alert name."""
    return template("page/runbook.html").render(title="Runbooks", body="", names=names, links=links)
