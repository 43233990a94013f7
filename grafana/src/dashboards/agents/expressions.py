"""The PromQL about requests to agents, for the chosen jobs and agents."""

from __future__ import annotations

from .. import names
from ..limits import events
from ..programs import percentile, rate, share

CHOSEN = 'job=~"$job", agent=~"$agent"'
REQUESTS = f"{names.REQUESTS}{{{CHOSEN}}}"
DURATION = "insa_agent_request_duration_seconds"
SIZE = "insa_agent_request_size_bytes"
IN_FLIGHT = f"insa_agent_requests_in_flight{{{CHOSEN}}}"
FALLBACKS = f"insa_agent_fallbacks_total{{{CHOSEN}}}"
SESSIONS = 'insa_sessions_active{job=~"$job"}'
SESSION_DURATION = "insa_session_duration_seconds"
ERRORS_SLA = events(names.REQUESTS, f'{names.REQUESTS}{{status="error"}}')
TIMEOUTS_SLA = events(names.REQUESTS, f'{names.REQUESTS}{{status="timeout"}}')
OF_JOB = 'job=~"$job"'
"""Sessions are of a program, not of one of its agents."""


def ended(status: str) -> str:
    """Requests that ended so."""
    return f'{names.REQUESTS}{{{CHOSEN}, status="{status}"}}'


def share_of(status: str, by: str = "") -> str:
    """Share of the requests that ended so."""
    return share(ended(status), REQUESTS, by)


def duration(quantile: float, by: str = "") -> str:
    """A percentile of the time from a request's arrival to its end."""
    return percentile(quantile, DURATION, CHOSEN, by)


def requests(by: str = "") -> str:
    """Requests a second that ended."""
    return rate(REQUESTS, by)
