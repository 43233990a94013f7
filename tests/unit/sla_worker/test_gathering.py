"""What holds while a file is broken, moved or gone: a mistake removes nothing, a removal does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from logged import lines
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_files
from sla_worker.gathering import Gathered, gather
from sla_worker.grid import Grid
from unit.sla_worker.databases import Place
from unit.sla_worker.team_files import Files, team, uptime

NOW = 1_700_000_100
PLATFORM = ["platform-uptime", "api-response-time-p95", "api-error-rate"]


class Worker:
    """A ledger, and a start of the worker an hour after the one before."""

    def __init__(self, place: Place, directory: Path) -> None:
        self.now = NOW
        self.files = Files(directory)
        self.database = SLADatabase(place.location, grid=Grid(300, 15), clock=lambda: self.now)

    def start(self) -> Gathered:
        self.now += 3600
        return gather(read_files(self.files.platform), self.database)

    def teams_slas(self) -> list[str]:
        """The keys of all that start measures, without the platform's own."""
        return [each.key for each in self.start().definitions if each.key not in PLATFORM]

    def versions(self) -> dict[str, list[tuple[int, bool, float]]]:
        return {
            key: [(each.number, each.enabled, each.target_value) for each in found]
            for key, found in self.database.versions().items()
            if key not in PLATFORM
        }


