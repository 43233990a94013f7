"""Waves, lanes and the ends of causes, on a stack that is made up."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from alerts import engine
from alerts.causes import Causes
from alerts.engine import Tools, run_waves
from alerts.errors import StoppedError
from alerts.floors import Floors
from alerts.matrix import BEFORE, Scenario, Sight, Wave
from alerts.proof import Proof, Seen, State
from alerts.shipped import Alert
from alerts.watch import Watch
from e2e.live import Mail, Stack
from waiting import patience

QUIET = Alert("Quiet", {"severity": "critical"}, 0, 0, ("hook",), {})
FALSE_END = "1 mails said that it is over while its cause lasted"
LOUD = Alert("Loud", {"severity": "critical"}, 0, 0, ("hook",), {})


class World:
    """A stack in which an alert fires while its fault, of the same name, is there, and webhooks come at once.

    It is what the engine watches, and where causes begin and end; `said` has these in their order.
    """

    def __init__(self, *, deaf: frozenset[str] = frozenset(), mails: tuple[Mail, ...] = ()) -> None:
        self.said: list[str] = []
        self._deaf = deaf
        self._mails = mails
        self._now = 1000.0
        self._firing: set[str] = set()
        self._webhooks: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self.troubles: dict[str, str] = {}

    def seen(self) -> Seen:
        with self._lock:
            active = {name: (frozenset({"firing"}), 0.0) for name in self._firing}
            return Seen(0.0, active, self._mails, tuple(self._webhooks))

    @contextlib.contextmanager
    def begun(self, faults: Mapping[str, float], _special: str | None) -> Iterator[None]:
        self._tell("begin", "firing", faults)
        try:
            yield
        finally:
            self._tell("end", "resolved", faults)

    def _tell(self, word: str, status: str, faults: Mapping[str, float]) -> None:
        with self._lock:
            for name in faults:
                self.said.append(f"{word} {name}")
                if name not in self._deaf:
                    (self._firing.add if word == "begin" else self._firing.discard)(name)
                    self._webhooks.append(
                        {"alertname": name, "status": status, "receiver": "hook", "received_at": 4e9}
                    )


class Silent:
    """Listens to nothing, or interrupts when an alert comes to a state."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop

    def wave_began(self, wave: Wave, proofs: object) -> None:
        pass

    def changed(self, proof: Proof) -> None:
        if self._stop is not None and proof.state is State.CAUSED:
            self._stop.set()


def scenario(name: str, **more: Any) -> Scenario:
    parts: dict[str, Any] = {
        "title": f"About {name}",
        "alerts": (name,),
        "faults": {name: 1.0},
        "special": None,
        "sees": (),
        "later": frozenset(),
        "after": None,
    }
    return Scenario(**parts | more)


def prometheus(*, unscraped: bool = False) -> httpx.MockTransport:
    """Prometheus, in whose last minute two mails could not be sent."""

    def answer(request: httpx.Request) -> httpx.Response:
        values = {b"alertmanager_notifications_failed_total": 2} | ({b"up": 1} if unscraped else {})
        found = [value for name, value in values.items() if name in request.content]
        result = [{"metric": {}, "value": [4e9, str(value)]} for value in found[:1]]
        data = {"resultType": "vector", "result": result}
        return httpx.Response(200, json={"status": "success", "data": data})

    return httpx.MockTransport(answer)


def tools(
    world: World,
    stopped: threading.Event | None = None,
    events: Silent | None = None,
    *,
    steady_seconds: float = engine.STEADY_SECONDS,
    tolerance_seconds: float = 1e12,
    unscraped: bool = False,
) -> Tools:
    stack = Stack(
        prometheus="http://prometheus", alertmanager="", grafana="", mailhog="", demo_metrics="", demo_api="",
        sla_worker="", factor=1e6, client=httpx.Client(transport=prometheus(unscraped=unscraped)),
    )  # fmt: skip
    return Tools(
        stack=stack,
        watch=cast("Watch", world),
        causes=cast("Causes", world),
        alerts={"Quiet": QUIET, "Loud": LOUD},
        floors=Floors(1e6, 0, 0, {"Quiet": 0, "Loud": 0}, tolerance_seconds=tolerance_seconds),
        events=events or Silent(),
        stopped=stopped or threading.Event(),
        steady_seconds=steady_seconds,
    )


def test_a_slow_machine_gets_more_time() -> None:
    world = World()
    stretched = tools(world, steady_seconds=engine.STEADY_SECONDS)
    plain = Tools(
        stretched.stack, stretched.watch, stretched.causes, stretched.alerts, stretched.floors,
        stretched.events, stretched.stopped,
    )  # fmt: skip
    assert plain.steady_seconds == patience(engine.STEADY_SECONDS)


def test_a_lane_runs_one_after_the_other_and_ends_each_cause() -> None:
    world = World()
    proofs = run_waves([Wave("one", {"lane": (scenario("Loud"), scenario("Quiet"))})], tools(world))
    assert [(proof.alert.name, proof.state) for proof in proofs] == [
        ("Loud", State.PROVEN),
        ("Quiet", State.PROVEN),
    ]
    assert world.said == ["begin Loud", "end Loud", "begin Quiet", "end Quiet"]


