"""The scan of components, over modules of the test's own."""

import logging
from pathlib import Path

import pytest

from demo_app.component_scan import ComponentScan, ScanReading
from demo_app.faults import Faults
from logged import lines
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock


class Bench:
    """Ten modules, one of them in a package below, and a file that is none."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.events = Recorder()
        self.faults = Faults(self.clock, self.events)
        (directory / "below").mkdir()
        self.paths = [directory / f"module_{number}.py" for number in range(9)]
        self.paths.append(directory / "below" / "module_9.py")
        for number, path in enumerate(self.paths):
            path.write_text(f"NUMBER = {number}\n", encoding="utf-8")
        (directory / "py.typed").touch()
        self.scan = ComponentScan([directory], faults=self.faults, clock=self.clock, events=self.events)
        assert self.events.of("scan") == [(10, 10, 1_800_001_000.0)]  # the one at the start: all of them
        self.events.heard.clear()
        self.clock.now += 300


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_module_is_scanned(bench: Bench) -> None:
    assert bench.scan.run() == 10

    assert bench.events.of("scan") == [(10, 10, 1_800_001_300.0)]
    assert bench.scan.reading() == ScanReading(10, 10, (), 1_800_001_300.0)


# 0.3 x 10; at least one; all
@pytest.mark.parametrize(("share", "refused"), [(0.3, 3), (0, 1), (0.01, 1), (1, 10)])
def test_a_gap_is_what_the_system_refuses_the_same_each_time(
    bench: Bench, caplog: pytest.LogCaptureFixture, share: float, refused: int
) -> None:
    bench.faults.start("scan_gap", share)

    with caplog.at_level(logging.WARNING):
        assert [bench.scan.run() for _ in range(2)] == [10 - refused] * 2

    first, second = lines(caplog, "demo_app")
    assert first == second
    assert f"components not readable count={refused} names=" in first
    bench.faults.stop_all()
    assert bench.scan.run() == 10


def test_a_module_that_has_gone_is_a_component_that_is_not_scanned(bench: Bench) -> None:
    bench.paths[4].unlink()

    assert bench.scan.run() == 9

    assert bench.events.of("scan") == [(10, 9, 1_800_001_300.0)]
    assert bench.scan.reading() == ScanReading(10, 9, (), 1_800_001_300.0)


def test_a_changed_module_is_scanned_and_named(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.paths[4].write_text("NUMBER = 5\n", encoding="utf-8")

    with caplog.at_level(logging.WARNING):
        assert bench.scan.run() == 10

    name = f"{bench.paths[4].parent.name}/module_4.py"
    assert bench.scan.reading().changed == (name,)
    assert lines(caplog, "demo_app") == [f"components changed since the start count=1 names={name}"]
