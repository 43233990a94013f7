"""The chores."""

from demo_app.housekeeping import Chore, Housekeeping
from unit.demo_app.simulation import FakeClock


def test_each_chore_is_done_at_its_interval_and_a_stall_is_not_made_up_for(clock: FakeClock) -> None:
    done: list[str] = []
    chores = [Chore(1.0, lambda: done.append("often")), Chore(2.5, lambda: done.append("seldom"))]
    housekeeping = Housekeeping(clock, chores)

    assert housekeeping.step() == 1.0
    assert done == []
    clock.now += 1.5
    assert housekeeping.step() == 1.0  # the seldom one is due 2.5 s after the start
    assert done == ["often"]
    clock.now += 60
    assert housekeeping.step() == 1.0
    assert done == ["often", "often", "seldom"]
