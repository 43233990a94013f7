"""Windows of the calendar and those that move on: the sums of their slots, the same figures everywhere."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_worker import cli
from sla_worker.compliance import budgets, compliance
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Budget, Figures
from sla_worker.render.format import budget_left, budget_words, burn_rate, lasts
from sla_worker.spans import Span, read_span, window_start
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_database_rollups import ERRORS

BERLIN = ZoneInfo("Europe/Berlin")
STEP = 3600
WINDOWS = ["30d", "month", "quarter", "year", "12m"]


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


BEGIN, CHANGE, END = at("2025-08-20"), at("2026-02-10T07:00"), at("2026-04-03T12:00")
SLOTS = range(BEGIN + STEP, END + 1, STEP)
STRICT, LOOSE = 0.01, 0.03  # the share that may be bad, before and after the change


def events(slot: int) -> tuple[int, int]:
    """Good and total events of a slot, made up."""
    number = slot // STEP
    total = number * 7 % 50
    return total - min(number * 5 % 4 // 3, total), total


def ledger(path: Path) -> SLADatabase:
    """Both clock changes, the end of a year, and a target that changes within a quarter."""
    clock = [float(BEGIN + 1)]
    made = SLADatabase(path, grid=Grid(STEP, 15), zone=BERLIN, clock=lambda: clock[0])
    made.sync_definitions([replace(ERRORS, target=STRICT)], begin=BEGIN)
    clock[0] = float(CHANGE - 60)
    made.sync_definitions([replace(ERRORS, target=LOOSE)])
    clock[0] = float(END + 60)
    definition = replace(ERRORS, target=STRICT)
    made.store(
        evaluate(definition, slot, Figures(*map(float, events(slot)), 1.0), component="all") for slot in SLOTS
    )
    for _ in range(20):  # two weeks at a time
        made.sum_up(END)
    while made.trim():
        pass
    return made


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    with closing(ledger(tmp_path_factory.mktemp("windows") / "sla.db")) as made:
        yield made


def inside(slot: int, window: str, end: int) -> bool:
    """Whether a slot is in a window, by the calendar's day that it ends in."""
    if window == "30d":
        return end - 30 * 86_400 < slot <= end
    day, last = (dt.datetime.fromtimestamp(each - 1, BERLIN).date() for each in (slot, end))
    return (
        slot <= end
        and {
            "month": (day.year, day.month) == (last.year, last.month),
            "quarter": (day.year, (day.month - 1) // 3) == (last.year, (last.month - 1) // 3),
            "year": day.year == last.year,
            "12m": day >= dt.date(last.year - 1, last.month, min(last.day, 28 if last.month == 2 else 31)),
        }[window]
    )


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WINDOWS), st.integers(len(SLOTS) - 34 * 24, len(SLOTS) - 1))
def test_a_window_is_the_sum_of_its_slots_and_of_their_budgets(
    database: SLADatabase, window: str, number: int
) -> None:
    end = SLOTS[number]
    found = compliance(database, window, BERLIN, end - 1, title="")  # a slot that has begun may be stored
    [status] = found.report.statuses
    slots = [slot for slot in SLOTS if inside(slot, window, end)]
    good, total = (sum(each) for each in zip(*map(events, slots), strict=True))
    assert (status.good, status.total, status.coverage_ratio) == (good, total, 1)
    allowed = sum(events(slot)[1] * (STRICT if slot <= CHANGE else LOOSE) for slot in slots)
    budget = found.budgets[ERRORS.key, "all"]
    # Events that may be bad, by the version of each slot: what is left of them, also below nothing.
    assert budget.left_ratio == pytest.approx((allowed - (total - good)) / allowed, abs=1e-9)
    assert status.meets_target == (total - good <= allowed + 1e-9)
    hour = events(end)
    rate = None if not hour[1] else (hour[1] - hour[0]) / hour[1] / (STRICT if end <= CHANGE else LOOSE)
    assert budget.hour_burn_rate == (None if rate is None else pytest.approx(rate))


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        ("2025-Q4", ["2025-10", "2025-11", "2025-12"]),  # an hour more
        ("2026-Q1", ["2026-01", "2026-02", "2026-03"]),  # an hour less, and a change of the target
        ("2026", ["2026-Q1", "2026-Q2"]),
        ("2026-03", [f"2026-03-{day:02}" for day in range(1, 32)]),
    ],
)
def test_the_parts_add_up_to_the_whole(database: SLADatabase, whole: str, parts: list[str]) -> None:
    def counted(period: str) -> tuple[float, float, float, int]:
        report = compliance(database, period, BERLIN, END + 60, title="").report
        [each] = report.statuses
        allowed = each.total * (1 - each.held_to_ratio)
        return each.good, each.total, allowed, report.end - report.start

    sums = [sum(each) for each in zip(*map(counted, parts), strict=True)]
    assert counted(whole) == (sums[0], sums[1], pytest.approx(sums[2], abs=1e-6), sums[3])


def test_days_of_23_and_of_25_hours_are_what_they_are() -> None:
    lengths = [
        (span.end - span.start) / 3600
        for span in (read_span(day, END, STEP, BERLIN) for day in ("2025-10-26", "2026-03-29", "2026-03-30"))
    ]
    assert lengths == [25, 23, 24]


