"""The rows about circuit breakers and retries."""

from __future__ import annotations

from .. import names
from ..definitions import Sla
from ..layout import Band, Section
from ..limits import scale, window
from ..panels import GREEN, RED, YELLOW, Query, Text, states
from ..programs import mean, percentile, rate
from ..tiles import lines, row
from . import expressions as ql

STATES = {"0": ("Closed", GREEN), "1": ("Half-open", YELLOW), "2": ("Open", RED)}


def breakers_section(slas: list[Sla]) -> Section:
    """What the breakers let through."""
    flapping = window("CircuitBreakerFlapping")
    state = states(
        21,
        Text(
            "State of each breaker",
            "Closed lets every call through, half-open a probe, open none. A gap is time nobody measured.",
            f"the highest `{names.BREAKER_STATE}` of each step, so that a short opening is not lost.",
            "open: the dependency behind it fails (CircuitBreakerOpen's runbook).",
            "No breakers",
        ),
        [Query(f"max by (breaker) (max_over_time({ql.STATE}[$__rate_interval]))", "{{breaker}}")],
        STATES,
    )
    changes = lines(
        22,
        Text(
            "Changes of state",
            f"How often each breaker opened or closed within {flapping}; probes of an open one do not count.",
            f"`increase({ql.TRANSITIONS})` from or to closed, over the window of the alert.",
            "above the line the dependency fails now and then (CircuitBreakerFlapping's runbook).",
        ),
        "none",
        {"{{breaker}}": ql.transitions(flapping)},
        scale(slas, "CircuitBreakerFlapping"),
    )
    rejected = lines(
        23,
        Text(
            "Calls not made",
            "Calls a second that breakers did not let through, and requests that failed because of it.",
            "`rate` of `insa_circuit_breaker_rejected_calls_total` and `…failed_requests_total`.",
            "where requests fail too, the agent has no fallback for that dependency.",
        ),
        "ops",
        {
            "{{breaker}} rejected": rate(ql.REJECTED, "breaker"),
            "{{breaker}} requests failed": rate(ql.FAILED_REQUESTS, "breaker"),
        },
    )
    failures = lines(
        24,
        Text(
            "Failed calls",
            "Calls a second that failed and count towards opening the breaker.",
            "`rate(insa_circuit_breaker_failures_total)`, by breaker.",
            "a line that rises is the warning before the breaker opens.",
        ),
        "ops",
        {"{{breaker}}": rate(ql.FAILURES, "breaker")},
    )
    closed = lines(
        25,
        Text(
            "Time closed",
            "Share of the time that each breaker was closed.",
            f"time in state closed / time in all states, from `{ql.STATE_SECONDS}`.",
            "below the line, the SLA on stability is losing budget: look at that dependency.",
        ),
        "percentunit",
        {"{{breaker}}": ql.time_closed()},
        scale(slas, sla=ql.STABILITY_SLA),
    )
    return Section(
        20,
        "Circuit breakers",
        [
            row(state, changes),
            row(rejected, failures),
            row(closed),
        ],
    )


def retries_section(slas: list[Sla]) -> Section:
    """Whether trying again helps, and what it costs."""
    success = lines(
        31,
        Text(
            "Retry success",
            "Share of the calls that were tried again and succeeded in the end.",
            "retried calls with outcome success / all retried calls, by operation.",
            "below the red line retrying is load without use (LowRetrySuccessRate's runbook).",
            "No retries",
        ),
        "percentunit",
        {"{{operation}}": ql.retry_success("operation")},
        scale(slas, "LowRetrySuccessRate", sla=ql.RETRIES_SLA),
    )
    per_call = lines(
        32,
        Text(
            "Attempts per call",
            "How many attempts a call took, the first one included. At 2, retries have doubled the load.",
            f"sum / count of `{ql.ATTEMPTS_PER_CALL}`, by job.",
            "above the line, lower the number of attempts or raise the delay (ExcessiveRetryAttempts).",
            "No calls",
        ),
        "none",
        {"{{job}}": mean(ql.ATTEMPTS_PER_CALL, ql.OF_JOB, "job")},
        scale(slas, "ExcessiveRetryAttempts"),
    ).decimals(2)
    attempts = lines(
        33,
        Text(
            "Retries",
            "Attempts a second after the first one.",
            "`rate(insa_retry_attempts_total)`, by operation.",
            "the operation whose line rises is the one that fails.",
        ),
        "ops",
        {"{{operation}}": rate(ql.ATTEMPTS, "operation")},
    )
    delay = lines(
        34,
        Text(
            "Delay before a retry",
            "How long a call waited between a failed attempt and the next one.",
            f"median and 95th percentile of `{ql.DELAY}`.",
            "delays near the highest one mean that calls use up all their attempts.",
            "No retries",
        ),
        "s",
        {f"P{q * 100:.0f}": percentile(q, ql.DELAY, ql.OF_JOB) for q in (0.5, 0.95)},
    )
    return Section(
        30,
        "Retries",
        [row(success, per_call), row(attempts, delay)],
    )


def each_breaker() -> list[Band]:
    """One breaker alone; the row is repeated for each that is chosen."""
    time_in_state = lines(
        91,
        Text(
            "$breaker: time in each state",
            "Share of the time that this breaker was closed, half-open, open.",
            f"`rate({ql.STATE_SECONDS})`, by state: seconds a second.",
            "much time half-open means that probes take long.",
        ),
        "percentunit",
        {"{{state}}": rate(f"{ql.STATE_SECONDS}{{{ql.OF_BREAKER}}}", "state")},
    )
    calls = lines(
        92,
        Text(
            "$breaker: failed and rejected calls",
            "Calls a second that failed, and those that were not made.",
            "`rate` of `insa_circuit_breaker_failures_total` and `…rejected_calls_total`.",
            "failures come first, rejections follow once the breaker is open.",
        ),
        "ops",
        {"failed": rate(ql.FAILURES), "rejected": rate(ql.REJECTED)},
    )
    return [row(time_in_state, calls)]