def test_a_cause_waits_until_that_of_another_lane_is_over() -> None:
    world = World()
    lanes = {"first": (scenario("Loud", after="About Quiet"),), "second": (scenario("Quiet"),)}
    run_waves([Wave("one", lanes)], tools(world))
    assert world.said == ["begin Quiet", "end Quiet", "begin Loud", "end Loud"]


def test_a_cause_waits_for_what_must_be_seen_before_it() -> None:
    there = Sight(BEFORE, "a failed notification", "alertmanager_notifications_failed_total")
    missing = Sight(BEFORE, "a request", "requests_total")
    world = World()
    lanes = {"a": (scenario("Loud", sees=(there,)),), "b": (scenario("Quiet", sees=(there, missing)),)}
    loud, quiet = run_waves([Wave("one", lanes)], tools(world, steady_seconds=0.3))
    assert loud.state is State.PROVEN
    assert quiet.problem is not None
    assert quiet.problem.endswith("for calm; still missing: a request")
    assert world.said == ["begin Loud", "end Loud"]


def test_what_does_not_show_fails_alone_and_its_cause_is_ended() -> None:
    world = World(deaf=frozenset({"Quiet"}))
    wave = Wave("one", {"a": (scenario("Quiet"),), "b": (scenario("Loud"),)})
    proofs = run_waves([wave], tools(world, steady_seconds=1))
    quiet, loud = proofs
    assert loud.state is State.PROVEN
    assert quiet.state is State.FAILED
    assert quiet.problem is not None
    assert "still missing: Quiet (pending), Quiet (the webhook of hook)" in quiet.problem
    assert "end Quiet" in world.said


def test_a_late_alert_says_when_it_passed_each_part_of_the_way_and_what_failed_on_it() -> None:
    # The condition held at 0 and the webhook was stored at 4e9: later than the floor of 0 by as much.
    [proof] = run_waves([Wave("one", {"lane": (scenario("Loud"),)})], tools(World(), tolerance_seconds=1e9))
    assert proof.state is State.FAILED
    assert proof.problem is not None
    assert proof.problem.startswith("the mail came 4000000000.0 s after its floor: firing at ")
    assert "webhooks stored at " in proof.problem
    assert proof.problem.endswith("notifications Alertmanager could not send in the last minute: 2")


@pytest.mark.parametrize(
    ("name", "unscraped", "problem"),
    [("Loud", False, FALSE_END), ("Loud", True, None), (engine.UNSCRAPED, True, FALSE_END)],
)
def test_a_false_end_has_no_excuse_but_scrapes_that_failed_in_a_row_beside_the_cause(
    name: str, *, unscraped: bool, problem: str | None
) -> None:
    # The alert fires from 0 on, and its cause lasts until now.
    over = Mail(1000.0, ("hook@example.com",), "[RESOLVED:1] CRITICAL Loud", "", "")
    lane = (scenario("Loud", faults={"Loud": 1.0, name: 1.0}),)
    world = World(mails=(over,))
    [proof] = run_waves([Wave("one", {"lane": lane})], tools(world, unscraped=unscraped))
    assert proof.problem == problem
    assert proof.remark == (
        None if problem else f"{FALSE_END}: 3 scrapes of the demo-app in a row failed in that time"
    )


def test_a_cause_is_over_from_when_it_begins_to_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    clock = SimpleNamespace(time=lambda: now[0], monotonic=time.monotonic)
    monkeypatch.setattr(engine, "time", clock)

    class Slow(World):
        """Its causes take 100 seconds to be ended; what they caused is over at once."""

        @contextlib.contextmanager
        def begun(self, faults: Mapping[str, float], special: str | None) -> Iterator[None]:
            with super().begun(faults, special):
                yield
            now[0] += 100

    [proof] = run_waves([Wave("one", {"lane": (scenario("Loud"),)})], tools(Slow()))
    assert (proof.state, proof.ended_at) == (State.PROVEN, 1000.0)


def test_an_interruption_ends_the_causes_and_begins_no_other() -> None:
    world, stopped = World(deaf=frozenset({"Quiet"})), threading.Event()
    waves = [Wave("one", {"lane": (scenario("Quiet"),)}), Wave("two", {"lane": (scenario("Loud"),)})]
    with pytest.raises(StoppedError):
        run_waves(waves, tools(world, stopped, Silent(stopped)))
    assert world.said == ["begin Quiet", "end Quiet"]


def test_a_wave_does_not_begin_on_a_stack_in_trouble() -> None:
    world = World()
    with world.begun({"Loud": 1}, None):
        [proof] = run_waves([Wave("one", {"lane": (scenario("Quiet"),)})], tools(world, steady_seconds=0.3))
    assert proof.problem == "the stack did not come to rest before: Loud"
    assert world.said == ["begin Loud", "end Loud"]