@pytest.mark.parametrize(
    ("window", "end", "start"),
    [
        ("month", "2026-03-01", "2026-02-01"),  # the slot that ends at midnight is the last of February
        ("month", "2026-03-01T00:05", "2026-03-01"),
        ("quarter", "2026-04-01", "2026-01-01"),
        ("quarter", "2026-12-31T09:00", "2026-10-01"),
        ("year", "2026-01-01", "2025-01-01"),
        ("12m", "2026-04-03T12:00", "2025-04-03"),
        ("12m", "2028-02-29T12:00", "2027-02-28"),
    ],
)
def test_where_a_window_begins(window: str, end: str, start: str) -> None:
    assert window_start(window, at(end), BERLIN) == at(start)


@pytest.mark.parametrize(
    ("moves", "seconds"),
    [
        # 5 of the 10 that may be bad are: half of 10 hours' budget is left, and burns at 0.5.
        (True, 0.5 * 36_000 / 0.5),
        (False, None),  # each second allows more than is used
        (None, None),
    ],
)
def test_how_long_a_budget_lasts(tmp_path: Path, *, moves: bool | None, seconds: float | None) -> None:
    with closing(SLADatabase(tmp_path / "sla.db", clock=lambda: 50_000.0)) as made:
        definition = replace(ERRORS, target=0.01)
        made.sync_definitions([definition], begin=8_000)
        made.store([evaluate(definition, 36_000, Figures(995.0, 1000.0, 1.0), component="all")])
        found = made.get_current_sla_status(10, end=36_000)
        [budget] = budgets(made, Span(0, 36_000, moves), found).values()
    assert budget.lasts_seconds == (None if seconds is None else pytest.approx(seconds))
    assert (budget.left_ratio, budget.burn_rate) == (pytest.approx(0.5), pytest.approx(0.5))


def test_a_budget_in_words() -> None:
    assert budget_words(Budget(0.25, 0.75, 3.0, 11_100.0)) == (
        "error budget: 25.00 % left, burn rate 0.75, gone in 3 h 5 min at the last hour's rate"
    )
    assert budget_words(Budget(-3.4, 4.4, 0.0, 0.0)) == "error budget: -340.00 % left, burn rate 4.40"
    assert budget_words(Budget(None, None, None, None)) is None
    assert [budget_left(each) for each in (0.0, -0.00004, -0.0000001)] == [
        "0.00 %",
        "-0.004 %",
        "> -0.0001 %",
    ]
    assert [burn_rate(each) for each in (1.0, 0.9996, 0.9999999, 0.0, 1e-9)] == [
        "1.00", "0.9996", "< 1", "0.00", "< 0.0001",
    ]  # fmt: skip
    assert [lasts(Budget(1, 0, 0, each)) for each in (None, 0.0, 59.9)] == ["—", "gone", "59 s"]


def test_terminal_api_page_and_explain_show_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = Setting(tmp_path)
    setting.step()
    said, body = setting.ask("/api/compliance?window=quarter")
    assert said == "200 OK"
    found = json.loads(body)
    assert (found["window"], found["start"]) == ("quarter", 1_696_118_400)  # 2023-10-01
    [api] = [each for each in found["slas"] if each["key"] == "api-error-rate"]
    assert (api["total"], api["error_budget"]["left_ratio"]) == (1000, 1)
    page = setting.ask("/?window=quarter&all")[1]
    assert "error budget: 100.00 % left, burn rate 0.00" in page
    assert '"/explain?sla=api-error-rate&amp;period=quarter"' in page
    assert "error budget" not in setting.ask("/?all")[1]
    for path in (
        "/?window=x",
        "/?window=0001-01-01",
        "/?window=9999-12-31T23:59",
        "/api/compliance?window=x",
        "/api/compliance?exclusions=maybe",
    ):
        assert setting.ask(path)[0] == "400 Bad Request"
    _, body = setting.ask("/api/explain?sla=api-error-rate&period=quarter")
    assert json.loads(body)["figures"][0]["error_budget"] == api["error_budget"]
    setting.close()
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("SLA_INTERVAL_SECONDS", "SLA_SCRAPE_INTERVAL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["calculator", "--report", "--window", "2023-Q4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    [line] = [each for each in lines if each.startswith("API Error Rate")]
    assert line.split()[-8:-3] == ["%", "100.00", "%", "0.00", "—"]
    assert "Budget left  Burn rate  Gone in" in next(each for each in lines if each.startswith("SLA  "))
    with pytest.raises(SystemExit):
        cli.main(["calculator", "--window", "month"])
    assert "--window goes with --report" in capsys.readouterr().err
    assert cli.main(["calculator", "--report", "--window", "never"]) == 1
    assert "error: invalid time or period: 'never'" in capsys.readouterr().err


def test_what_is_no_window_is_refused(database: SLADatabase) -> None:
    with pytest.raises(SLAWorkerError, match="no slot lies in '2027'"):
        compliance(database, "2027", BERLIN, END + 60, title="")
