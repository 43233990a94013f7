"""Slots read again by hand (`--recompute`), and those before an SLA was defined (`sla_backfill`)."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ports import free_port
from sla_worker import cli, service
from sla_worker.again import Wish
from sla_worker.commands import asking
from sla_worker.errors import SLAWorkerError
from sla_worker.model import Reason
from sla_worker.settings import Settings, read_settings
from sla_worker.web.server import Server
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE, FakePrometheus
from unit.sla_worker.setting import Setting
from waiting import patience

KEY = "api-error-rate"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a ledger that has twelve slots of three SLAs, all of them good."""
    setting = Setting(tmp_path)
    setting.step()
    setting.now += 11 * 300
    setting.step()
    setting.close()
    return read_settings(setting.environ)


def stored(settings: Settings) -> list[tuple[int, float, bool]]:
    """The slots of the error rate, counted from the first, oldest first: good events, whether late."""
    with closing(service.open_database(settings, read_only=True)) as database:
        rows = database.newest_measurements(KEY, 100)
    return [((each.slot - SLOT) // 300, each.good, each.late) for each in reversed(rows)]


def again(settings: Settings, first: int, last: int, good: float = 900.0, **how: object) -> int:
    prometheus = FakePrometheus()
    prometheus.values[GOOD] = good
    start, end = SLOT + (first - 1) * 300, SLOT + last * 300
    wish = Wish(start, end, **how)  # type: ignore[arg-type]
    return service.measure_again(settings, wish, transport=prometheus).stored


def test_slots_between_two_times_are_replaced_and_their_breach_follows(settings: Settings) -> None:
    assert again(settings, 3, 5, keys=(KEY,)) == 3
    assert [slot for slot, good, _ in stored(settings) if good == 900] == [3, 4, 5]
    with closing(service.open_database(settings, read_only=True)) as database:
        [breach] = database.breaches_between(0, 2 * SLOT)
        assert (breach.key, breach.started_at, breach.ended_at) == (KEY, SLOT + 600, SLOT + 1500)
        assert database._engine.row("SELECT COUNT(*) AS rows FROM sla_measurement_audit") == {"rows": 3}
    assert again(settings, 3, 5, keys=(KEY,)) == 0  # the same again


def test_without_a_key_all_slas_are_measured_again(settings: Settings) -> None:
    assert again(settings, 3, 3) == 3


def test_an_sla_is_measured_over_the_time_before_its_first_row(settings: Settings) -> None:
    assert again(settings, -4, 11, 900, keys=(KEY,), reason=Reason.BACKFILL) == 4
    rows = stored(settings)
    assert rows[:5] == [(slot, 900, True) for slot in (-4, -3, -2, -1)] + [(0, 1000, False)]
    assert len(rows) == 16


def test_reading_again_adds_no_time_before_the_first_row(settings: Settings) -> None:
    """Slots without data there would be a past that was never measured, and months of it frozen."""
    assert again(settings, -4, 1, keys=(KEY,)) == 2  # slots 0 and 1
    assert [slot for slot, _, _ in stored(settings)] == list(range(12))


def test_an_sla_of_which_all_is_measured_has_nothing_to_backfill(settings: Settings) -> None:
    assert again(settings, 2, 11, keys=(KEY,), reason=Reason.BACKFILL) == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--recompute", "2023-11-14", "2023-11-13"], "ends before it begins; give the earlier time first"),
        (["--recompute", "2023-11-14T22:01", "2023-11-14T22:04"], "no slot of 300 s lies between 2023-11-14"),
        (["--recompute", "2023-11-14", "2023-11-15", "--sla", "x"], "--sla x: "),
        (
            ["--recompute", "2023-03-01T09:00", "2023-03-01T11:00"],  # slot 0 ends at 22:15
            "the ledger begins at 2023-11-14 22:10 UTC, so there is nothing to read again before 2023",
        ),
        (
            ["--recompute", "2023-03-01T09:00", "2023-03-01T11:00", "--sla", KEY],
            "api-error-rate begins at 2023-11-14 22:10 UTC, so there is nothing to read again before",
        ),
    ],
)
def test_what_cannot_be_measured_again_is_one_clear_line(
    settings: Settings,
    arguments: list[str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SLA_DATABASE_PATH", str(settings.database_path))
    monkeypatch.setenv("SLA_DEFINITIONS", str(THREE))
    assert cli.main(["calculator", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert line in error


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["calculator", "--recompute", "yesterday", "now"])
    error, fix = capsys.readouterr().err.splitlines()
    assert "invalid time: 'yesterday'" in error
    assert fix == "fix:   give a time like 2026-03-01 or 2026-03-01T09:00"


def test_slots_that_are_only_sums_any_more_are_refused(tmp_path: Path) -> None:
    setting = Setting(tmp_path, SLA_KEEP_SLOTS="20")
    setting.step()
    setting.now += 40 * 86_400
    setting.step()  # sums up and deletes, some days at a time
    for _ in range(30):
        setting.service.database.trim()
    setting.close()
    with pytest.raises(SLAWorkerError, match=r"are kept as sums only .SLA_KEEP_SLOTS=20.; give a later"):
        again(read_settings(setting.environ), 0, 3)


@contextmanager
def serving(directory: Path, **environ: str) -> Iterator[Setting]:
    """A service with its web side and its loop, which has the twelve slots."""
    port = str(free_port())
    setting = Setting(directory, SLA_WORKER_PORT=port, **environ)
    setting.step()
    setting.now += 11 * 300
    setting.step()
    setting.prometheus.values[GOOD] = 900.0
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(0.01):
            setting.service.worker.step()

    server = Server(setting.service.application, "127.0.0.1", int(port))
    threads = [threading.Thread(target=each) for each in (server.run, loop)]
    for each in threads:
        each.start()
    try:
        yield setting
    finally:
        server.close()
        ended.set()
        for each in threads:
            each.join(patience(10))
        setting.close()


def command(monkeypatch: pytest.MonkeyPatch, setting: Setting, *words: str, **environ: str) -> int:
    for name, value in {**setting.environ, **environ}.items():
        monkeypatch.setenv(name, value)
    return cli.main(list(words))


def test_beside_a_service_that_runs_the_service_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slots 3 to 5 end at 22:30, 22:35 and 22:40 UTC; the first one, slot 0, at 22:15."""
    with serving(tmp_path, SLA_WEBHOOK_TOKEN="secret" * 6) as setting:
        words = ("calculator", "--recompute", "2023-11-14T22:25", "2023-11-14T22:40", "--sla", KEY)
        assert command(monkeypatch, setting, *words) == 0
        assert "3 rows added or changed by the sla-worker that runs; the former" in capsys.readouterr().out
        rows = {
            (row.slot - SLOT) // 300: row.good
            for row in setting.service.database.newest_measurements(KEY, 99)
        }
        assert [slot for slot, good in sorted(rows.items()) if good == 900] == [3, 4, 5]
        assert command(monkeypatch, setting, *words[:-1], "x") == 1
        assert capsys.readouterr().err == f"error: --sla x: {THREE} has no SLA with that key\n"
        assert command(monkeypatch, setting, *words, SLA_WEBHOOK_TOKEN="another" * 6) == 1
        assert "the token is not that of SLA_WEBHOOK_TOKEN" in capsys.readouterr().err
        monkeypatch.setenv("SLA_WEBHOOK_TOKEN", "secret" * 6)
        other = str(tmp_path / "other.db")
        body = json.dumps({"ledger": other, "start": 0, "end": 1, "slas": [], "reason": "recompute"}).encode()
        status, answer = setting.ask(
            "/api/measure-again", "POST", body, HTTP_AUTHORIZATION=f"Bearer {'secret' * 6}"
        )
        assert status == "409 Conflict"
        assert "has another ledger open" in answer


def test_a_backfill_beside_a_service_that_runs(tmp_path: Path) -> None:
    with serving(tmp_path) as setting:
        now = setting.now
        wish = Wish(int(now) - 2 * 86_400, int(now), (KEY,), Reason.BACKFILL)
        rows, by = asking.measure_again(read_settings(setting.environ), wish)
        # 576 slots are two days, 12 of them are there; the two days begin 45 s after a slot has.
        assert (rows, by) == (576 - 12 - 1, " by the sla-worker that runs")
        assert setting.service.database.oldest_slot(KEY) == SLOT - 563 * 300


def test_a_backfill_begins_with_what_prometheus_has(tmp_path: Path) -> None:
    """Slots of a time before that would be a month without data, of which the coverage speaks."""
    with serving(tmp_path) as setting:
        setting.prometheus.began = setting.prometheus.born = SLOT - 10 * 300
        wish = Wish(int(setting.now) - 30 * 86_400, int(setting.now), (KEY,), Reason.BACKFILL)
        # From (-10, -9] on to the slot before the first, which is 0; then there is nothing older.
        assert asking.measure_again(read_settings(setting.environ), wish)[0] == 9
        assert asking.measure_again(read_settings(setting.environ), wish)[0] == 0
        assert setting.service.database.oldest_slot(KEY) == SLOT - 9 * 300
        [coverage] = {
            each.coverage_ratio
            for each in setting.service.database.get_current_sla_status(720)
            if each.key == KEY
        }
        assert coverage > 0.9  # some scrapes fail here


def test_without_a_service_on_the_port_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = Setting(tmp_path, SLA_WORKER_PORT=str(free_port()))
    assert command(monkeypatch, setting, "backfill", KEY) == 1
    [error] = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error: ")]
    assert error.startswith(f"error: {tmp_path}/sla.db: process {os.getpid()} already writes to it; stop")
    assert "the sla-worker could do it beside its passes, but none answers at http://127.0.0.1:" in error
    setting.close()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"ledger": "x"}', b'{"start": "x"}', b'{"start": 1e400}'])
def test_a_wish_that_cannot_be_read_is_one_clear_line(tmp_path: Path, body: bytes) -> None:
    setting = Setting(tmp_path)
    status, answer = setting.ask("/api/measure-again", "POST", body)
    assert status == "400 Bad Request"
    assert "the body is not {ledger, start, end, slas, reason}" in answer
    setting.close()
