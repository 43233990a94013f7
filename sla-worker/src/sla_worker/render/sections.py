"""Sections of sentences in a periodic report: what is still allowed, the alerts, how long things took."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sla_worker.model import AlertQuality, AlertRecord, LongReport, Prospect, Whole
from sla_worker.render.format import apart, length, moment, objective, ratio, whole

_ALERTS = 10
_UNTOLD = 5
Section = tuple[str, list[str]]


def sections(report: LongReport, zone: ZoneInfo) -> list[Section]:
    """The sections that there are, each with its heading."""
    found = [
        ("Year to date", [_whole(each, zone) for each in report.wholes]),
        ("Until the month ends", outlook_lines(report.outlook, zone)),
        ("Alerts", [] if report.alerts is None else _alert_lines(report.alerts, zone)),
        ("How long it took", _times(report)),
    ]
    return [each for each in found if each[1]]


def _whole(each: Whole, zone: ZoneInfo) -> str:
    since = f"{each.name}, from {moment(each.start, zone)}"
    if not each.measured:
        return f"{since}: nothing was measured."
    return (
        f"{since}: {each.meeting} of {each.measured} SLAs kept their target over all of it"
        f" ({ratio(each.meeting / each.measured)}), {ratio(each.coverage_ratio)} measured."
    )


def outlook_lines(prospects: Sequence[Prospect], zone: ZoneInfo) -> list[str]:
    """What is still allowed of each SLA, and where its month ends; the SLA that decides comes first."""
    lines = [_prospect(each, zone) for each in prospects]
    if lines:
        lines[0] = f"What decides: {lines[0]}"
    return lines


def _prospect(each: Prospect, zone: ZoneInfo) -> str:
    left = each.allowed - each.bad
    if each.allowed <= 0:
        allowed = f"may have no {each.unit}, and had {whole(each.bad)}"
    elif left >= 0:
        allowed = f"may have {whole(left)} more {each.unit}, of about {whole(each.allowed)} in the month,"
    else:
        allowed = f"had {whole(-left)} {each.unit} more than the {whole(each.allowed)} allowed in the month,"
    worst, best = ratio(each.worst_ratio), ratio(each.best_ratio)
    days = f"; at those of the last {each.days} days, {worst} to {best}" if worst != best else ""
    return (
        f"{each.title} {allowed} until {moment(each.month_end, zone)}. At the rate of the last 24 hours that"
        f" were measured it ends at {apart(each.at_rate_ratio, each.held_to_ratio)}{days};"
        f" {objective(each.held_to_ratio)} is wanted."
    )


def _alert_lines(quality: AlertQuality, zone: ZoneInfo) -> list[str]:
    lines = [_alert(each) for each in quality.alerts[:_ALERTS]]
    if len(quality.alerts) > _ALERTS:
        lines.append(f"{len(quality.alerts) - _ALERTS} more alerts fired less often.")
    if not lines:
        lines.append("No alert fired.")
    if quality.untold:
        named = ", ".join(
            f"{each.title} ({moment(each.started_at, zone)})" for each in quality.untold[:_UNTOLD]
        )
        rest = len(quality.untold) - _UNTOLD
        lines.append(
            f"No alert told of {len(quality.untold)} {'breach' if len(quality.untold) == 1 else 'breaches'}:"
            f" {named}{f' and {rest} more' if rest > 0 else ''}."
        )
    lines.append(
        "Counted are the alerts that Alertmanager sent: silenced and inhibited ones never came, nor did those"
        " that began and ended while the sla-worker was down."
    )
    if quality.down_seconds:
        lines.append(f"For {length(quality.down_seconds)} no Watchdog came, so that no alert would have.")
    if quality.known_since is not None:
        lines.append(f"Alerts before {moment(quality.known_since, zone)} are not kept any more.")
    return lines


def _alert(each: AlertRecord) -> str:
    words = [f"fired {'once' if each.fired == 1 else f'{each.fired} times'}, {length(each.seconds)} in total"]
    if each.median_seconds is not None and each.fired > 1:
        words.append(f"half were resolved within {length(each.median_seconds)}")
    if each.burned is not None:
        words.append(f"meanwhile {each.burned * 100:.1f} % of the error budget of {each.burned_by} burned")
    if each.harmless == each.fired:
        words.append("without harm: no SLA was in breach")
    elif each.harmless:
        words.append(f"{each.harmless} of them without harm")
    return f"{each.alertname} {'; '.join(words)}."


def _times(report: LongReport) -> list[str]:
    """Means over all breaches of the period; nothing without one."""
    if not report.incidents:
        return []
    ended = [each.breach for each in report.incidents if each.breach.ended_at is not None]
    lines = []
    if ended:
        mean = sum(each.duration_seconds(report.whole.end) for each in ended) // len(ended)
        lines.append(f"Mean time to recovery: {length(mean)}, of {_breaches(len(ended))} that ended.")
    else:
        lines.append("Mean time to recovery: not known, no breach has ended.")
    hit = [each for each in report.lines if each.breaches]
    kept = sum(each.status.period_seconds - each.status.excluded_seconds - each.down_seconds for each in hit)
    count = sum(each.breaches for each in hit)
    if count:
        lines.append(
            f"Mean time between failures: {length(max(kept, 0) // count)}, the time out of breach of the SLAs"
            f" that had a breach ÷ {_breaches(count)}."
        )
    lines.append("Mean time to acknowledge: not known, nobody acknowledges a breach here.")
    return lines


def _breaches(count: int) -> str:
    return "1 breach" if count == 1 else f"{count} breaches"
