"""The dashboard about agents: do users get answers, how many, how fast, and which agent does not."""

from __future__ import annotations

from .. import names, sdk, variables
from ..definitions import Sla
from ..frame import Identity, dashboard
from ..layout import Band, Section
from ..limits import latency, scale, value
from ..panels import GREEN, RED, YELLOW, Text
from ..programs import firing, mean, percentile, rate, while_there
from ..tiles import Column, Key, colored, count_of_bad, lines, number, row, table
from . import expressions as ql

IDENTITY = Identity(
    uid=names.AGENTS_DASHBOARD_UID,
    title="Agent Performance Overview",
    description="Do users get answers, how many, how fast, and which agent is the exception.",
    tag="agents",
)
RESULTS = {"success": GREEN, "timeout": YELLOW, "error": RED}


def agents_dashboard(slas: list[Sla]) -> sdk.dashboard_model.Dashboard:
    """The whole dashboard, limits from the alert rules and the SLAs."""
    sections = [
        Section(10, "Overview: do users get answers?", overview(slas)),
        Section(20, "Requests and errors", requests(slas)),
        Section(30, "Latency", response_times(slas)),
        Section(40, "Sessions", sessions(slas)),
        Section(60, "Agent $agent", each_agent(slas), collapsed=True, repeat="agent"),
    ]
    own = [variables.job(names.REQUESTS), variables.agent()]
    return dashboard(IDENTITY, own, sections)


def overview(slas: list[Sla]) -> list[Band]:
    """The first screen: six figures, then every agent in a line."""
    alerts = count_of_bad(
        11,
        Text(
            "Alerts firing",
            "Alerts on requests that fire now.",
            'count of `ALERTS` with the component "api".',
            "above 0, open the alert's runbook (link above); the graphs below show since when.",
        ),
        firing("api", ql.REQUESTS),
        RED,
    )
    traffic = number(
        12,
        Text(
            "Requests",
            "Requests a second that ended, however they ended.",
            f"`rate({names.REQUESTS})`, summed.",
            "at zero every ratio here loses its meaning: see whether callers still reach the program.",
            "No metrics",
        ),
        "reqps",
        while_there(ql.REQUESTS, ql.requests()),
    )
    errors = number(
        13,
        Text(
            "Error rate",
            "Share of the requests that ended with an error.",
            "requests with status error / all requests.",
            "find the agent in the table below, then read its log for the first error.",
            "No traffic",
        ),
        "percentunit",
        while_there(ql.REQUESTS, ql.share_of("error")),
        scale(slas, "HighErrorRate", sla=ql.ERRORS_SLA),
    )
    timeouts = number(
        14,
        Text(
            "Timeout rate",
            "Share of the requests that ran into their timeout.",
            "requests with status timeout / all requests.",
            "compare with queue depth and task duration on the dashboard of the workers.",
            "No traffic",
        ),
        "percentunit",
        while_there(ql.REQUESTS, ql.share_of("timeout")),
        scale(slas, "HighTimeoutRate", sla=ql.TIMEOUTS_SLA),
    )
    p95 = number(
        15,
        Text(
            "Latency P95",
            "One request in 20 takes longer than this.",
            f"95th percentile of `{ql.DURATION}`, over all chosen agents.",
            "find the slow agent in the table below, and compare with the queues of the workers.",
            "No traffic",
        ),
        "s",
        while_there(ql.REQUESTS, ql.duration(0.95)),
        scale(slas, "HighLatencyP95", sla=latency(ql.DURATION, "0.95")),
    ).decimals(2)
    active = number(
        16,
        Text(
            "Sessions",
            "Sessions of users that are open.",
            "`insa_sessions_active`, summed over the chosen jobs.",
            "when it falls while requests go on, look for a fault at login or in the client.",
        ),
        "none",
        f"sum({ql.SESSIONS})",
        scale(slas, sla=value("insa_sessions_active")),
    )
    tiles = [(4, each) for each in (alerts, traffic, errors, timeouts, p95, active)]
    return [Band(4, tiles), Band(7, [(24, agents_table(slas))])]


