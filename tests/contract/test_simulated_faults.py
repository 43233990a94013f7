"""Each fault moves the metrics and fires the alerts that it names, and no others; then all is as before."""

from __future__ import annotations

import functools
import re
from datetime import timedelta
from pathlib import Path

import pytest

from compression.durations import parsed
from contract.profiles import lacking, moved, profile
from contract.simulated import Recording, alerts_in, at_rest, evaluated, simulated
from demo_app import catalogue as known
from demo_app.catalogue import CARRIED, SPECS, FaultSpec
from rules.binaries import newest
from rules.cases import STEP_SECONDS, shipped_alerts

CALM = 60
"""Seconds. The first backup is made after a minute: a fault that begins then shows in what it leaves out."""

TWICE = {known.TRAFFIC_DROP, known.DEPENDENCY_DOWN, known.POISONED_MESSAGES}
"""Recorded for each question: in more than ten minutes they also move, beyond chance, what they but touch."""

CALM_OF_ALERTS, FAULT_OF_METRICS = 5 * 60, 10 * 60
"""Seconds, in those two recordings. An alert on traffic that stopped asks how much there was before."""

WINDOWS = 11 * 60
"""Seconds which the cause and the rule's window may take before the condition of an alert holds."""

SETTLING, AFTERWARDS = 5 * 60, 5 * 60
"""Seconds until the metrics are as before, and how long they are then looked at."""

ECHO = {known.SHORT_SESSIONS: 10 * 60}
"""The same where it takes longer: users who all came back at once also leave together, nine minutes later."""

LEAVING, LATEST = 5 * 60, 20 * 60
"""Seconds after its longest window in which an alert has to resolve, and after the fault at the latest.

The windows that are longer tell what was once there, or how an hour was before.
"""

EVER_FIRED = 'count by (alertname) (count_over_time(ALERTS{alertstate="firing",alertname!="Watchdog"}[1d]))'
NOW = 'count by (alertname) (ALERTS{alertname!="Watchdog"})'


@pytest.fixture(scope="module", params=SPECS, ids=lambda fault: fault.name)
def fault(request: pytest.FixtureRequest) -> FaultSpec:
    """Each fault; the tests of one run beside each other, and read the same recordings."""
    spec: FaultSpec = request.param
    return spec


def long_enough(fault: FaultSpec) -> int:
    """How many seconds of the fault every alert that it names needs to fire."""
    waits = [parsed(shipped_alerts()[alert].rule.get("for", "0s")) for alert in fault.alerts]
    return WINDOWS + int(max(waits, default=timedelta()).total_seconds())


def settling(fault: FaultSpec) -> int:
    """How many seconds after the fault its metrics are as before."""
    return ECHO.get(fault.name, SETTLING)


def recovery(fault: FaultSpec) -> int:
    """How many seconds after the fault it must take its alerts to resolve, at most."""
    windows = [
        int(parsed(window).total_seconds())
        for alert in fault.alerts
        for window in re.findall(r"\[(\w+)\]", shipped_alerts()[alert].rule["expr"])
    ]
    return min(LATEST, max(settling(fault) + AFTERWARDS, LEAVING + max(windows, default=0)))


def calm_before(fault: FaultSpec) -> int:
    """How many seconds its alerts are asked about before it begins."""
    return CALM_OF_ALERTS if fault.name in TWICE else CALM


def looked_at(fault: FaultSpec) -> int:
    """How many seconds of the fault its metrics are asked about."""
    return FAULT_OF_METRICS if fault.name in TWICE else long_enough(fault)


@functools.lru_cache(maxsize=2)
def recorded(fault: FaultSpec, intensity: float, calm: int, seconds: int) -> Recording:
    """The app calm, with the fault, and calm again."""
    return simulated({fault.name: intensity}, calm=calm, fault=seconds, recovery=recovery(fault))


def undisturbed() -> Recording:
    """The app without a fault, as long as any of them is looked at."""
    return at_rest(CALM + max(long_enough(each) + settling(each) for each in SPECS) + AFTERWARDS)


def test_it_fires_the_alerts_that_it_names_and_all_resolve(fault: FaultSpec, tmp_path: Path) -> None:
    fired: set[str] = set()
    for intensity in sorted({fault.default, fault.maximum}):
        if fired == set(fault.alerts) != set():
            break  # the default shows them all
        calm = calm_before(fault)
        recording = recorded(fault, intensity, calm, long_enough(fault))
        end = recording.seconds
        before, ever, after = evaluated(
            newest("promtool"),
            tmp_path,
            recording,
            [(NOW, calm - STEP_SECONDS), (EVER_FIRED, end), (NOW, end)],
        )
        assert (before, after) == ("", "")
        fired |= alerts_in(ever)
    assert fired == set(fault.alerts)


def test_it_moves_the_metrics_that_it_names_and_nothing_of_the_others(fault: FaultSpec) -> None:
    seconds = looked_at(fault)
    over = CALM + seconds
    calm = over + settling(fault)
    during, afterwards = (CALM, over + SETTLING // 4), (calm, calm + AFTERWARDS)
    recording, rest = recorded(fault, fault.default, CALM, seconds), undisturbed()
    # Up to the fault the two runs are one: what differs later is the fault's.
    assert profile(recording, 0, CALM - STEP_SECONDS) == profile(rest, 0, CALM - STEP_SECONDS)

    changed = moved(profile(rest, *during), profile(recording, *during))
    named = {each.partition("{")[0] for each in fault.metrics}
    assert {name for name, _ in changed} - CARRIED <= named
    unmoved = lacking(fault, changed)
    if unmoved:  # what shows only when the fault is at its strongest
        strongest = recorded(fault, fault.maximum, CALM, seconds)
        unmoved &= lacking(fault, moved(profile(rest, *during), profile(strongest, *during)))
    assert unmoved == set()
    assert moved(profile(rest, *afterwards), profile(recording, *afterwards)) == set()


def test_two_runs_without_a_fault_differ_in_nothing() -> None:
    again = simulated({}, calm=0, fault=0, recovery=WINDOWS)
    assert profile(again, 0, WINDOWS) == profile(undisturbed(), 0, WINDOWS)


def test_what_most_faults_carry_along_is_named_where_it_is_meant() -> None:
    named = {each.partition("{")[0] for spec in SPECS for each in spec.metrics}
    assert named >= CARRIED
