"""Every kind of mail: how it is built and who receives it. Metrics and delivery take theirs from here.

What makes a mail that leaves once in a while is imported when it does: the worker stays smaller without.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sla_worker.conventions import (
    BREACH_AGAIN_MAIL,
    BREACH_END_MAIL,
    BREACH_LASTS_MAIL,
    BREACH_MAIL,
    BREACH_WORSE_MAIL,
    CATCH_UP_MAIL,
    DAILY_MAIL,
    MONTH_REVISED_MAIL,
    MONTHLY_MAIL,
    OUTAGE_END_MAIL,
    OUTAGE_MAIL,
    WEEKLY_MAIL,
)
from sla_worker.database import SLADatabase
from sla_worker.draw import draw
from sla_worker.errors import MailError
from sla_worker.links import breach_links, month_links, outage_links, report_links
from sla_worker.memory import given_back
from sla_worker.model import Brand, Breach, Drawn, Mail, Notification, Sheet, follow_up
from sla_worker.render.mails import breach_mail
from sla_worker.reports import keys_of, only_of, titled
from sla_worker.settings import Settings

_TITLES = {WEEKLY_MAIL: "Weekly SLA report", MONTHLY_MAIL: "Monthly SLA report"}


@dataclass(frozen=True, slots=True)
class Sources:
    """What mails are built from; `now` is the moment at which one is built, in epoch seconds.

    `draw` makes PDFs and charts.
    """

    database: SLADatabase
    settings: Settings
    now: int
    draw: Callable[[Sheet], Drawn] = draw


@dataclass(frozen=True, slots=True)
class Kind:
    """`build` raises MailError when what the notification is about is gone.

    `answers` is the key of the mail that this one answers, so that both make a thread; None: of none.
    """

    build: Callable[[Sources, Notification], Mail]
    recipients: Callable[[Settings], tuple[str, ...]]
    answers: Callable[[Notification], str | None] = lambda owed: owed.answered


@given_back
def daily(sources: Sources, end: int | None = None, team: str | None = None) -> Mail:
    """The daily report over the 24 hours before `end` (epoch seconds; None: up to now), or that of a team."""
    from sla_worker.periodic import day_report  # noqa: PLC0415 - see above
    from sla_worker.render.daily import daily_mail  # noqa: PLC0415 - see above

    database, zone = sources.database, sources.settings.timezone
    report = day_report(
        database,
        title=titled("Daily SLA report", team),
        end=database.period_end(sources.now) if end is None else end,
        now=sources.now,
        zone=zone,
        only=keys_of(database, team),
    )
    return daily_mail(report, zone, report_links(sources.settings, team))


@given_back
def long(sources: Sources, kind: str, end: int, team: str | None = None) -> Mail:
    """The weekly or monthly report over what ends at `end` (epoch seconds), or that of a team."""
    from sla_worker.periodic import long_report  # noqa: PLC0415 - see above
    from sla_worker.render.periodic import chart_words, long_mail  # noqa: PLC0415 - see above

    zone = sources.settings.timezone
    report = long_report(
        sources.database,
        kind=kind,
        title=titled(_TITLES[kind], team),
        end=end,
        now=sources.now,
        zone=zone,
        only=keys_of(sources.database, team),
    )
    wanted = Sheet(
        report,
        zone.key,
        sender_name(sources.settings),
        pdf=kind == MONTHLY_MAIL,
        charts=bool(chart_words(report, zone)),
        brand=brand(sources.settings),
    )
    drawn = sources.draw(wanted) if wanted.pdf or wanted.charts else Drawn()
    links = report_links(sources.settings, team)
    if report.frozen is not None:
        links |= month_links(sources.settings, report.frozen.month)
    return long_mail(report, zone, links, drawn)


def sender_name(settings: Settings) -> str:
    """Who reports come from: the name of the settings, else the address."""
    return settings.report_sender_name or settings.report_from


def brand(settings: Settings) -> Brand:
    """What stands on top of a PDF, as on top of the mails."""
    return Brand(settings.report_sender_name, settings.report_logo, settings.report_colour)


def _long(sources: Sources, owed: Notification) -> Mail:
    if owed.period_end is None:  # nothing owes one without
        raise MailError(f"the notification {owed.key} says no period")
    return long(sources, owed.type, owed.period_end, owed.team)


def _revised(sources: Sources, owed: Notification) -> Mail:
    """A month was frozen, or once more, after its report had left."""
    from sla_worker.render.revised import revised_mail  # noqa: PLC0415 - see above

    label, _, revision = follow_up(owed.key)[0].rpartition(".")
    months, settings = sources.database.months, sources.settings
    month, former = (months.get(label, number) for number in (int(revision), int(revision) - 1))
    if month is None:  # revisions are never deleted
        raise MailError(f"the notification {owed.key} is about no frozen month")
    return revised_mail(
        month,
        json.loads(months.document(month)),
        None if former is None else json.loads(months.document(former)),
        settings.timezone,
        month_links(settings, label),
    )


def breach(sources: Sources, breach_id: int) -> Mail:
    """The mail about one breach. Raises MailError."""
    found = sources.database.get_breach(breach_id)
    if found is None:
        raise MailError(f"there is no breach with the number {breach_id}; sla_explain shows those of an SLA")
    settings = sources.settings
    causes = sources.database.causes.of([found.id]).get(found.id)
    bad_before = sources.database.maintenance.lingering.since([found]).get(found.id)
    links = breach_links(settings, found)
    return breach_mail(found, sources.now, settings.timezone, links, causes, bad_before=bad_before)


def _follow_up(sources: Sources, owed: Notification) -> Mail:
    """What follows on the first mail about a breach, as it is now."""
    from sla_worker.render.follow_ups import Thread, follow_up_mail  # noqa: PLC0415 - see above

    database, settings = sources.database, sources.settings
    first = int(follow_up(owed.key)[0].partition(".")[0])
    about = database.get_breach(owed.breach_id or 0)
    if about is None:
        raise MailError(f"the notification {owed.key} is about no breach")
    told = [database.get_breach(each) for each in database.threads.breaches(first, about.id)]
    return follow_up_mail(
        owed.type,
        Thread(
            about=about,
            breaches=tuple(each for each in told if each is not None),
            excluded=database.threads.is_excluded_after(about.id),
            causes=database.causes.of([about.id]).get(about.id),
            bad_before=database.maintenance.lingering.since([about]).get(about.id),
        ),
        sources.now,
        settings.timezone,
        breach_links(settings, about),
    )


def _catch_up(sources: Sources, notification: Notification) -> Mail:
    from sla_worker.render.catch_up import catch_up_mail  # noqa: PLC0415 - see above

    breaches = caught_up(sources.database, notification)
    if not breaches:  # the database closes the mail with the last of them
        raise MailError(f"the notification {notification.key} has no breaches left")
    settings = sources.settings
    return catch_up_mail(breaches, sources.now, settings.timezone, report_links(settings))


def caught_up(database: SLADatabase, owed: Notification) -> list[Breach]:
    """The breaches of the past that a mail is about; a team's, `catch_up:7/payments`, has its part."""
    number = int(follow_up(owed.key)[0].partition("/")[0])
    return only_of(database.breaches_told_in(number), keys_of(database, owed.team))