def agents_table(slas: list[Sla]) -> sdk.table.Panel:
    """A line for each agent."""
    return table(
        17,
        Text(
            "Each agent",
            "Every agent by itself: traffic, errors, timeouts, latency, requests in flight, fallbacks.",
            "as in the graphs below, by the label `agent`.",
            "the agent that differs from the others is where to look first: its row is at the end.",
            "-",
        ),
        Key("agent", "Agent", ql.REQUESTS),
        [
            Column("Requests", "reqps", ql.requests("agent")),
            Column("Errors", "percentunit", ql.share_of("error", "agent"), scale(slas, "HighErrorRate")),
            Column(
                "Timeouts", "percentunit", ql.share_of("timeout", "agent"), scale(slas, "HighTimeoutRate")
            ),
            Column("P95", "s", ql.duration(0.95, "agent"), scale(slas, "HighLatencyP95")),
            Column("P99", "s", ql.duration(0.99, "agent"), scale(slas, "HighLatencyP99")),
            Column("In flight", "none", f"sum by (agent) ({ql.IN_FLIGHT})"),
            Column("Fallbacks", "reqps", rate(ql.FALLBACKS, "agent")),
        ],
    )


def requests(slas: list[Sla]) -> list[Band]:
    """How many, and how many of them fail."""
    by_result = colored(
        lines(
            21,
            Text(
                "Requests by result",
                "Requests a second, by how they ended.",
                f"`rate({names.REQUESTS})`, summed by status.",
                "when all fall together, the callers are gone; when success alone falls, the program fails.",
            ),
            "reqps",
            {"{{status}}": ql.requests("status")},
        ),
        RESULTS,
    )
    stopped = lines(
        22,
        Text(
            "Requests a minute by agent",
            "Requests a minute to each agent, and to all. A target holds in its service hours alone.",
            f"60 * `rate({names.REQUESTS})`, summed by agent. RequestTrafficStopped fires when a busy "
            "program has none for five minutes.",
            "when one agent's line falls to zero, see whether requests are still sent to it.",
        ),
        "reqpm",
        {"{{agent}}": f"60 * {ql.requests('agent')}", "all": f"60 * {ql.requests()}"},
        scale(slas, sla=value(names.REQUESTS)),
    )
    errors = lines(
        23,
        Text(
            "Error rate by agent",
            "Share of each agent's requests that ended with an error; the total beside it.",
            "requests with status error / all requests, by agent. The alert asks for a minimum of traffic, "
            "this graph does not.",
            "above the red line see HighErrorRate's runbook; compare with the circuit breakers.",
            "No traffic",
        ),
        "percentunit",
        {"{{agent}}": ql.share_of("error", "agent"), "all": ql.share_of("error")},
        scale(slas, "HighErrorRate", sla=ql.ERRORS_SLA),
    )
    timeouts = lines(
        24,
        Text(
            "Timeout rate by agent",
            "Share of each agent's requests that ran into their timeout; the total beside it.",
            "requests with status timeout / all requests, by agent.",
            "above the red line see HighTimeoutRate's runbook: an upstream that hangs, or a queue too long.",
            "No traffic",
        ),
        "percentunit",
        {"{{agent}}": ql.share_of("timeout", "agent"), "all": ql.share_of("timeout")},
        scale(slas, "HighTimeoutRate", sla=ql.TIMEOUTS_SLA),
    )
    fallbacks = lines(
        25,
        Text(
            "Fallback answers",
            "Answers that an agent made by rules, without its dependency: a poorer answer, but an answer.",
            "`rate(insa_agent_fallbacks_total)`, summed by agent.",
            "when it rises, the dependency is failing: see the circuit breakers.",
        ),
        "reqps",
        {"{{agent}}": rate(ql.FALLBACKS, "agent")},
    )
    in_flight = lines(
        26,
        Text(
            "Requests in flight",
            "Requests that came in and have not ended.",
            "`insa_agent_requests_in_flight`, summed by agent.",
            "when it rises without more traffic, requests have become slow: see latency and queues.",
        ),
        "none",
        {"{{agent}}": f"sum by (agent) ({ql.IN_FLIGHT})"},
    )
    return [
        row(by_result, stopped),
        row(errors, timeouts),
        row(fallbacks, in_flight),
    ]


