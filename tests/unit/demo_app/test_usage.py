"""The app's own usage figures, in a real database."""

from pathlib import Path

import pytest

from demo_app.database import Database
from demo_app.faults import Faults
from demo_app.usage import UsageHistory
from demo_app.volume import Volume
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock

DAY = 86_400
START = 1_800_001_000  # the clock's epoch and its 1,000 s


class Bench:
    """A history of 15 days, and a number of ended requests that the test sets."""

    def __init__(self, directory: Path) -> None:
        self.clock = FakeClock()
        self.events = Recorder()
        self.faults = Faults(self.clock, self.events)
        self.volume = Volume(directory, events=self.events)
        self.database = Database(directory, faults=self.faults, clock=self.clock, events=self.events)
        self.ended = 0
        self.usage = UsageHistory(
            self.database,
            self.volume,
            ended=lambda: self.ended,
            retention_seconds=15 * DAY,
            clock=self.clock,
            events=self.events,
        )

    def rows(self) -> list[tuple[int, int]]:
        with self.database.connection() as connection:
            return connection.execute("SELECT ended_at - ?, requests FROM usage", (START,)).fetchall()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_row_holds_the_requests_that_ended_since_the_one_before(bench: Bench) -> None:
    for seconds, ended in ((0, 10), (60, 310), (60, 310), (60, 600)):
        bench.clock.now += seconds
        bench.ended = ended
        assert bench.usage.record()

    assert bench.rows() == [(0, 10), (60, 300), (120, 0), (180, 290)]
    assert bench.events.of("retention") == [(1_296_000,)]  # 15 x 86,400


def test_two_turns_within_a_second_share_a_row(bench: Bench) -> None:
    for ended in (5, 8):
        bench.clock.now += 0.25
        bench.ended = ended
        bench.usage.record()

    assert bench.rows() == [(0, 8)]


def test_rows_go_when_they_are_as_old_as_the_retention(bench: Bench) -> None:
    bench.usage.record()
    bench.clock.now += 60
    bench.usage.record()
    bench.clock.now += 15 * DAY - 61
    bench.usage.record()
    assert [at for at, _ in bench.rows()] == [0, 60, 15 * DAY - 1]

    bench.clock.now += 1
    bench.usage.record()

    assert [at for at, _ in bench.rows()] == [60, 15 * DAY - 1, 15 * DAY]


def test_what_could_not_be_written_goes_into_the_next_row(bench: Bench) -> None:
    bench.ended = 100
    bench.faults.start("database_down", None, 60)
    assert not bench.usage.record()

    bench.clock.now += 60
    bench.ended = 150
    assert bench.usage.record()

    assert bench.rows() == [(60, 150)]


def test_a_full_volume_takes_no_row(bench: Bench) -> None:
    room = bench.volume.capacity_bytes - bench.volume.used_bytes()
    (bench.volume.path / "other").write_bytes(bytes(room - 4095))  # a page has 4,096 bytes
    bench.ended = 7

    assert not bench.usage.record()
    assert bench.rows() == []

    (bench.volume.path / "other").unlink()
    assert bench.usage.record()
    assert bench.rows() == [(0, 7)]


def test_the_rows_outlive_the_process(bench: Bench, tmp_path: Path) -> None:
    bench.ended = 3
    bench.usage.record()
    bench.database.close()

    assert Bench(tmp_path).rows() == [(0, 3)]
