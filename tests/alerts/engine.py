"""Runs scenarios: begins the cause, waits for what must come, ends the cause, waits for the end.

A scenario knows its own alerts only. Waves and lanes say what runs at the same time.
"""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import httpx

from alerts import mailcheck
from alerts.causes import Causes
from alerts.errors import ProofError, StoppedError
from alerts.floors import Floors
from alerts.matrix import AFTER, BEFORE, DURING, Scenario, Sight, Wave
from alerts.prerequisites import SLA, WATCHDOG
from alerts.proof import Proof, Seen, State, caused, early_ends, ended, owed, owed_after, strays
from alerts.shipped import Alert
from alerts.watch import Watch
from e2e.live import Stack
from waiting import patience

POLL_SECONDS = 0.1
ALWAYS = "always firing"
UNSCRAPED = "metrics_gone"
"""The fault whose effect is that scrapes fail."""
FAILED_SCRAPES = 3
"""So many in a row that an alert may end with them: rules read gauges through two that fail."""
SENDINGS = {
    "alerts Prometheus could not send": "prometheus_notifications_errors_total",
    "alerts Prometheus dropped": "prometheus_notifications_dropped_total",
    "notifications Alertmanager could not send": "alertmanager_notifications_failed_total",
    "posts of alerts Alertmanager refused": "alertmanager_alerts_invalid_total",
}
"""What fails between Prometheus and the mail server, and the counter that tells."""
WINDOWS_SECONDS = 1200.0
"""True time that the ranges of a rule may need beside its waits: to fill before it fires, to empty after."""
STEADY_SECONDS = 90.0
"""What nobody compresses: a request of 45 s, a container that starts, Alertmanager's next attempt."""


def unscraped(span_seconds: float, scrape_seconds: float) -> str:
    """A query with a result if `FAILED_SCRAPES` of the demo-app in a row failed, or never came, in a span."""
    window = f"{FAILED_SCRAPES * scrape_seconds * 1000:.0f}ms"
    good = f'max_over_time(up{{job="demo-app"}}[{window}]) == 1'
    steps = f"[{math.ceil(span_seconds)}s:{scrape_seconds * 1000:.0f}ms]"
    return f"count_over_time((vector(1) unless on () ({good})){steps})"


class Events(Protocol):
    """Who wants to know how the proof goes."""

    def wave_began(self, wave: Wave, proofs: Sequence[Proof]) -> None:
        """Take note of a new wave, and of what it is to prove."""
        ...

    def changed(self, proof: Proof) -> None:
        """Take note that an alert has come to another state."""
        ...


@dataclasses.dataclass(frozen=True)
class Tools:
    """What every scenario needs."""

    stack: Stack
    watch: Watch
    causes: Causes
    alerts: Mapping[str, Alert]
    floors: Floors
    events: Events
    stopped: threading.Event
    steady_seconds: float = dataclasses.field(default_factory=lambda: patience(STEADY_SECONDS))


