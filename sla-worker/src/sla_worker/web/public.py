"""The public page: what everybody may know, in words without internals."""

from __future__ import annotations

from sla_worker.public import ServiceState
from sla_worker.render.format import AMBER, GREEN, GREY, RED
from sla_worker.render.signs import SIGNS, counted, runs, worst
from sla_worker.render.templates import template
from sla_worker.web.badge import worst_of
from sla_worker.web.http import HTML, Answer
from sla_worker.web.request import Parts, Request

_COLOURS = {
    ServiceState.OPERATIONAL: GREEN,
    ServiceState.MAINTENANCE: GREY,
    ServiceState.UNKNOWN: GREY,
    ServiceState.DEGRADED: AMBER,
    ServiceState.PARTIAL: AMBER,
    ServiceState.MAJOR: RED,
}
_MOST = 20  # incidents on the page; the feed and the API have more


def page(parts: Parts, _request: Request) -> Answer:
    """The page: overall state, services with their days, incidents, maintenance now and next."""
    found = parts.pages.public()
    strips = parts.pages.strips()
    days = {
        each.key: "".join(
            map(worst, zip(*(strips.of(each.key, one.component) for one in each.statuses), strict=True))
        )
        for each in found.services
    }
    html = template("page/public.html").render(
        found=found,
        zone=parts.pages.zone,
        colours=_COLOURS,
        figures={each.key: worst_of(each.statuses) for each in found.services},
        days=days,
        strips=strips,
        runs=runs,
        counted=counted,
        signs=SIGNS,
        incidents=found.incidents[:_MOST],
        under_way=found.maintenance_in("in_progress"),
        planned=found.maintenance_in("scheduled")[:_MOST],
    )
    return Answer(html.encode("utf-8", "replace"), HTML)
