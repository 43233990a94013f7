"""The message bus: order, room, time, and a count from which nothing is missing."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from demo_app.clock import Repeater, SystemClock
from demo_app.faults import Faults
from demo_app.message_bus import Message, MessageBus, TopicCounts, UnknownTopicError
from unit.demo_app.simulation import FakeClock
from waiting import poll, wait_for

REST_P95_SECONDS = 0.2
"""Log-normal with median 0.08 and spread 0.5: P95 = 0.08 x exp(1.645 x 0.5) = 0.182 s."""


class Heard:
    """Counts the events of each topic, and keeps the states."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.seconds: list[float] = []
        self.backlog: dict[str, int] = {}
        self.up: list[bool] = []

    def message_published(self, topic: str) -> None:
        self.counts["published", topic] += 1

    def message_delivered(self, topic: str, seconds: float) -> None:
        self.counts["delivered", topic] += 1
        self.seconds.append(seconds)

    def message_dropped(self, topic: str) -> None:
        self.counts["dropped", topic] += 1

    def bus_backlog(self, topic: str, messages: int) -> None:
        self.backlog[topic] = messages

    def bus_available(self, *, up: bool) -> None:
        self.up.append(up)

    def fault_changed(self, fault: str, *, active: bool) -> None:
        pass


class Bench:
    """A bus on a clock of its own: a subscriber on `news` keeps what it gets, and there is none on `mute`."""

    def __init__(self, capacity: int = 1000, slots: int = 32) -> None:
        self.clock = FakeClock()
        self.heard = Heard()
        self.faults = Faults(self.clock, self.heard)
        self.got: list[Message] = []
        self.bus = MessageBus(
            ("news", "mute"),
            faults=self.faults,
            clock=self.clock,
            events=self.heard,
            capacity=capacity,
            slots=slots,
        )
        self.bus.subscribe("news", self.got.append)

    def publish(self, count: int, topic: str = "news") -> None:
        for number in range(count):
            self.bus.publish(topic, f"message {number}", seed=number)

    def run(self, seconds: float) -> None:
        """Let time pass, with a turn of the bus whenever it wants one."""
        end = self.clock.now + seconds
        while self.clock.now < end:
            self.clock.now += min(max(self.bus.step(), 1e-6), end - self.clock.now)
        self.bus.step()

    def counts(self, topic: str = "news") -> TopicCounts:
        return self.bus.counts()[topic]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_message_reaches_its_subscriber_after_its_time_and_not_before(bench: Bench) -> None:
    bench.publish(1)
    assert bench.counts() == TopicCounts(published=1, delivered=0, backlog=1, under_way=0, dropped=0)

    wait = bench.bus.step()

    assert 0.02 <= wait <= 0.3
    assert bench.counts() == TopicCounts(published=1, delivered=0, backlog=0, under_way=1, dropped=0)
    bench.clock.now += wait / 2
    assert bench.bus.step() == pytest.approx(wait / 2)
    assert bench.got == []
    bench.clock.now += wait / 2 + 1e-6
    assert bench.bus.step() == 1.0  # nothing is under way: the next look is the idle one
    assert bench.got == [Message("news", 1, "message 0", 0)]
    assert bench.counts() == TopicCounts(published=1, delivered=1, backlog=0, under_way=0, dropped=0)
    assert bench.heard.seconds == [pytest.approx(wait, abs=1e-5)]


def test_deliveries_at_rest_are_well_below_two_seconds_and_repeat(bench: Bench) -> None:
    again = Bench()
    for each in (bench, again):
        each.publish(1000)
        each.run(60)

    assert len(bench.heard.seconds) == 1000
    assert min(bench.heard.seconds) >= 0.02 - 1e-9
    assert max(bench.heard.seconds) <= 0.3 + 1e-5
    # a thousand draws: 50 lie above P95, with a standard deviation of 7
    assert sum(seconds > REST_P95_SECONDS for seconds in bench.heard.seconds) <= 50
    assert bench.heard.seconds == again.heard.seconds
    assert bench.got == again.got


def test_no_more_messages_are_under_way_than_there_are_slots() -> None:
    bench = Bench(slots=3)
    bench.publish(5)

    bench.bus.step()

    assert (bench.counts().under_way, bench.counts().backlog) == (3, 2)
    assert bench.heard.backlog["news"] == 2
    bench.run(2)  # two rounds of at most 0.3 s
    assert bench.counts().delivered == 5