def response_times(slas: list[Sla]) -> list[Band]:
    """How long requests take."""
    median = lines(
        31,
        Text(
            "Response time P50",
            "Half of the requests take longer than this.",
            f"50th percentile of `{ql.DURATION}`, by agent.",
            "when the half of all requests is slow, the whole program is: see CPU and queues.",
            "No traffic",
        ),
        "s",
        {"{{agent}}": ql.duration(0.5, "agent")},
        scale(slas, sla=latency(ql.DURATION, "0.5")),
    )
    p95 = lines(
        32,
        Text(
            "Response time P95",
            "One request in 20 takes longer than this.",
            f"95th percentile of `{ql.DURATION}`, by agent and over all of them.",
            "above the red line see HighLatencyP95's runbook: a slow upstream, or too few workers.",
            "No traffic",
        ),
        "s",
        {"{{agent}}": ql.duration(0.95, "agent"), "all": ql.duration(0.95)},
        scale(slas, "HighLatencyP95", sla=latency(ql.DURATION, "0.95")),
    )
    p99 = lines(
        33,
        Text(
            "Response time P99",
            "One request in 100 takes longer than this.",
            f"99th percentile of `{ql.DURATION}`, by agent and over all of them.",
            "above the red line see HighLatencyP99's runbook: look for single requests that hang.",
            "No traffic",
        ),
        "s",
        {"{{agent}}": ql.duration(0.99, "agent"), "all": ql.duration(0.99)},
        scale(slas, "HighLatencyP99", sla=latency(ql.DURATION, "0.99")),
    )
    return [row(median, p95, p99)]


def sessions(slas: list[Sla]) -> list[Band]:
    """Who is there, and how long."""
    active = lines(
        41,
        Text(
            "Active sessions",
            "Sessions of users that are open.",
            "`insa_sessions_active`, summed by job.",
            "below the line, compare with the hour of the day before you look for a fault.",
        ),
        "none",
        {"{{job}}": f"sum by (job) ({ql.SESSIONS})"},
        scale(slas, sla=value("insa_sessions_active")),
    )
    length = lines(
        42,
        Text(
            "Average session duration",
            "How long sessions that ended had lasted.",
            f"sum / count of `{ql.SESSION_DURATION}`, by job.",
            "when it falls, users give up: see errors and latency at that moment.",
            "No session ended",
        ),
        "s",
        {"{{job}}": mean(ql.SESSION_DURATION, ql.OF_JOB, "job")},
        scale(slas, sla=value(ql.SESSION_DURATION)),
    )
    size = lines(
        43,
        Text(
            "Request size P95",
            "One request in 20 is larger than this.",
            f"95th percentile of `{ql.SIZE}`, by agent.",
            "when it jumps, a client sends more than before: compare with latency.",
            "No traffic",
        ),
        "bytes",
        {"{{agent}}": percentile(0.95, ql.SIZE, ql.CHOSEN, "agent")},
    )
    return [row(active, length, size)]


def each_agent(slas: list[Sla]) -> list[Band]:
    """One agent alone; the row is repeated for each that is chosen."""
    results = colored(
        lines(
            61,
            Text(
                "$agent: requests",
                "Requests a second to this agent, by how they ended.",
                f"`rate({names.REQUESTS})`, summed by status.",
                "compare with the same moment of the other agents.",
            ),
            "reqps",
            {"{{status}}": ql.requests("status")},
        ),
        RESULTS,
    )
    failing = lines(
        62,
        Text(
            "$agent: failures",
            "Share of this agent's requests that ended with an error or a timeout.",
            "requests with that status / all requests.",
            "read the agent's log at the moment at which the line rises.",
            "No traffic",
        ),
        "percentunit",
        {"error": ql.share_of("error"), "timeout": ql.share_of("timeout")},
        scale(slas, "HighErrorRate"),
    )
    times = lines(
        63,
        Text(
            "$agent: response time",
            "Median, 95th and 99th percentile of this agent's response time.",
            f"percentiles of `{ql.DURATION}`.",
            "when P99 alone rises, single requests hang; when the median does, all are slow.",
            "No traffic",
        ),
        "s",
        {"P50": ql.duration(0.5), "P95": ql.duration(0.95), "P99": ql.duration(0.99)},
        scale(slas, "HighLatencyP95"),
    )
    return [row(results, failing, times)]