def _outage(sources: Sources, notification: Notification) -> Mail:
    from sla_worker.render.outage import outage_end_mail, outage_mail  # noqa: PLC0415 - see above

    outage = sources.database.outages.get(notification.outage_id or 0)
    if outage is None:  # its foreign key forbids it
        raise MailError(f"the notification {notification.key} belongs to no outage")
    settings = sources.settings
    make = outage_end_mail if notification.type == OUTAGE_END_MAIL else outage_mail
    return make(outage, sources.now, settings.timezone, outage_links(settings))


def _owner(settings: Settings) -> tuple[str, ...]:
    return settings.report_owner


def _with_platform_team(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings.report_owner, *settings.report_platform_team)))


def _with_management(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*_with_platform_team(settings), *settings.report_management)))


def _at_once(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings.report_owner, *settings.report_on_call)))


KINDS: Final[Mapping[str, Kind]] = {
    DAILY_MAIL: Kind(lambda sources, owed: daily(sources, owed.period_end, owed.team), _owner),
    WEEKLY_MAIL: Kind(_long, _with_platform_team),
    MONTHLY_MAIL: Kind(_long, _with_management),
    MONTH_REVISED_MAIL: Kind(_revised, _with_management),
    BREACH_MAIL: Kind(lambda sources, owed: breach(sources, owed.breach_id or 0), _at_once),
    **dict.fromkeys(
        (BREACH_AGAIN_MAIL, BREACH_LASTS_MAIL, BREACH_WORSE_MAIL, BREACH_END_MAIL),
        Kind(_follow_up, _at_once),
    ),
    CATCH_UP_MAIL: Kind(_catch_up, _at_once),
    OUTAGE_MAIL: Kind(_outage, _at_once),
    OUTAGE_END_MAIL: Kind(_outage, _at_once, lambda owed: f"{OUTAGE_MAIL}:{owed.outage_id}"),
}
