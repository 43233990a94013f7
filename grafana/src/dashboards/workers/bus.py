"""The row about the message bus."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import latency, scale
from ..panels import GREEN, RED, Query, Text, states
from ..programs import percentile, rate
from ..tiles import lines, row
from . import expressions as ql


def bus_section(slas: list[Sla]) -> Section:
    """Whether it delivers, how much waits, how long a delivery takes, what is lost."""
    up = states(
        51,
        Text(
            "Message bus",
            "When the bus delivered and when it did not; a gap is time that nobody measured.",
            "the lowest `insa_message_bus_up` of each step, by job.",
            "down: messages wait, and are dropped once there is no room (MessageBusDown's runbook).",
            "No message bus",
        ),
        [Query(f"min by (job) (min_over_time({ql.BUS_UP}[$__rate_interval]))", "{{job}}")],
        {"0": ("Down", RED), "1": ("Up", GREEN)},
    )
    traffic = lines(
        52,
        Text(
            "Published and delivered",
            "Messages a second that the bus took, delivered, and dropped for want of room.",
            "`rate` of `insa_message_bus_published_total`, `…delivered_total` and `…dropped_total`.",
            "where delivered stays below published the backlog grows; what is dropped is lost.",
        ),
        "ops",
        {"published": rate(ql.PUBLISHED), "delivered": rate(ql.DELIVERED), "dropped": rate(ql.DROPPED)},
    )
    backlog = lines(
        53,
        Text(
            "Backlog by topic",
            "Messages that wait for delivery.",
            "`insa_message_bus_backlog`, by topic.",
            "above the line see MessageBusBacklogGrowing's runbook: a slow subscriber, or a dead bus.",
        ),
        "none",
        {"{{topic}}": f"max by (topic) ({ql.BACKLOG})"},
        scale(slas, "MessageBusBacklogGrowing"),
    )
    processing = lines(
        54,
        Text(
            "Processing time P95",
            "One message in 20 takes its subscriber longer than this.",
            f"95th percentile of `{ql.PROCESSING}`, by topic.",
            "above the line see SlowMessageProcessing's runbook: what does that subscriber wait for?",
            "No messages",
        ),
        "s",
        {"{{topic}}": percentile(0.95, ql.PROCESSING, ql.OF_JOB, "topic")},
        scale(slas, "SlowMessageProcessing", sla=latency(ql.PROCESSING, "0.95")),
    )
    return Section(
        50,
        "Message bus",
        [row(up, traffic), row(backlog, processing)],
    )
