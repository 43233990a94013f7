"""A running worker freezes its months, and hands them out over HTTP as they were frozen."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

import pytest

from unit.sla_worker.setting import Setting

DECEMBER = int(dt.datetime(2023, 12, 1, tzinfo=dt.UTC).timestamp())


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A worker that began in the last hour of November; its clock stands in the first minutes of December."""
    made = Setting(tmp_path_factory.mktemp("months"), SLA_CATCH_UP_SECONDS="7200")
    made.now = DECEMBER - 3000.0
    for _ in range(3):
        made.step()
    made.now = DECEMBER + 30.0  # samples settle for 45 s
    for _ in range(3):
        made.step()
    made.early = json.loads(made.ask("/api/months")[1])  # type: ignore[attr-defined]
    made.now = DECEMBER + 60.0
    for _ in range(3):
        made.step()
    yield made
    made.close()


def test_a_running_worker_freezes_its_month_once_its_last_slot_is_final(setting: Setting) -> None:
    assert setting.early == {"months": []}  # type: ignore[attr-defined]
    status, body = setting.ask("/api/months")
    assert status.startswith("200")
    [month] = json.loads(body)["months"]
    assert (month["month"], month["revision"], month["reason"]) == ("2023-11", 1, "the month is over")


def test_it_is_handed_out_as_json_text_and_on_a_page(setting: Setting) -> None:
    [month] = json.loads(setting.ask("/api/months")[1])["months"]
    document = setting.ask("/api/months/2023-11")[1]
    assert json.loads(document)["end"] == DECEMBER
    store = setting.service.database.months
    frozen = store.get("2023-11")
    assert frozen is not None
    assert document == store.document(frozen)
    assert setting.ask("/months/2023-11?revision=1")[1] == store.content(frozen)
    page = setting.ask("/months")[1]
    assert '<a href="/months/2023-11?revision=1">2023-11</a>' in page
    assert month["sha256"][:12] in page
    assert '<a href="/months">Frozen months</a>' in setting.ask("/")[1]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/months/2023-10", "404", "2023-10 is not frozen; frozen are 2023-11"),
        ("/api/months/2023-11?revision=2", "404", "2023-11 has no revision 2; its newest one is 1"),
        ("/months/2023-11?revision=x", "400", "revision=x: give a whole number from 1 to 99999"),
        ("/api/months/november", "400", "invalid month: 'november'; give one like 2026-03"),
    ],
)
def test_what_is_not_there_is_one_clear_error(setting: Setting, path: str, status: str, said: str) -> None:
    found, body = setting.ask(path)
    assert found.startswith(status)
    assert json.loads(body) == {"error": said}