class Run:
    """One scenario under way; `proofs` are those of its alerts."""

    def __init__(self, scenario: Scenario, tools: Tools) -> None:
        self.scenario = scenario
        self.proofs = [
            Proof(_of_sla(tools.alerts[name], scenario.sla.get(name)), scenario.title)
            for name in scenario.alerts
        ]
        self.cause_over = threading.Event()
        self._tools = tools
        waits = [proof.alert.for_seconds + proof.alert.keep_firing_seconds for proof in self.proofs]
        self._patience = tools.steady_seconds + tools.stack.seconds(max(waits) + WINDOWS_SECONDS)

    def prove(self, before: Run | None = None) -> None:
        """Run it to the end; what did not show stands in `problem` of the proofs. Raises StoppedError.

        Its cause waits until that of `before` is over.
        """
        for proof in self.proofs:
            proof.go(State.WAITING, time.time())
        try:
            while before is not None and not before.cause_over.wait(POLL_SECONDS):
                if self._tools.stopped.is_set():
                    raise StoppedError
            if self.scenario.special == ALWAYS:
                self._prove_that_it_always_fires()
            else:
                self._prove()
        except (ProofError, httpx.HTTPError, OSError, AssertionError) as error:
            self.fail(str(error) if isinstance(error, ProofError) else f"{type(error).__name__}: {error}")
        finally:
            self.cause_over.set()

    def fail(self, problem: str) -> None:
        """Note why those of its alerts that are not proven will not be."""
        for proof in self.proofs:
            if proof.state is not State.PROVEN:
                proof.problem = problem
                self._go(proof, State.FAILED)

    def _prove(self) -> None:
        names = [proof.alert.subject for proof in self.proofs]
        unseen = self._sights(BEFORE)
        self._wait(
            lambda seen: [name for name in names if name in seen.active] + self._unseen(unseen), "calm"
        )
        unseen = self._sights(DURING)
        since = time.time()
        for proof in self.proofs:
            proof.caused_at = since
            self._go(proof, State.CAUSED)
        with self._tools.causes.begun(self.scenario.faults, self.scenario.special):
            self._wait(lambda seen: self._owed(seen, unseen), "the alerts")
            for proof in self.proofs:
                self._check_mails(proof)
                self._go(proof, State.TOLD)
            over = time.time()  # before the end: what takes long to end, as a restart does, is over meanwhile
        self.cause_over.set()
        for proof in self.proofs:
            proof.ended_at = over
            self._go(proof, State.ENDING)
        if self.scenario.later:
            self._wait(lambda seen: self._owed(seen, {}, all_=True), "what could come only later")
            for proof in self.proofs:
                self._check_mails(proof, all_=True)
        unseen = self._sights(AFTER)
        self._wait(lambda seen: self._owed_after(seen, unseen), "the end of the alerts")
        for proof in self.proofs:
            self._check_end(proof)
            self._go(proof, State.PROVEN)

    def _prove_that_it_always_fires(self) -> None:
        """For an alert that never begins nor ends: it fires, its webhook was stored, no mail came."""
        for proof in self.proofs:
            proof.caused_at = 0.0
        self._wait(lambda seen: self._owed(seen, {}), "the alerts")
        for proof in self.proofs:
            if stray := strays(proof, self._tools.watch.seen().mails):
                raise ProofError(f"mail went to {', '.join(stray)}")
            self._go(proof, State.PROVEN)

    def _wait(self, owing: Callable[[Seen], Sequence[str]], what: str) -> None:
        deadline = time.monotonic() + self._patience
        late = False
        while left := owing(self._tools.watch.seen()):
            if late:
                troubles = "; ".join(["", *self._tools.watch.troubles.values()])
                raise ProofError(
                    f"waited {self._patience:.0f} s for {what}; still missing: {', '.join(left)}{troubles}"
                )
            if self._tools.stopped.wait(POLL_SECONDS):
                raise StoppedError
            late = time.monotonic() > deadline  # then there is one more look, the last

    def _owed(self, seen: Seen, unseen: dict[str, Sight], *, all_: bool = False) -> list[str]:
        """What is still missing before the cause may end; `all_` after that, of what comes later."""
        missing = []
        for proof in self.proofs:
            self._advance(proof, seen, caused)
            left = owed(proof, () if all_ else self.scenario.later)
            missing += [f"{proof.alert.name} ({each})" for each in left]
        return missing + self._unseen(unseen)

    def _owed_after(self, seen: Seen, unseen: dict[str, Sight]) -> list[str]:
        missing = []
        for proof in self.proofs:
            self._advance(proof, seen, ended)
            missing += [f"{proof.alert.name} ({each})" for each in owed_after(proof)]
        return missing + self._unseen(unseen)

    def _advance(self, proof: Proof, seen: Seen, by: Callable[[Proof, Seen], None]) -> None:
        """Let what was seen take the proof further, and tell when its state has changed."""
        before = proof.state
        by(proof, seen)
        if proof.state is not before:
            self._tools.events.changed(proof)

    def _sights(self, when: str) -> dict[str, Sight]:
        return {sight.what: sight for sight in self.scenario.sees if sight.when == when}

    def _unseen(self, unseen: dict[str, Sight]) -> list[str]:
        """Look for what has not been seen yet, and take out what is seen now."""
        for sight in list(unseen.values()):
            if self._tools.stack.query(sight.query):
                del unseen[sight.what]
        return list(unseen)

    def _check_mails(self, proof: Proof, *, all_: bool = False) -> None:
        """Check the firing mails, as far as mail and the runbooks that they lead to can be had now."""
        if self.scenario.later and not all_:
            return
        assert proof.condition_at is not None, "it has fired"
        for receiver, mail in proof.mails.items():
            address = proof.alert.mailboxes[receiver]
            mailcheck.check_firing(self._tools.stack, mail, address, proof.alert, proof.condition_at)
        late = self._tools.floors.overrun_seconds(proof)
        if late is not None and late > self._tools.floors.tolerance_seconds and not self.scenario.later:
            raise ProofError(f"the mail came {late:.1f} s after its floor: {self._way(proof)}")
        held = (proof.firing_at or 0.0) - proof.condition_at
        if held < self._tools.stack.seconds(proof.alert.for_seconds) - 1e-3:
            raise ProofError(f"it fired after {held:.1f} s, before its `for` was over")

    def _way(self, proof: Proof) -> str:
        """When each part of the way was passed, in seconds from the cause, and what failed on it."""
        since = proof.caused_at or 0.0
        times = [("firing", proof.firing_at), ("webhooks stored", proof.webhook_at)]
        times += [(f"mail to {name}", mail.received_at) for name, mail in proof.mails.items()]
        said = [f"{what} at {at - since:.1f} s" for what, at in times if at is not None]
        for what, counter in SENDINGS.items():
            if count := self._tools.stack.value(f"round(sum(increase({counter}[1m])))"):
                said.append(f"{what} in the last minute: {count:.0f}")
        return ", ".join(said)

    def _check_end(self, proof: Proof) -> None:
        mails = self._tools.watch.seen().mails
        for receiver, mail in proof.resolved_mails.items():
            mailcheck.check_resolved(mail, proof.alert.mailboxes[receiver], proof.alert)
        if stray := strays(proof, mails):
            raise ProofError(f"mail went to {', '.join(stray)} too")
        if early := early_ends(proof, mails):
            said = f"{early} mails said that it is over while its cause lasted"
            if not self._was_unscraped(proof):
                raise ProofError(said)
            proof.remark = f"{said}: {FAILED_SCRAPES} scrapes of the demo-app in a row failed in that time"

    def _was_unscraped(self, proof: Proof) -> bool:
        """Whether so many scrapes failed, and not because of the cause, that an alert may have ended."""
        if UNSCRAPED in self.scenario.faults:
            return False
        assert proof.caused_at is not None, "the cause has begun"
        assert proof.ended_at is not None, "the cause is over"
        query = unscraped(proof.ended_at - proof.caused_at, self._tools.floors.scrape_seconds)
        return bool(self._tools.stack.query(query, at=proof.ended_at))

    def _go(self, proof: Proof, state: State) -> None:
        proof.go(state, time.time())
        self._tools.events.changed(proof)


