"""What customers are owed for a month: half-open tiers, compared exactly; no figure where little is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker import cli
from sla_worker.compliance import compliance
from sla_worker.credits import credit_lines, monthly_credits, owed
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import Comparison, CreditTerms, Figures, Policy, SLAStatus, Status, Tier
from sla_worker.months import Months
from sla_worker.periodic import long_report
from sla_worker.render.credits import text_credits
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_database_rollups import BERLIN, ERRORS, at

UTC = ZoneInfo("UTC")


def tiers(*pairs: tuple[str, str]) -> tuple[Tier, ...]:
    return tuple(Tier(Decimal(below), Decimal(credit)) for below, credit in pairs)


# [99.0, 99.9) owes 10 %, [95.0, 99.0) 25 %, below 95 all of it.
THREE_TIERS = tiers(("99.9", "10"), ("99.0", "25"), ("95", "100"))


def status(good: float, total: float, *, ratio: float | None = None, coverage: float = 1.0) -> SLAStatus:
    compliance = ratio if ratio is not None else good / total if total else None
    return SLAStatus(
        "api", "API", "all", "reliability", "high", "ratio", Comparison.AT_LEAST, 0.999, 0.999, None,
        None, Status.NO_DATA, None, good, total, compliance, coverage, in_breach=False,
    )  # fmt: skip


def percent(good: float, total: float, some: tuple[Tier, ...] = THREE_TIERS) -> Decimal | None:
    return owed(status(good, total), some).percent


@pytest.mark.parametrize(
    ("good", "total", "credit"),
    [
        (1000, 1000, 0),
        (999, 1000, 0),  # 99.9 is not below 99.9
        (998_999, 1_000_000, 10),
        (990, 1000, 10),  # the border of the next tier is in this one
        (989_999, 1_000_000, 25),
        (95, 100, 25),
        (949_999, 1_000_000, 100),
        (0, 5, 100),
    ],
)
def test_a_tier_has_its_lower_border_and_not_its_upper_one(good: int, total: int, credit: int) -> None:
    assert percent(good, total) == credit


@given(st.integers(1, 10**6 - 1), st.integers(1, 10**6), st.sampled_from([-1, 0, 1]))
def test_at_a_border_one_event_decides(border: int, times: int, beside: int) -> None:
    """A border of so many millionths, and as many events that it is met exactly, or missed by one."""
    below = Decimal(border) / 10**4
    good, total = border * times + beside, 10**6 * times
    found = percent(good, total, (Tier(below, Decimal(10)),))
    assert found == (10 if beside < 0 else 0)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5, unique=True), st.integers(0, 1000), st.data())
def test_of_the_tiers_that_a_month_is_below_the_last_one_counts(
    borders: list[int], total: int, data: st.DataObject
) -> None:
    good = data.draw(st.integers(0, total))
    ordered = sorted(borders, reverse=True)
    some = tuple(Tier(Decimal(each) / 10**4, Decimal(n)) for n, each in enumerate(ordered, start=1))
    if not total:
        assert percent(0, 0, some) is None
        return
    # As many tiers are owed as borders lie above the month's ratio.
    above = sum(Fraction(good, total) < Fraction(each, 10**6) for each in ordered)
    assert percent(good, total, some) == above


def test_of_a_score_its_decimals_count_and_not_its_slots() -> None:
    # 0.9 · 0.99 + 0.1 · 1.08 is 0.99900000000000011 as a binary number, and a hair less in another order.
    for ratio in (0.999, 0.99900000000000011, 0.99899999999999989):
        assert owed(status(10, 10, ratio=ratio), THREE_TIERS).percent == 0
    assert owed(status(10, 10, ratio=0.998999), THREE_TIERS).percent == 10


def test_a_month_that_is_not_known_well_enough_has_no_figure() -> None:
    too_little = owed(status(900, 1000, coverage=0.8999), THREE_TIERS)
    assert (too_little.percent, too_little.reason) == (None, "too little was measured")
    assert owed(status(900, 1000, coverage=0.9), THREE_TIERS).percent == 100
    nothing = owed(status(0, 0), THREE_TIERS)
    assert (nothing.percent, nothing.reason) == (None, "no events")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    """February in slots of an hour, 665 good of 672, and two hours of March without a bad one."""
    path = tmp_path_factory.mktemp("credits") / "sla.db"
    policy = replace(Policy(), credits=THREE_TIERS)
    with closing(
        SLADatabase(path, grid=Grid(3600, 15), zone=BERLIN, clock=lambda: at("2026-03-01") + 7300.0)
    ) as made:
        definition = replace(ERRORS, policy=policy)
        made.sync_definitions([definition], begin=at("2026-02-01"))
        slots = range(at("2026-02-01") + 3600, at("2026-03-01") + 7201, 3600)
        hours = 28 * 24
        # One event an hour; in February 672, of which 7 are bad: 98.958 %.
        bad = {slots[n] for n in range(0, hours, 100)}
        made.store(
            evaluate(definition, slot, Figures(float(slot not in bad), 1.0, 1.0), component="all")
            for slot in slots
        )
        yield made


def test_a_closed_month_is_computed_and_the_running_one_an_estimate(ledger: SLADatabase) -> None:
    now = at("2026-03-01") + 7300
    closed = monthly_credits(ledger, "2026-02", BERLIN, now)
    [credit] = closed.credits
    assert (closed.estimate, credit.status.good, credit.status.total, credit.percent) == (False, 665, 672, 25)
    assert text_credits(closed.values(), BERLIN).splitlines() == [
        "Credits of 2026-02",
        "",
        "SLA             Compliance  Coverage  Tier        Credit",
        "--------------  ----------  --------  ----------  ------",
        "API Error Rate     98.96 %  100.00 %  below 99 %  25 %",
    ]
    running = monthly_credits(ledger, None, BERLIN, now)
    [credit] = running.credits
    assert (running.month, running.estimate, credit.percent, credit.status.total) == ("2026-03", True, 0, 2)
    assert text_credits(running.values(), BERLIN).splitlines()[0] == (
        "Credits of 2026-03, an estimate: the month so far, up to 2026-03-01 02:00 CET"
    )


def test_an_estimate_and_a_proposal_say_what_the_yearly_cap_leaves(tmp_path: Path) -> None:
    """30 % a year, 25 of which January took: of February's 25 it leaves 5; so it does in the report."""
    policy = replace(Policy(), credits=THREE_TIERS, credit_terms=CreditTerms(yearly_cap=Decimal(30)))
    definition = replace(ERRORS, policy=policy)
    now = [at("2026-01-01") + 10.0]
    with closing(
        SLADatabase(tmp_path / "sla.db", grid=Grid(3600, 15), zone=BERLIN, clock=lambda: now[0])
    ) as made:
        made.sync_definitions([definition])
        months = Months(made, BERLIN, unread=dict, provisional=lambda _slot: {}, busy=lambda: False)
        for name, after in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01")):
            slots = range(at(name) + 3600, at(after) + 1, 3600)
            now[0] = slots[-1] + 60.0
            made.store(  # one of fifty is bad: 98 %
                evaluate(definition, slot, Figures(float(n % 50 > 0), 1.0, 1.0), component="all")
                for n, slot in enumerate(slots)
            )
            if name == "2026-02-01":
                break
            months.turn(now[0])
            [january] = made.credits.all()
            made.credits.approve([january.id], "ann", "as agreed", now=5)
        running = monthly_credits(made, "2026-02", BERLIN, now[0])
        assert (
            text_credits(running.values(), BERLIN)
            .splitlines()[-1]
            .endswith("below 99 %  25 %, of which the yearly cap leaves 5 %")
        )
        said = ["API Error Rate: 25 %, of which the yearly cap leaves 5 %"]
        assert credit_lines(made, "2026-02", BERLIN, int(now[0]))[1:] == tuple(said)
        months.turn(now[0])
        [_, february] = made.credits.all()
        assert credit_lines(made, "2026-02", BERLIN, int(now[0]))[0] == (
            f"to decide: API Error Rate, 25 %, of which the yearly cap leaves 5 % (proposal {february.id})"
        )


