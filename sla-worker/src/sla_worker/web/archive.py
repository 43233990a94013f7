"""The archive: incidents, and the reports that were sent, to read again and to download."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from sla_worker import due
from sla_worker.brand import INK, PLACE
from sla_worker.conventions import DAILY_MAIL, MONTHLY_MAIL, WEEKLY_MAIL
from sla_worker.links import report_links
from sla_worker.model import LongReport, OwedMail
from sla_worker.periodic import day_report, report_of_days
from sla_worker.render.daily import daily_html
from sla_worker.render.data import as_csv, as_json
from sla_worker.render.format import moment
from sla_worker.render.periodic import file_name, long_html
from sla_worker.render.room import fitted
from sla_worker.render.templates import template
from sla_worker.reports import keys_of, titled
from sla_worker.web import sent
from sla_worker.web.api import refused
from sla_worker.web.http import CSV, FORM_POLICY, HTML, JSON, Answer, HTTPError
from sla_worker.web.operations import NOW, PDF, SENT
from sla_worker.web.request import Parts, Request

_A_PAGE = 50
_NOT_KEPT = (
    "What was sent was not kept, or is not kept any more: a former version kept no mails, and this one keeps"
    " them for SLA_KEEP_REPORTS days."
)
_TITLES = {
    DAILY_MAIL: "Daily SLA report",
    WEEKLY_MAIL: "Weekly SLA report",
    MONTHLY_MAIL: "Monthly SLA report",
}


def incidents(parts: Parts, request: Request) -> Answer:
    """Breaches as a page, with their likely causes."""
    state = request.optional("state")
    chosen = {name: request.optional(name) for name in ("sla", "state", "severity")}
    with refused("cursor"):
        found, more = parts.pages.browser.breaches(
            after=request.optional("cursor"),
            limit=_A_PAGE,
            lasting=None if state is None else state == "open",
            key=chosen["sla"],
            severity=chosen["severity"],
        )
    html = template("page/incidents.html").render(
        breaches=found,
        causes=parts.pages.causes([each.id for each in found]),
        lasting=parts.pages.open_breaches(),
        days={
            each.id: f"{dt.datetime.fromtimestamp(each.started_at, parts.pages.zone):%Y-%m-%d}"
            for each in found
        },
        now=parts.pages.now(),
        zone=parts.pages.zone,
        chosen=chosen,
        more=_link("/incidents", cursor=more, **chosen) if more else None,
    )
    return _page(html)


def reports(parts: Parts, request: Request) -> Answer:
    """Frozen months, and what was sent, as a page."""
    with refused("cursor"):
        found, more = parts.pages.browser.mails(
            after=request.optional("cursor"), limit=_A_PAGE, kind=request.optional("type")
        )
    html = template("page/reports.html").render(
        months=parts.pages.months()[::-1] if not request.given("cursor") else [],
        mails=found,
        readable=tuple(_TITLES),
        zone=parts.pages.zone,
        more=_link("/reports", cursor=more, type=request.optional("type")) if more else None,
    )
    return _page(html)


def report(parts: Parts, request: Request) -> Answer:
    """A mail as it was sent; where that is asked for or it is not kept, a report as known now."""
    mail = _mail(parts, request)
    if mail.kept_at is not None and request.optional("figures") != NOW:
        return sent.page(parts, request, mail, _since(parts, mail))
    _require_report(mail)
    links = report_links(parts.pages.settings, mail.team)
    if mail.type == DAILY_MAIL:
        day = _long(parts, mail)
        html, _ = fitted(lambda room: daily_html(day, parts.pages.zone, links, room))
        return _dated(parts, mail, html, day.whole.start)
    whole = _long(parts, mail)
    html, _ = fitted(lambda room: long_html(whole, parts.pages.zone, links, room=room))
    return _dated(parts, mail, html, whole.whole.start)


def _dated(parts: Parts, mail: OwedMail, html: str, start: int) -> Answer:
    """The report, and on top of it when it was sent and of which moment its figures are."""
    pages = parts.pages
    said = [f"The figures are as they are known now, {moment(pages.now(), pages.zone)}."]
    if mail.sent_at is not None:
        said.insert(0, f"Sent {moment(mail.sent_at, pages.zone)}.")
        said.append(sent.changed(parts, start, mail.period_end or start, mail.sent_at)[0])
        if mail.kept_at is None:
            said.insert(1, _NOT_KEPT)
    elif mail.done_at is not None:
        said.insert(0, "This mail was not sent.")
    else:
        said.insert(0, f"This mail has not been sent{' to everybody' if mail.delivered else ''} yet.")
    if mail.kept_at is not None:
        said.append(f'<a href="/reports/{mail.id}">The mail as it was sent</a>.')
    if mail.type == MONTHLY_MAIL:
        said.append("The frozen month stays byte by byte as it was, in each of its revisions: /months.")
    style = f"color:{INK};padding:12px 24px;font-size:13px;line-height:20px;"
    row = f'<tr><td style="{style}">{" ".join(said)}</td></tr>'
    return _page(html.replace(PLACE, row, 1))


def table(parts: Parts, request: Request) -> Answer:
    """Its rows as CSV, of the figures of now or as the file went with the mail."""
    mail = _mail(parts, request)
    if request.optional("figures") == SENT:
        return sent.file(parts, request, mail, "text/csv")
    found = _long(parts, _require_report(mail))
    text = as_csv(found, parts.pages.zone)
    return Answer(text.encode("utf-8-sig", "replace"), CSV, 200, _attached(parts, found, "csv"))


def data(parts: Parts, request: Request) -> Answer:
    """All of it as JSON, of the figures of now or as the file went with the mail."""
    mail = _mail(parts, request)
    if request.optional("figures") == SENT:
        return sent.file(parts, request, mail, "application/json")
    found = _long(parts, _require_report(mail))
    text = as_json(found, parts.pages.zone)
    return Answer(text.encode("utf-8", "replace"), JSON, 200, _attached(parts, found, "json"))


def _page(html: str) -> Answer:
    return Answer(html.encode("utf-8", "replace"), HTML, 200, {"Content-Security-Policy": FORM_POLICY})


def _attached(parts: Parts, found: LongReport, ending: str) -> dict[str, str]:
    name = f"{file_name(found, parts.pages.zone)}.{ending}"
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def html(parts: Parts, request: Request) -> Answer:
    """What was sent as one file of HTML."""
    return sent.html(parts, request, _mail(parts, request))


def text(parts: Parts, request: Request) -> Answer:
    """The plain text that was sent."""
    return sent.text(parts, request, _mail(parts, request))


def pdf(parts: Parts, request: Request) -> Answer:
    """The PDF that went with a mail."""
    return sent.file(parts, request, _mail(parts, request), PDF)


def _mail(parts: Parts, request: Request) -> OwedMail:
    number = request.number("id")
    found, _ = parts.pages.browser.mails(after=f"0.{number + 1}", limit=1)
    if not found or found[0].id != number:
        raise HTTPError(404, f"there is no mail {number}; /reports lists them")
    mail: OwedMail = found[0]
    return mail


def _require_report(mail: OwedMail) -> OwedMail:
    """The mail, if it is one that can be made again. Raises HTTPError."""
    if not _can_be_made_again(mail):
        kept = "" if mail.kept_at is not None else ", and what it said is not kept"
        raise HTTPError(
            404, f"{mail.id} is not a report of a day, a week or a month{kept}; /reports lists them"
        )
    return mail


def _since(parts: Parts, mail: OwedMail) -> int | None:
    """Where the period of a report begins; None for a mail that cannot be made again."""
    if not _can_be_made_again(mail):
        return None
    return due.borders(mail.type, mail.period_end or 0, parts.pages.zone)[0]


def _can_be_made_again(mail: OwedMail) -> bool:
    return mail.period_end is not None and mail.type in _TITLES


def _long(parts: Parts, mail: OwedMail) -> LongReport:
    database, zone, now = parts.pages.database, parts.pages.zone, parts.pages.now()
    title, only = titled(_TITLES[mail.type], mail.team), keys_of(database, mail.team)
    end = mail.period_end or 0
    if mail.type == DAILY_MAIL:
        return day_report(database, title=title, end=end, now=now, zone=zone, only=only)
    edges = due.borders(mail.type, end, zone)
    return report_of_days(database, kind=mail.type, title=title, edges=edges, zone=zone, now=now, only=only)


def _link(path: str, **query: str | None) -> str:
    return f"{path}?{urlencode({name: value for name, value in query.items() if value})}"