@pytest.fixture
def alone(place: Place, tmp_path: Path) -> Iterator[Worker]:
    made = Worker(place, tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def worker(alone: Worker) -> Worker:
    alone.files.put("pay.yml", team("payments", uptime("pay-uptime"), uptime("refund-uptime", target=0.95)))
    alone.files.put("search.yml", team("search", uptime("search-uptime")))
    return alone


def test_the_ledger_knows_whose_each_sla_is(worker: Worker) -> None:
    found = worker.start()
    assert (found.invalid, found.warnings) == ({"pay.yml": False, "search.yml": False}, ())
    stored = worker.database.definitions()
    assert {key: each.team for key, each in stored.items()} == dict.fromkeys(PLATFORM) | {
        "pay-uptime": "payments",
        "refund-uptime": "payments",
        "search-uptime": "search",
    }
    assert worker.database.teams.all()["payments"].owner == "payments@example.com"


def test_the_slas_of_a_broken_file_go_on_by_their_last_good_version(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    before = worker.start()
    versions = worker.versions()
    path = worker.files.put("pay.yml", team("payments", uptime("pay-uptime", target=99)))
    worker.files.put("search.yml", team("search", uptime("search-uptime", target=0.5)))
    with caplog.at_level(logging.ERROR, "sla_worker.gathering"):
        found = worker.start()
    assert found.invalid == {"pay.yml": True, "search.yml": False}
    was = {each.key: each for each in before.definitions}
    held = [each for each in found.definitions if each.team == "payments"]
    assert [replace(each, valid_from=None) for each in held] == [was["pay-uptime"], was["refund-uptime"]]
    # Nothing has a new version; the other team's change did.
    search = [*versions["search-uptime"], (2, True, 0.5)]
    assert worker.versions() == versions | {"search-uptime": search}
    assert all(each.enabled for each in worker.database.definitions().values())
    [line] = lines(caplog, "sla_worker.gathering")
    assert line == (
        f"definitions: {path}:9: SLA pay-uptime: target is `99`; give a ratio from 0 to 1: 99 % is 0.99."
        " Until then these go on as they were last right: pay-uptime, refund-uptime"
    )
    assert set(worker.database.teams.all()) == {"payments", "search"}


@pytest.mark.parametrize("text", ["", "team: [", "slas: []\n", "\x00"])
def test_a_file_that_says_nothing_any_more_has_removed_nothing(worker: Worker, text: str) -> None:
    worker.start()
    worker.files.put("pay.yml", text)
    assert worker.teams_slas() == ["search-uptime", "pay-uptime", "refund-uptime"]
    # Once it is right again, what it leaves out is removed.
    worker.files.put("pay.yml", team("payments", uptime("refund-uptime", target=0.95)))
    assert worker.teams_slas() == ["refund-uptime", "search-uptime"]
    assert worker.versions()["refund-uptime"] == [(1, True, 0.95)]
    assert worker.versions()["pay-uptime"] == [(1, True, 0.99), (2, False, 0.99)]


def test_a_file_that_is_gone_has_removed_its_slas_and_their_history_stays(worker: Worker) -> None:
    worker.start()
    (worker.files.directory / "pay.yml").unlink()
    assert worker.teams_slas() == ["search-uptime"]
    assert worker.versions()["pay-uptime"] == [(1, True, 0.99), (2, False, 0.99)]
    assert worker.database.definitions()["pay-uptime"].team == "payments"
    assert set(worker.database.teams.all()) == {"search"}
    assert set(worker.database.teams.former()) == {"payments"}


def test_a_directory_that_is_gone_has_removed_nothing_an_empty_one_has(worker: Worker) -> None:
    worker.start()
    kept = worker.files.directory.rename(worker.files.directory.with_name("elsewhere"))
    found = worker.start()
    assert [each.key for each in found.definitions][3:] == ["pay-uptime", "refund-uptime", "search-uptime"]
    assert found.invalid == {"sla.d": True}
    [line] = found.warnings
    assert line.startswith(
        f"{worker.files.directory}: is gone, with the files of payments, search; bring it back; if none of"
        " them has SLAs any more, make an empty directory. Until then"
    )
    assert len(worker.database.teams.all()) == 2
    kept.joinpath("pay.yml").unlink()
    kept.joinpath("search.yml").unlink()
    kept.rename(worker.files.directory)
    assert worker.teams_slas() == []
    assert worker.database.teams.all() == {}


def test_a_file_that_was_never_right_leaves_its_slas_out(worker: Worker) -> None:
    path = worker.files.put("new.yml", team("new", uptime("new-uptime", target=99)))
    found = worker.start()
    assert "new-uptime" not in [each.key for each in found.definitions]
    assert found.warnings == (
        f"{path}:9: SLA new-uptime: target is `99`; give a ratio from 0 to 1: 99 % is 0.99."
        " No SLA of it is measured: it was never right",
    )


def test_a_file_that_is_renamed_and_broken_at_once_is_still_that_teams(worker: Worker) -> None:
    worker.start()
    (worker.files.directory / "pay.yml").unlink()
    worker.files.put("payments.yml", "team: payments\nowner: nobody\nslas: []\n")
    assert worker.teams_slas() == ["search-uptime", "pay-uptime", "refund-uptime"]


def test_an_sla_that_moved_into_a_broken_file_is_not_lost_one_that_was_removed_is(worker: Worker) -> None:
    worker.start()
    worker.files.put("pay.yml", team("payments", uptime("pay-uptime")))
    text = team("search", uptime("search-uptime"), uptime("refund-uptime", target=95))
    worker.files.put("search.yml", text)
    assert worker.teams_slas() == ["pay-uptime", "refund-uptime", "search-uptime"]
    worker.files.put("search.yml", text.replace("refund-uptime", "other-uptime"))
    assert worker.teams_slas() == ["pay-uptime", "search-uptime"]


def test_an_sla_that_moves_to_another_team_keeps_its_history(worker: Worker) -> None:
    worker.start()
    worker.files.put("pay.yml", team("payments", uptime("pay-uptime")))
    worker.files.put(
        "search.yml", team("search", uptime("search-uptime"), uptime("refund-uptime", target=0.95))
    )
    assert worker.teams_slas() == ["pay-uptime", "search-uptime", "refund-uptime"]
    assert worker.versions()["refund-uptime"] == [(1, True, 0.95)]
    assert worker.database.definitions()["refund-uptime"].team == "search"


def test_a_name_that_another_file_has_taken_is_told_apart(worker: Worker) -> None:
    worker.start()
    worker.files.put("pay.yml", "team: [")
    worker.files.put("search.yml", team("search", uptime("search-uptime", "Pay uptime")))
    names = {each.key: each.name for each in worker.start().definitions}
    assert (names["search-uptime"], names["pay-uptime"]) == ("Pay uptime", "Pay uptime (pay-uptime)")


def test_of_two_files_with_one_key_the_ledger_knows_whose_it_is(worker: Worker) -> None:
    worker.start()
    # By name it comes first.
    worker.files.put("a.yml", team("new", uptime("pay-uptime", "Stolen", target=0.5), uptime("new-uptime")))
    found = worker.start()
    assert found.invalid == {"a.yml": True, "pay.yml": False, "search.yml": False}
    [pay] = [each for each in found.definitions if each.key == "pay-uptime"]
    assert (pay.target, pay.team) == (0.99, "payments")


def test_who_takes_another_teams_name_is_wrong_not_who_had_it(worker: Worker) -> None:
    """The file that takes it comes first by name, and its SLA is known as well."""
    worker.start()
    worker.files.put(
        "pay.yml", team("payments", uptime("pay-uptime", "Search uptime"), uptime("refund-uptime"))
    )
    found = worker.start()
    assert found.invalid == {"pay.yml": True, "search.yml": False}
    assert {each.key: each.name for each in found.definitions if each.key not in PLATFORM} == {
        "pay-uptime": "Pay uptime",
        "refund-uptime": "Refund uptime",
        "search-uptime": "Search uptime",
    }


def test_a_version_that_is_announced_stays_announced_while_the_file_is_broken(worker: Worker) -> None:
    worker.start()
    later = "2023-11-20T00:00+00:00"  # NOW is 2023-11-14 22:15
    changed = uptime("pay-uptime", target=0.5) + f"    valid_from: {later}\n"
    worker.files.put("pay.yml", team("payments", changed, uptime("refund-uptime", target=0.95)))
    worker.start()
    versions = worker.database.versions()["pay-uptime"]
    assert [each.target_value for each in versions] == [0.99, 0.5]
    worker.files.put("pay.yml", "")
    worker.start()
    assert worker.database.versions()["pay-uptime"] == versions


def test_a_ledger_with_one_file_has_nothing_of_teams(place: Place, alone: Worker) -> None:
    assert alone.start() == Gathered(read_files(alone.files.platform).definitions)
    assert place.query("SELECT COUNT(*) FROM sla_teams") == [(0,)]
