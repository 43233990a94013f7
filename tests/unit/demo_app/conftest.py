"""What the tests of the demo-app share."""

import pytest

from unit.demo_app.simulation import FakeClock, Simulation


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def simulation() -> Simulation:
    return Simulation()