def _of_sla(alert: Alert, sla: str | None) -> Alert:
    """The alert as it is about one SLA, if it is about SLAs."""
    if alert.labels.get("component") != SLA:
        return alert
    assert sla is not None, f"{alert.name}: its scenario needs the key sla"
    return dataclasses.replace(alert, sla=sla)


def run_waves(waves: Sequence[Wave], tools: Tools) -> list[Proof]:
    """Run all waves, and return the proofs of all alerts in the matrix' order. Raises StoppedError.

    A wave begins when nothing but the Watchdog is pending or firing. A lane is a thread; what fails in one
    lane fails its own alerts alone.
    """
    runs = [
        {name: [Run(each, tools) for each in lane] for name, lane in wave.lanes.items()} for wave in waves
    ]
    for wave, lanes in zip(waves, runs, strict=True):
        tools.events.wave_began(
            wave, [proof for lane in lanes.values() for run in lane for proof in run.proofs]
        )
        if troubles := _wait_for_calm(tools):
            for run in (run for lane in lanes.values() for run in lane):
                run.fail(f"the stack did not come to rest before: {', '.join(troubles)}")
            continue
        _run_lanes(lanes, tools.stopped)
        if tools.stopped.is_set():
            raise StoppedError
    return [proof for lanes in runs for lane in lanes.values() for run in lane for proof in run.proofs]


def _wait_for_calm(tools: Tools) -> list[str]:
    """Wait until nothing but the Watchdog is pending or firing; return what still is in the end.

    What fires about SLAs follows from what the last wave broke, and hinders no other alert: a scenario waits
    for those that it is to prove.
    """
    about_slas = {name for name, alert in tools.alerts.items() if alert.labels.get("component") == SLA}

    def troubles_now() -> list[str]:
        names = tools.watch.seen().active.keys() - {WATCHDOG}
        return sorted(name for name in names if name.partition(":")[0] not in about_slas)

    deadline = time.monotonic() + tools.steady_seconds + tools.stack.seconds(2 * WINDOWS_SECONDS)
    late = False
    while (troubles := troubles_now()) and not late:
        if tools.stopped.wait(POLL_SECONDS):
            raise StoppedError
        late = time.monotonic() > deadline
    return troubles


def _run_lanes(lanes: Mapping[str, Sequence[Run]], stopped: threading.Event) -> None:
    by_title = {run.scenario.title: run for runs in lanes.values() for run in runs}
    threads = [
        threading.Thread(target=_run_lane, args=(runs, by_title), name=name) for name, runs in lanes.items()
    ]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(timeout=0.1)
    finally:
        if any(thread.is_alive() for thread in threads):  # Ctrl-C: the lanes end their causes, then go
            stopped.set()
        for thread in threads:
            thread.join()


def _run_lane(runs: Sequence[Run], by_title: Mapping[str, Run]) -> None:
    for run in runs:
        try:  # with ONLY, what it would have to come after may not be there
            run.prove(by_title.get(run.scenario.after or ""))
        except StoppedError:
            return
