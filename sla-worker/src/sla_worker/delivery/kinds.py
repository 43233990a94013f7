"""Every kind of mail: how it is built and who receives it. Metrics and delivery take theirs from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sla_worker.conventions import BREACH_MAIL, CATCH_UP_MAIL, DAILY_MAIL, OUTAGE_END_MAIL, OUTAGE_MAIL
from sla_worker.database import SLADatabase
from sla_worker.errors import MailError
from sla_worker.links import outage_links, report_links
from sla_worker.model import Mail, Notification
from sla_worker.render.catch_up import catch_up_mail
from sla_worker.render.mails import breach_mail, daily_mail
from sla_worker.render.outage import outage_end_mail, outage_mail
from sla_worker.reports import period_report
from sla_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Sources:
    """What mails are built from; `now` is the moment at which one is built, in epoch seconds."""

    database: SLADatabase
    settings: Settings
    now: int


@dataclass(frozen=True, slots=True)
class Kind:
    """`build` raises MailError when what the notification is about is gone."""

    build: Callable[[Sources, Notification], Mail]
    recipients: Callable[[Settings], tuple[str, ...]]


def daily(sources: Sources, end: int | None = None) -> Mail:
    """The daily report over the 24 hours before `end` (epoch seconds; None: up to now)."""
    report = period_report(sources.database, title="Daily SLA report", hours=24, now=sources.now, end=end)
    return daily_mail(report, sources.settings.timezone, report_links(sources.settings))


def _breach(sources: Sources, notification: Notification) -> Mail:
    breach = sources.database.get_breach(notification.breach_id or 0)
    if breach is None:  # its foreign key forbids it
        raise MailError(f"the notification {notification.key} belongs to no breach")
    settings = sources.settings
    return breach_mail(breach, sources.now, settings.timezone, report_links(settings))


def _catch_up(sources: Sources, notification: Notification) -> Mail:
    breaches = sources.database.breaches_told_in(notification.id)
    if not breaches:  # the database closes the mail with the last of them
        raise MailError(f"the notification {notification.key} has no breaches left")
    settings = sources.settings
    return catch_up_mail(breaches, sources.now, settings.timezone, report_links(settings))


def _outage(sources: Sources, notification: Notification) -> Mail:
    outage = sources.database.outages.get(notification.outage_id or 0)
    if outage is None:  # its foreign key forbids it
        raise MailError(f"the notification {notification.key} belongs to no outage")
    settings = sources.settings
    make = outage_end_mail if notification.type == OUTAGE_END_MAIL else outage_mail
    return make(outage, sources.now, settings.timezone, outage_links(settings))


def _owner(settings: Settings) -> tuple[str, ...]:
    return settings.report_owner


def _at_once(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings.report_owner, *settings.report_on_call)))


KINDS: Final[Mapping[str, Kind]] = {
    DAILY_MAIL: Kind(lambda sources, owed: daily(sources, owed.period_end), _owner),
    BREACH_MAIL: Kind(_breach, _at_once),
    CATCH_UP_MAIL: Kind(_catch_up, _at_once),
    OUTAGE_MAIL: Kind(_outage, _at_once),
    OUTAGE_END_MAIL: Kind(_outage, _at_once),
}