def test_a_topic_without_a_subscriber_keeps_its_messages_until_there_is_one(bench: Bench) -> None:
    bench.publish(3, "mute")
    bench.run(10)
    assert bench.counts("mute") == TopicCounts(published=3, delivered=0, backlog=3, under_way=0, dropped=0)

    late: list[Message] = []
    bench.bus.subscribe("mute", late.append)
    bench.run(1)

    assert sorted(message.number for message in late) == [1, 2, 3]


def test_every_subscriber_of_a_topic_gets_every_message_of_it_and_no_other(bench: Bench) -> None:
    second: list[Message] = []
    bench.bus.subscribe("news", second.append)
    bench.publish(4)
    bench.publish(2, "mute")
    bench.run(1)

    assert bench.got == second
    assert [message.topic for message in second] == ["news"] * 4


def test_a_subscriber_may_publish(bench: Bench) -> None:
    bench.bus.subscribe("news", lambda _message: bench.publish(1, "mute"))
    bench.publish(2)
    bench.run(1)

    assert bench.counts("mute").published == 2


def test_a_message_on_which_a_subscriber_fails_is_not_lost(bench: Bench) -> None:
    failing = [True]

    def fail(_message: Message) -> None:
        if failing[0]:
            raise RuntimeError("on purpose")

    bench.bus.subscribe("news", fail)
    bench.publish(1)
    bench.bus.step()
    bench.clock.now += 1

    with pytest.raises(RuntimeError, match="on purpose"):
        bench.bus.step()

    assert bench.counts() == TopicCounts(published=1, delivered=0, backlog=0, under_way=1, dropped=0)
    failing[0] = False
    bench.bus.step()
    assert bench.counts().delivered == 1


def test_an_unknown_topic_is_answered_with_the_known_ones(bench: Bench) -> None:
    with pytest.raises(UnknownTopicError, match="unknown topic: 'new'; the topics are news, mute"):
        bench.bus.publish("new", "text", 1)
    with pytest.raises(UnknownTopicError, match="unknown topic: 'new'"):
        bench.bus.subscribe("new", bench.got.append)


def test_while_the_bus_is_down_messages_wait_and_then_arrive_in_order(bench: Bench) -> None:
    bench.publish(2)
    bench.bus.step()
    bench.faults.start("bus_down", duration_seconds=60)
    bench.publish(3)

    assert bench.bus.step() == 1.0
    bench.run(59.5)

    assert not bench.bus.up
    assert bench.counts() == TopicCounts(published=5, delivered=0, backlog=5, under_way=0, dropped=0)
    assert bench.heard.backlog["news"] == 5
    assert bench.got == []
    bench.run(2)  # the fault ends by itself; a second until that is seen, 0.3 s for the deliveries
    assert bench.bus.up
    assert sorted(message.number for message in bench.got) == [1, 2, 3, 4, 5]
    assert bench.heard.up == [True, False, True]
    assert max(bench.heard.seconds) <= 0.3 + 1e-5  # from the begin that led to the end


def test_a_full_backlog_drops_the_oldest_and_says_so() -> None:
    bench = Bench(capacity=4)
    bench.publish(2)
    bench.bus.step()
    bench.faults.start("bus_down")
    bench.publish(3)
    bench.bus.step()  # 2 broken off and 3 that wait: one too many, the very first

    bench.publish(2)

    assert bench.counts() == TopicCounts(published=7, delivered=0, backlog=4, under_way=0, dropped=3)
    assert bench.heard.counts["dropped", "news"] == 3
    bench.faults.stop_all()
    bench.run(1)
    assert sorted(message.number for message in bench.got) == [4, 5, 6, 7]


def test_what_a_dead_bus_breaks_off_is_older_than_what_waited_and_keeps_its_order() -> None:
    bench = Bench(capacity=4)
    bench.publish(2)
    bench.bus.step()
    bench.publish(3)
    bench.faults.start("bus_down")
    bench.bus.step()  # room for 4 of 5: the first has to go
    bench.faults.stop_all()
    bench.run(1)

    assert sorted(message.number for message in bench.got) == [2, 3, 4, 5]


def test_a_delivery_ends_at_the_very_instant_at_which_it_is_due(bench: Bench) -> None:
    bench.clock.now = 0.0  # so that the sum of begin and duration is exact
    bench.publish(1)
    bench.clock.now = bench.bus.step()

    bench.bus.step()

    assert bench.counts().delivered == 1


