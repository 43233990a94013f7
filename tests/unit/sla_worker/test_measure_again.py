"""Slots read again by hand (`--recompute`), and those before an SLA was defined (`sla_backfill`)."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from sla_worker import cli, service
from sla_worker.errors import SLAWorkerError
from sla_worker.model import Reason
from sla_worker.settings import Settings, read_settings
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE, FakePrometheus
from unit.sla_worker.setting import Setting

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
    result = service.measure_again(settings, start, end, transport=prometheus, **how)  # type: ignore[arg-type]
    return result.stored


def test_slots_between_two_times_are_replaced_and_their_breach_follows(settings: Settings) -> None:
    assert again(settings, 3, 5, keys=[KEY]) == 3
    assert [slot for slot, good, _ in stored(settings) if good == 900] == [3, 4, 5]
    with closing(service.open_database(settings, read_only=True)) as database:
        [breach] = database.breaches_between(0, 2 * SLOT)
        assert (breach.key, breach.started_at, breach.ended_at) == (KEY, SLOT + 600, SLOT + 1500)
        assert database._engine.row("SELECT COUNT(*) AS rows FROM sla_measurement_audit") == {"rows": 3}
    assert again(settings, 3, 5, keys=[KEY]) == 0  # the same again


def test_without_a_key_all_slas_are_measured_again(settings: Settings) -> None:
    assert again(settings, 3, 3) == 3


def test_an_sla_is_measured_over_the_time_before_its_first_row(settings: Settings) -> None:
    assert again(settings, -4, 11, 900, keys=[KEY], reason=Reason.BACKFILL) == 4
    rows = stored(settings)
    assert rows[:5] == [(slot, 900, True) for slot in (-4, -3, -2, -1)] + [(0, 1000, False)]
    assert len(rows) == 16


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--recompute", "2023-11-14", "2023-11-13"], "ends before it begins; give the earlier time first"),
        (["--recompute", "2023-11-14T22:01", "2023-11-14T22:04"], "no slot of 300 s lies between 2023-11-14"),
        (["--recompute", "2023-11-14", "2023-11-15", "--sla", "x"], "--sla x: "),
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
