"""Sessions: started by requests, ended by length, by inactivity or by a fault, none without an end."""

import math
import statistics

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from demo_app.faults import Faults
from demo_app.sessions import SessionCounts, Sessions
from unit.demo_app.simulation import FakeClock


class Heard:
    """Counts starts, and keeps the reported durations."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended: list[float] = []

    def session_began(self) -> None:
        self.begun += 1

    def session_ended(self, seconds: float) -> None:
        self.ended.append(seconds)

    def fault_changed(self, fault: str, *, active: bool) -> None:
        pass


class Bench:
    """24 seats on a clock of their own."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.heard = Heard()
        self.faults = Faults(self.clock, self.heard)
        self.sessions = Sessions(faults=self.faults, clock=self.clock, events=self.heard)

    def run(self, seconds: int, seats: int = 24) -> None:
        """Let so many whole seconds pass, with a request on each of the first seats every 5 s."""
        for _ in range(seconds):
            if self.clock.now % 5 == 0:
                for seat in range(seats):
                    self.sessions.used(int(self.clock.now) * 24 + seat)  # a seed of its own every time
            self.clock.now += 1
            self.sessions.observe()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_request_starts_a_session_and_later_ones_belong_to_it(bench: Bench) -> None:
    for seed in (1, 1, 25, 49):  # one seat: each leaves 1 when divided by 24
        bench.sessions.used(seed)
    assert bench.sessions.counts() == SessionCounts(begun=1, ended=0, active=1)

    bench.sessions.used(2)

    assert bench.sessions.counts() == SessionCounts(begun=2, ended=0, active=2)
    assert bench.heard.begun == 2


def test_a_seat_that_is_silent_for_a_minute_has_left(bench: Bench) -> None:
    bench.sessions.used(1)
    bench.clock.now += 30
    bench.sessions.used(25)
    bench.clock.now += 59.9
    bench.sessions.observe()
    assert bench.sessions.counts().active == 1

    bench.clock.now += 0.2
    bench.sessions.observe()

    assert bench.sessions.counts() == SessionCounts(begun=1, ended=1, active=0)
    assert bench.heard.ended == [90.0]  # 30 s to its last request, and a minute


def test_a_session_in_use_ends_at_its_planned_length_and_the_next_request_starts_another(
    bench: Bench,
) -> None:
    bench.run(720, seats=1)

    assert len(bench.heard.ended) == 1
    assert 360 <= bench.heard.ended[0] <= 720
    assert bench.sessions.counts() == SessionCounts(begun=2, ended=1, active=1)


def test_the_average_is_above_five_minutes_from_the_first_end_on(bench: Bench) -> None:
    averages = []
    for _ in range(60):
        bench.run(60)
        if bench.heard.ended:
            averages.append(statistics.mean(bench.heard.ended))

    assert min(averages) > 360  # no session that is in use is shorter
    # an hour has some 24 x 3600/542 = 160 sessions of 360 to 720 s: 540, standard error 104/sqrt(160) = 8
    assert averages[-1] == pytest.approx(540, abs=35)
    assert bench.sessions.counts().active > 20


def test_the_fault_ends_older_sessions_at_once_and_new_ones_at_its_length(bench: Bench) -> None:
    bench.run(100)
    bench.faults.start("short_sessions", 60, 300)
    bench.sessions.observe()
    assert bench.heard.ended == [100.0] * 24  # as old as they were, not cut back

    bench.run(290)

    shortened = bench.heard.ended[24:]
    # a new one every 65 s a seat: 60 s long, then up to 5 s until the next request
    assert len(shortened) == 24 * 4
    assert set(shortened) == {60.0}
    bench.faults.stop_all()
    bench.run(300)
    assert len(bench.heard.ended) == 24 * 5  # they go on to their planned length


def test_the_same_requests_make_the_same_sessions(bench: Bench) -> None:
    again = Bench()
    for each in (bench, again):
        each.run(1500)

    assert len(bench.heard.ended) > 24
    assert bench.heard.ended == again.heard.ended


class SessionMachine(RuleBasedStateMachine):
    """Sessions under any order of requests, silence and faults."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.before = SessionCounts(0, 0, 0)
        self.requested = 0
        self.limit: float | None = None

    @rule(seeds=st.lists(st.integers(0, 2**32 - 1), max_size=30))
    def request(self, seeds: list[int]) -> None:
        for seed in seeds:
            self.bench.sessions.used(seed)
        self.requested += len(seeds)

    @rule(seconds=st.floats(0, 800))
    def pass_time(self, seconds: float) -> None:
        self.bench.clock.now += seconds

    @rule(seconds=st.integers(1, 800))
    def go_on(self, seconds: int) -> None:
        self.bench.clock.now = float(math.ceil(self.bench.clock.now))
        self.bench.run(seconds, seats=3)
        self.requested += 3 * seconds

    @rule()
    def look(self) -> None:
        self.bench.sessions.observe()

    @rule(limit=st.floats(5, 300), seconds=st.floats(1, 600))
    def shorten(self, limit: float, seconds: float) -> None:
        self.bench.faults.start("short_sessions", limit, seconds)

    @rule()
    def repair(self) -> None:
        self.bench.faults.stop_all()

    @invariant()
    def what_began_is_open_or_has_ended(self) -> None:
        counts = self.bench.sessions.counts()
        assert counts.begun == counts.ended + counts.active
        assert counts.active <= 24
        assert counts.begun <= self.requested
        assert (counts.begun, counts.ended) == (self.bench.heard.begun, len(self.bench.heard.ended))
        assert counts.begun >= self.before.begun
        assert counts.ended >= self.before.ended
        self.before = counts

    @invariant()
    def none_lasts_longer_than_the_longest_or_less_than_no_time(self) -> None:
        assert all(0 < seconds <= 720 for seconds in self.bench.heard.ended)

    def teardown(self) -> None:
        self.bench.clock.now += 61
        assert self.bench.sessions.counts().active == 0


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
