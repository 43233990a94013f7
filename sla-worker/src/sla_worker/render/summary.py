"""The executive summary and the recommendations: sentences by rules, which docs/reports.md lists.

Summary, in this order:
    1. how many SLAs kept their target, and how that changed
    2. which missed it, at most three by name, those furthest over their budget first
    3. how many breaches there were, how long together, and the longest
    4. the downtime
    5. the incident that burned most of its error budget, from half of the budget on
    6. those that passed with less than a quarter of their budget left, at most three by name
    7. that too little was measured, where coverage is below 90 %: of all together, else of which SLAs
    8. of which SLAs nothing was measured, at most three by name

Recommendations, for each SLA below 99 %, the first rule that holds:
    1. coverage below 90 %:                        measure it first
    2. it kept its target:                         nothing to repair; a tighter target if that is too low
    3. one incident has half of its bad events:    prevent that incident
    4. three breaches or more:                     look for what they have in common
    5. otherwise:                                  spread over the period: review capacity or the target
"""

from __future__ import annotations

from math import inf
from zoneinfo import ZoneInfo

from sla_worker.conventions import BUDGET_LOW, MINIMUM_COVERAGE
from sla_worker.model import Incident, Line, LongReport
from sla_worker.render.format import compliance, length, moment, objective, ratio, target, unmeasured, verdict

_NAMED = 3
_MOST = 0.5
_MANY = 3


def summary(report: LongReport, zone: ZoneInfo) -> list[str]:
    """The sentences that hold, in the order of the rules."""
    sentences = [_kept(report), _missed(report), _breaches(report, zone), _down(report)]
    sentences += [_worst(report, zone), _close(report), _uncovered(report), _unmeasured(report)]
    return [each for each in sentences if each]


def _kept(report: LongReport) -> str:
    whole, before = report.whole, report.before
    if not whole.measured:
        return "No SLA had events in the period."
    said = f"{whole.meeting} of {len(whole.measured)} SLAs kept their target ({ratio(whole.score_ratio)})"
    if not before.measured:
        return f"{said}."
    return f"{said}; {before.meeting} of {len(before.measured)} did in the period before."


def _missed(report: LongReport) -> str:
    def over(line: Line) -> float:
        used = line.status.burn_rate
        return -inf if used is None else -used

    missed = sorted((each for each in report.lines if each.status.meets_target is False), key=over)
    if not missed:
        return "No SLA missed its target." if report.whole.measured else ""
    return f"Missed: {_named(missed)}."


def _named(lines: list[Line]) -> str:
    named = [
        f"{each.status.title} ({compliance(each.status)} good, {objective(each.status.held_to_ratio)} wanted)"
        for each in lines[:_NAMED]
    ]
    rest = len(lines) - _NAMED
    return ", ".join(named) + (f" and {rest} more" if rest > 0 else "")


def _breaches(report: LongReport, zone: ZoneInfo) -> str:
    found = report.incidents
    if not found:
        return "There was no breach."
    longest = max(found, key=lambda each: each.seconds)
    if len(found) == 1:
        said = "There was one breach:"
    else:
        together = length(sum(each.seconds for each in found))
        said = f"There were {len(found)} breaches, {together} in total; the longest was"
    return (
        f"{said} {longest.breach.title}, {length(longest.seconds)} from"
        f" {moment(longest.breach.started_at, zone)}."
    )


def _down(report: LongReport) -> str:
    if not report.down_seconds:
        return "No availability SLA was in breach."
    return f"An availability SLA was in breach for {length(report.down_seconds)}."


def _worst(report: LongReport, zone: ZoneInfo) -> str:
    for each in report.worst(1):
        if each.burned is not None and each.burned >= _MOST:
            return (
                f"One incident alone burned {each.burned * 100:.0f} % of the error budget of"
                f" {each.breach.title}, from {moment(each.breach.started_at, zone)}."
            )
    return ""


def _close(report: LongReport) -> str:
    close = [
        each
        for each in report.lines
        if each.status.meets_target
        and each.allowed > 0
        and (each.status.budget_left_ratio or 0.0) < BUDGET_LOW
    ]
    if not close:
        return ""
    return f"Less than a quarter of the error budget is left of {_titles(close)}."


def _uncovered(report: LongReport) -> str:
    coverage = report.whole.coverage_ratio
    if coverage >= MINIMUM_COVERAGE:
        return _so_far(report)
    return f"Only {ratio(coverage)} of the time was measured: what passes has only passed so far."


def _so_far(report: LongReport) -> str:
    found = [each for each in report.lines if verdict(each.status) == "pass so far"]
    return f"Passed only so far, for less than 90 % was measured: {_titles(found)}." if found else ""


def _unmeasured(report: LongReport) -> str:
    found = [each for each in report.lines if unmeasured(each.status)]
    return f"Nothing was measured of {_titles(found)}." if found else ""


def _titles(lines: list[Line]) -> str:
    named = ", ".join(each.status.title for each in lines[:_NAMED])
    rest = len(lines) - _NAMED
    return named + (f" and {rest} more" if rest > 0 else "")


def recommendations(report: LongReport) -> list[tuple[str, str]]:
    """For each SLA below 99 % its title, and what to do."""
    own: dict[tuple[str, str], list[Incident]] = {}
    for each in report.incidents:
        own.setdefault((each.breach.key, each.breach.component), []).append(each)
    return [
        (line.status.title, _advice(line, own.get((line.status.key, line.status.component), [])))
        for line in report.below_99
    ]


def _advice(line: Line, own: list[Incident]) -> str:
    status = line.status
    at = f"{compliance(status)} good"
    if status.coverage_ratio < MINIMUM_COVERAGE:
        return f"{at}, but only {ratio(status.coverage_ratio)} was measured: measure it before judging it."
    if status.meets_target:
        kept = target(status.target, status.comparison, status.unit)
        return f"{at}, which keeps the target of {kept}; set a tighter one if users notice."
    worst = max(own, key=_bad, default=None)
    if worst is not None and line.bad > 0 and _bad(worst) >= _MOST * line.bad:
        return (
            f"{at}; one incident of {length(worst.seconds)} had {_bad(worst) / line.bad * 100:.0f} % of"
            " the bad events: find its cause and prevent it."
        )
    if len(own) >= _MANY:
        return f"{at}; {len(own)} breaches: look for what they have in common."
    return f"{at}, spread over the period: review its capacity, or whether the target fits."


def _bad(incident: Incident) -> float:
    return incident.bad or 0.0