def test_what_was_removed_since_is_owed_and_what_came_later_is_not(tmp_path: Path) -> None:
    """Of two hours of February one is bad. In March the SLA goes, and another one comes."""
    now = [at("2026-02-28") + 10.0]
    policy = replace(Policy(), credits=THREE_TIERS)
    former, later = (replace(ERRORS, key=key, policy=policy) for key in ("former", "later"))
    with closing(
        SLADatabase(tmp_path / "sla.db", grid=Grid(3600, 15), zone=BERLIN, clock=lambda: now[0])
    ) as made:
        made.sync_definitions([former])
        now[0] = at("2026-03-02") + 10.0
        made.store(
            evaluate(former, at("2026-02-28") + hour * 3600, Figures(hour - 1, 1, 1), component="all")
            for hour in (1, 2)
        )
        made.sync_definitions([later])
        [owed_then] = monthly_credits(made, "2026-02", BERLIN, now[0]).credits
        assert (owed_then.status.key, owed_then.status.good, owed_then.status.total) == ("former", 1, 2)
        # The month's report and its window are about the same SLAs; the running month is about today's.
        first = at("2026-03-01")
        mail = long_report(made, kind="monthly", title="", end=first, now=int(now[0]), zone=BERLIN)
        window = compliance(made, "2026-02", BERLIN, now[0], title="").report
        assert [mail.whole.statuses, window.statuses] == [(owed_then.status,)] * 2
        assert [line.status for line in mail.lines] == [owed_then.status]
        [today] = compliance(made, "month", BERLIN, now[0], title="").report.statuses
        assert (today.key, today.status) == ("later", Status.NO_DATA)
        now[0] += 7200
        running = monthly_credits(made, None, BERLIN, now[0]).credits
        assert [each.status.key for each in running] == ["former", "later"]


@pytest.mark.parametrize("month", ["0001-01", "2026", "2026-13", "0000-01", "2026-04", "9999-12", "now"])
def test_what_is_no_month_is_refused(ledger: SLADatabase, month: str) -> None:
    with pytest.raises(SLAWorkerError, match=r"; give (a month like 2026-03|one that has)"):
        monthly_credits(ledger, month, BERLIN, at("2026-03-01") + 7300)


def test_command_and_api_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = Setting(tmp_path)
    setting.step()
    said, body = setting.ask("/api/credits?month=2023-11")
    assert said == "200 OK"
    assert json.loads(body)["estimate"] is True
    assert json.loads(setting.ask("/api/credits")[1]) == json.loads(body)
    assert setting.ask("/api/credits?month=x")[0] == "400 Bad Request"
    setting.close()
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("SLA_INTERVAL_SECONDS", "SLA_SCRAPE_INTERVAL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["credits", "2023-11", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["month"] == "2023-11"
    assert cli.main(["credits", "2023-11"]) == 0
    assert "No SLA has credits: give one `credits:` in sla_thresholds.yml" in capsys.readouterr().out
    assert cli.main(["credits", "soon"]) == 1
    assert "error: invalid month: 'soon'" in capsys.readouterr().err