def test_a_thousand_messages_that_waited_are_delivered_within_seconds(bench: Bench) -> None:
    bench.faults.start("bus_down")
    bench.bus.step()
    bench.publish(1001)
    assert (bench.counts().backlog, bench.counts().dropped) == (1000, 1)
    bench.faults.stop_all()

    bench.run(5)  # 1,000 of 0.09 s each, in 32 slots: 2.8 s

    assert bench.counts().delivered == 1000


@pytest.mark.parametrize(("seconds", "most_waiting"), [(3.0, 0), (5.0, 5), (10.0, 600)])
def test_a_slow_bus_keeps_up_with_five_messages_a_second_up_to_six_seconds_each(
    bench: Bench, seconds: float, most_waiting: int
) -> None:
    bench.faults.start("bus_slow", seconds, 600)
    for number in range(1500):  # five minutes
        bench.bus.publish("news", "steady", number)
        bench.run(0.2)

    # 32 slots of 10.09 s deliver 3.2 a second: of 1,500 messages 1.8 x 300 = 540 wait at the end
    assert bench.counts().backlog <= most_waiting
    assert (bench.counts().backlog > 500) == (seconds == 10)
    assert min(bench.heard.seconds) > seconds
    assert bench.counts().dropped == 0


def test_a_publisher_wakes_the_thread_of_the_bus() -> None:
    heard = Heard()
    clock = SystemClock()
    got: list[Message] = []
    bus = MessageBus(("news",), faults=Faults(clock, heard), clock=clock, events=heard, idle_seconds=3600)
    bus.subscribe("news", got.append)
    thread = Repeater("message bus", bus.step, wake=bus.changed)
    thread.start()
    try:
        poll(lambda: not bus.changed.is_set(), "an idle bus")
        bus.publish("news", "now", 1)
        wait_for(1, lambda: len(got), "the message")
    finally:
        thread.stop()
    assert not thread.alive


class BusMachine(RuleBasedStateMachine):
    """A bus under any order of events against the plainest model of one: lists of numbers."""

    @initialize(capacity=st.integers(1, 6), slots=st.integers(1, 4))
    def build(self, capacity: int, slots: int) -> None:
        self.capacity, self.slots = capacity, slots
        self.bench = Bench(capacity, slots)
        self.before = {topic: TopicCounts(0, 0, 0, 0, 0) for topic in ("news", "mute")}

    @rule(count=st.integers(1, 8), topic=st.sampled_from(["news", "mute"]))
    def publish(self, count: int, topic: str) -> None:
        self.bench.publish(count, topic)

    @rule(seconds=st.floats(0, 2))
    def run_bus(self, seconds: float) -> None:
        self.bench.run(seconds)

    @rule(seconds=st.floats(0, 5))
    def stall(self, seconds: float) -> None:
        self.bench.clock.now += seconds

    @rule()
    def turn(self) -> None:
        self.bench.bus.step()

    @rule(seconds=st.floats(1, 10))
    def bring_down(self, seconds: float) -> None:
        self.bench.faults.start("bus_down", 1, seconds)

    @rule(slower=st.floats(0, 30), seconds=st.floats(1, 10))
    def slow_down(self, slower: float, seconds: float) -> None:
        self.bench.faults.start("bus_slow", slower, seconds)

    @rule()
    def repair(self) -> None:
        self.bench.faults.stop_all()

    @invariant()
    def nothing_is_lost_and_no_count_falls(self) -> None:
        for topic, now in self.bench.bus.counts().items():
            assert now.published == now.delivered + now.backlog + now.under_way + now.dropped
            assert now.backlog <= self.capacity
            assert now.under_way <= self.slots
            before, self.before[topic] = self.before[topic], now
            assert now.published >= before.published
            assert now.delivered >= before.delivered
            assert now.dropped >= before.dropped

    @invariant()
    def what_was_reported_is_what_is(self) -> None:
        heard = self.bench.heard
        for topic, now in self.bench.bus.counts().items():
            counted = [heard.counts[kind, topic] for kind in ("published", "delivered", "dropped")]
            assert counted == [now.published, now.delivered, now.dropped]
            assert heard.backlog.get(topic, 0) == now.backlog
        assert heard.up[-1] == self.bench.bus.up

    @invariant()
    def every_message_was_got_once_at_most(self) -> None:
        numbers = [message.number for message in self.bench.got]
        assert len(numbers) == len(set(numbers)) == self.bench.counts().delivered

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.bench.faults.stop_all()
        self.bench.run(60)  # longer than 30 s and 6 messages one after another
        left = self.bench.counts()
        assert (left.backlog, left.under_way) == (0, 0)


TestBusMachine = BusMachine.TestCase
TestBusMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
