"""The activity feed: the last events, and a count of all."""

from demo_app.activity import Activity, ActivityFeed
from demo_app.message_bus import Message
from unit.demo_app.simulation import FakeClock, Simulation


def test_it_keeps_the_last_events_newest_first_and_counts_all(clock: FakeClock) -> None:
    feed = ActivityFeed(clock, capacity=2)
    assert (feed.last(), feed.counts()) == ((), {})

    for number, topic in enumerate(("requests", "customers", "requests")):
        feed.note(Message(topic, number, f"event {number}", seed=0))
        clock.now += 10

    # the clock began at 1,000 s, 1,800,001,000 s after the epoch
    assert feed.last() == (
        Activity(1_800_001_020.0, "requests", "event 2"),
        Activity(1_800_001_010.0, "customers", "event 1"),
    )
    assert feed.counts() == {"requests": 2, "customers": 1}


def test_in_the_app_it_shows_how_requests_ended_and_which_visits_were_written(simulation: Simulation) -> None:
    simulation.run(60)

    feed = simulation.system.activity
    assert len(feed.last()) == 50
    texts = [activity.text for activity in feed.last()]
    assert any(text.startswith("request ") and ": success after " in text for text in texts)
    assert any("of its customer" in text for text in texts)
    counts = simulation.system.bus.counts()
    assert feed.counts() == {topic: counts[topic].delivered for topic in counts}
