"""What /healthz, the page and the metrics say of a clock that ran ahead and of a file that was removed."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from waiting import patience


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path)
    made.step()
    yield made
    made.close()


def warnings(setting: Setting) -> list[str]:
    status, body = setting.ask("/healthz")
    assert status == "200 OK"
    answer: dict[str, list[str]] = json.loads(body)
    return answer.get("warnings", [])


def slots(directory: Path) -> list[int]:
    """The slots of the first SLA in the ledger's file, counted from SLOT."""
    with closing(sqlite3.connect(directory / "sla.db")) as rows:
        found = rows.execute("SELECT slot - ? FROM sla_measurements WHERE sla_id = 1 ORDER BY slot", (SLOT,))
        return [slot for (slot,) in found]


def test_a_clock_that_ran_ahead_is_said_and_measuring_goes_on(
    setting: Setting, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A slot is 300 s. The clock jumps an hour ahead for one pass, which stores 12 slots, and back again."""
    setting.now += 3600
    setting.step()
    assert warnings(setting) == []
    setting.now -= 3300  # 300 s after the first pass: slot 300 is due, and 11 slots lie in the future
    setting.step()
    line = (
        "the clock ran ahead, or is behind now: 33 rows up to 2023-11-14 23:15 UTC lie in the future;"
        " they count nowhere until their time has come, and are measured again then"
    )
    assert warnings(setting) == [line]
    assert line in setting.ask("/")[1]
    assert caplog.text.count("in the future") == 1  # said once in the log
    assert "sla_rows_ahead 33.0" in setting.ask("/metrics")[1]  # 3 SLAs
    setting.now += 300
    setting.step()
    assert "sla_rows_ahead 30.0" in setting.ask("/metrics")[1]
    assert 600 in slots(tmp_path)
    setting.now += 3000
    setting.step()
    assert warnings(setting) == []
    assert "sla_rows_ahead 0.0" in setting.ask("/metrics")[1]


def test_a_database_that_was_removed_is_written_again_and_said_until_the_next_pass(
    setting: Setting, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "sla.db").unlink()
    assert setting.ask("/healthz")[0] == "503 Service Unavailable"  # before the next turn
    setting.now += 1
    setting.step()
    [line] = warnings(setting)
    assert str(tmp_path / "sla.db") in line
    assert line in caplog.text
    assert slots(tmp_path) == [0]
    setting.now += 300
    setting.step()
    assert warnings(setting) == []
    assert slots(tmp_path) == [0, 300]


def test_health_does_not_wait_for_a_database_that_is_busy(setting: Setting) -> None:
    """A transaction may wait ten seconds for another program; the container's check gives up after four."""
    begun, done = threading.Event(), threading.Event()

    def busy() -> None:
        with setting.service.database.outbox._engine.transaction():  # whatever writes
            begun.set()
            done.wait(patience(30))

    writer = threading.Thread(target=busy)
    writer.start()
    assert begun.wait(patience(10))
    answers: list[str] = []
    asker = threading.Thread(target=lambda: answers.append(setting.ask("/healthz")[0]))
    asker.start()
    asker.join(patience(5))
    answered = list(answers)
    done.set()
    asker.join()
    writer.join()
    assert answered == ["200 OK"]
