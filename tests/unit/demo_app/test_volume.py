"""The volume and what fills it, in a directory of the test."""

import errno
import resource
from pathlib import Path

import pytest

from demo_app.faults import Faults
from demo_app.volume import CHUNK, DiskBallast, Volume
from unit.demo_app.recording import Recorder
from unit.demo_app.simulation import FakeClock

MIB = 2**20


class Bench:
    """A volume of 8 MiB with its ballast and its fault."""

    def __init__(self, directory: Path | None) -> None:
        self.clock = FakeClock()
        self.events = Recorder()
        self.faults = Faults(self.clock, self.events)
        self.volume = Volume(directory, events=self.events, capacity_bytes=8 * MIB)
        self.ballast = DiskBallast(self.volume, self.faults)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.ballast.step()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_all_files_below_the_directory_count(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "crm.db").write_bytes(bytes(1000))
    (tmp_path / "crm.db-wal").write_bytes(bytes(200))
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "crm.db").write_bytes(bytes(30))
    (tmp_path / "elsewhere").symlink_to("/usr")

    bench.volume.observe()

    assert bench.volume.used_bytes() == 1230
    assert bench.events.of("volume") == [(0, 8 * MIB), (1230, 8 * MIB)]


def test_what_does_not_fit_is_refused_as_a_full_disk_refuses_it(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "crm.db").write_bytes(bytes(MIB))

    bench.volume.require(7 * MIB)
    with pytest.raises(OSError, match=r"7340033 bytes do not fit, 7340032 are free") as refused:
        bench.volume.require(7 * MIB + 1)

    assert refused.value.errno == errno.ENOSPC


def test_the_ballast_grows_by_real_bytes_a_chunk_a_turn_and_stops_at_the_share(
    bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "crm.db").write_bytes(bytes(MIB))
    bench.faults.start("disk_fill", 0.75)

    sizes = [bench.steps(1) or bench.volume.used_bytes() / MIB for _ in range(7)]

    # 0.75 of 8 MiB are 6, one of them is the database's: five turns of a MiB each
    assert sizes == [2, 3, 4, 5, 6, 6, 6]
    assert set(CHUNK) == {0xA5}
    assert bench.volume.ballast_path.read_bytes() == CHUNK * 5  # written: the holes of a file read as zeros


def test_the_ballast_makes_room_for_others_and_follows_a_changed_share(bench: Bench, tmp_path: Path) -> None:
    bench.faults.start("disk_fill", 1)
    bench.steps(9)
    assert bench.volume.used_bytes() == 8 * MIB
    (tmp_path / "crm.db").write_bytes(bytes(MIB))

    bench.steps(1)
    assert bench.volume.used_bytes() == 8 * MIB

    bench.faults.start("disk_fill", 0.5)
    bench.steps(1)
    assert bench.volume.used_bytes() == 4 * MIB
    assert bench.volume.ballast_path.stat().st_size == 3 * MIB


def test_the_ballast_goes_with_the_fault(bench: Bench) -> None:
    bench.faults.start("disk_fill", 0.5, 30)
    bench.steps(5)
    bench.clock.now += 30

    bench.steps(1)

    assert bench.volume.used_bytes() == 0
    assert not bench.volume.ballast_path.exists()


def test_a_ballast_that_a_killed_process_left_is_removed_at_the_start(bench: Bench, tmp_path: Path) -> None:
    bench.faults.start("disk_fill", 0.5)
    bench.steps(5)
    assert bench.volume.used_bytes() == 4 * MIB

    assert Bench(tmp_path).volume.used_bytes() == 0


def test_a_disk_that_takes_no_more_is_an_error_and_what_it_still_took_is_removed_in_the_end(
    bench: Bench,
) -> None:
    bench.faults.start("disk_fill", 0.5)
    bench.steps(1)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB // 2, unlimited[1]))  # the system refuses the rest
    try:
        with pytest.raises(OSError, match="File too large"):
            bench.steps(1)
        assert bench.volume.used_bytes() == 3 * MIB // 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

    bench.faults.stop_all()
    bench.steps(1)

    assert bench.volume.used_bytes() == 0


def test_without_a_directory_it_is_a_temporary_one_that_goes_at_the_end() -> None:
    volume = Bench(None).volume
    place = volume.path
    (place / "crm.db").write_bytes(bytes(10))
    assert volume.used_bytes() == 10

    volume.close()

    assert not place.exists()
