"""A month is frozen once it is final; what is frozen stays, byte by byte, and an act adds a revision."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker import cli
from sla_worker.errors import SLAWorkerError
from sla_worker.model import CountsAs
from sla_worker.months import bounds, frozen_month
from unit.sla_worker.databases import Place
from unit.sla_worker.month_ledger import (
    BAD,
    DEFINITIONS,
    END,
    ERRORS,
    LATENCY,
    SLOTS,
    START,
    STEP,
    UPTIME,
    March,
    at,
)

LATER = END + 3 * STEP


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is filled once."""
    made = March(tmp_path_factory.mktemp("march") / "sla.db")
    made.fill()
    made.close()
    return Path(made.location)


@pytest.fixture
def march(filled: Path, tmp_path: Path) -> Iterator[March]:
    shutil.copy(filled, tmp_path / "sla.db")
    made = March(tmp_path / "sla.db")
    made.now = END + 60
    yield made
    made.close()


def test_a_month_over_a_clock_change_is_frozen_with_the_figures_of_that_period(march: March) -> None:
    march.turn(LATER)
    assert march.revisions() == [("2026-03", 1, "the month is over")]
    document = march.document()
    assert (document["start"], document["end"]) == (START, END)
    assert END - START == 743 * 3600
    # 743 slots of 100 requests, of which 40 failed in one slot, of crm alone.
    crm = march.sla(ERRORS.key, "crm")
    assert (crm["good"], crm["total"], crm["coverage_ratio"]) == (74_260, 74_300, 1)
    assert crm["compliance_ratio"] == 74_260 / 74_300
    assert (crm["breaches"], crm["breach_seconds"], crm["meets_target"]) == (1, STEP, True)
    # 0.1 % of 74,300 are 74.3 that may fail; 40 did.
    assert crm["error_budget_remaining_ratio"] == pytest.approx(1 - 40 / 74.3)
    web = march.sla(ERRORS.key, "web")
    assert (web["good"], web["total"], web["breaches"]) == (74_300, 74_300, 0)
    assert march.sla(LATENCY.key)["result"] == "no traffic"
    # Both components together: 148,560 of 148,600, at 60 % beside an uptime of 1.
    score = march.sla("score")
    assert score["compliance_ratio"] == pytest.approx(0.6 * 148_560 / 148_600 + 0.4, abs=1e-12)
    overall = document["overall"]
    assert (overall["slas"], overall["measured"], overall["meeting"], overall["breaches"]) == (4, 3, 3, 1)
    assert (overall["score_ratio"], overall["availability_ratio"]) == (1, 1)
    shown = march.database.get_current_sla_status(743, end=END)
    for each in shown:
        frozen = march.sla(each.key, each.component)
        assert frozen["compliance_ratio"] == each.compliance_ratio
        assert frozen["coverage_ratio"] == each.coverage_ratio


def test_whatever_changes_later_it_is_printed_as_it_was_frozen(place: Place) -> None:
    march = March(place.location)
    march.fill()
    march.turn(LATER)
    before = march.printed()
    march.define(
        [
            replace(UPTIME, target=0.5, name="Another name", description="else", category="reliability"),
            replace(ERRORS, name=LATENCY.name, target=0.5, severity="low"),
            replace(LATENCY, key="new", name="New"),
        ]
    )
    march.fill(range(END + STEP, END + 9 * STEP, STEP))
    march.turn(at("2026-04-20"))
    assert march.printed() == before
    march.close()
    march.open(ZoneInfo("Asia/Kolkata"))
    march.turn(at("2026-04-21"))
    assert march.printed() == before
    march.exclude(BAD - STEP, BAD)
    march.turn()
    assert march.printed(1) == before
    assert [each[:2] for each in march.revisions()] == [("2026-03", 1), ("2026-03", 2)]
    # The second one is of the same time, and of the SLAs of then: one was removed since, one is new since.
    second = march.document(2)
    assert [second[name] for name in ("start", "end", "timezone")] == [START, END, "Europe/Berlin"]
    assert {each["sla"] for each in second["slas"]} == {each.key for each in DEFINITIONS}
    assert march.sla(UPTIME.key, revision=2)["target"] == UPTIME.target
    assert place.query("SELECT COUNT(*) FROM sla_monthly_reports WHERE touched IS NOT NULL") == [(0,)]
    march.close()


def test_it_waits_until_every_slot_is_final(march: March) -> None:
    march.turn(END + 10)  # the last slot's samples have not settled
    assert march.revisions() == []
    march.unread = {"a": {END - STEP}}
    march.turn(LATER)
    assert march.revisions() == []
    march.unread, march.provisional = {}, {"a": {END}}
    march.months.changed()
    march.turn()
    assert march.revisions() == []
    march.provisional, march.busy = {"a": {END + STEP}}, True
    march.months.changed()
    march.turn()
    assert march.revisions() == []
    march.busy = False
    march.turn()
    assert march.revisions() == [("2026-03", 1, "the month is over")]


def test_rows_of_a_clock_that_ran_ahead_freeze_nothing(march: March) -> None:
    march.database.missing_slots(END - 2 * STEP, START)  # that slot is the newest one that is due
    march.turn(LATER)
    assert march.revisions() == []


def test_what_was_lost_for_good_is_missing_from_its_coverage(tmp_path: Path) -> None:
    march = March(tmp_path / "sla.db")
    # Ten days are missing, 240 slots of 743, and can be read back no more.
    march.fill([slot for slot in SLOTS if not at("2026-03-05") < slot <= at("2026-03-15")])
    march.turn(LATER)
    crm = march.sla(ERRORS.key, "crm")
    assert (crm["total"], crm["result"]) == (50_300, "pass so far")
    assert crm["coverage_ratio"] == pytest.approx(503 / 743)
    march.close()


def test_no_month_is_invented(tmp_path: Path) -> None:
    march = March(tmp_path / "sla.db")
    march.turn(LATER)
    assert march.revisions() == []  # an empty ledger
    march.fill([slot for slot in SLOTS if slot > at("2026-03-30")])
    march.turn(at("2026-05-03"))
    # Not February, and April, in which nothing was measured, as it is.
    assert [each[:2] for each in march.revisions()] == [("2026-03", 1), ("2026-04", 1)]
    # 48 hours since it began, all measured.
    assert march.sla(ERRORS.key, "crm", 1)["coverage_ratio"] == 1
    assert march.sla(ERRORS.key, "crm", 1)["total"] == 4_800
    march.close()


def test_an_exclusion_makes_a_revision_that_says_why_and_its_end_another_one(march: March) -> None:
    march.turn(LATER)
    number = march.exclude(BAD - STEP, BAD, ERRORS.key)
    march.turn()
    assert march.revisions()[1:] == [("2026-03", 2, "maintenance 1 by ann: disks")]
    crm = march.sla(ERRORS.key, "crm")
    assert (crm["good"], crm["total"], crm["excluded_seconds"], crm["breaches"]) == (
        74_200,
        74_200,
        STEP,
        0,
    )
    [said] = march.document()["exclusions"]
    assert said["times"] == [[BAD - STEP, BAD]]
    assert said["covers"] == [{"sla": ERRORS.key, "since": 0}]
    march.revoke(number)
    march.turn()
    assert march.revisions()[2:] == [("2026-03", 3, "maintenance 1 revoked by bob: the wrong day")]
    first, third = march.document(1), march.document(3)
    assert first["slas"] == third["slas"]
    assert first["overall"] == third["overall"]


def test_a_correction_makes_one_as_well(march: March) -> None:
    march.turn(LATER)
    number = march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    assert march.revisions()[1:] == [("2026-03", 2, "correction 1 by eve: the probe lied")]
    crm = march.sla(ERRORS.key, "crm")
    assert (crm["good"], crm["total"], crm["breaches"]) == (74_300, 74_300, 0)
    assert march.document()["corrections"][0]["counts_as"] == "good"
    march.database.corrections.revoke(number, "bob", "it did not", march.now)
    march.months.changed()
    march.turn()
    assert march.revisions()[2:] == [("2026-03", 3, "correction 1 revoked by bob: it did not")]
    assert march.document(3)["slas"] == march.document(1)["slas"]


def test_what_stood_there_before_is_no_reason(march: March) -> None:
    march.correct(BAD - 2 * STEP, BAD - STEP, CountsAs.GOOD, "web")
    march.exclude(at("2026-03-05"), at("2026-03-05T01:00"))
    march.turn(LATER)
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    assert march.revisions()[1:] == [("2026-03", 2, "correction 2 by eve: the probe lied")]


def test_it_does_not_blame_maintenance_that_only_covers_more_since(march: March) -> None:
    march.exclude(at("2026-03-05"), at("2026-03-05T01:00"))
    march.turn(LATER)
    march.define([*DEFINITIONS, replace(UPTIME, key="new", name="New")])
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    assert march.revisions()[1:] == [("2026-03", 2, "correction 1 by eve: the probe lied")]


def test_slots_measured_again_make_one_if_a_figure_changed(march: March) -> None:
    march.turn(LATER)
    march.again(BAD, 40)  # the same as before
    march.turn()
    assert len(march.revisions()) == 1
    march.busy = True
    march.again(BAD, 30)
    march.turn()
    assert len(march.revisions()) == 1
    march.busy = False
    march.turn()
    assert march.revisions()[1:] == [("2026-03", 2, "slots of 2026-03-10 (UTC) measured again (recompute)")]
    assert march.sla(ERRORS.key, "crm")["good"] == 74_270


def test_a_change_while_no_worker_runs_is_noticed_at_its_next_start(march: March) -> None:
    march.turn(LATER)
    march.exclude(BAD - STEP, BAD)
    march.close()
    march.open()
    march.turn()
    assert [each[:2] for each in march.revisions()] == [("2026-03", 1), ("2026-03", 2)]


def test_an_exclusion_that_ends_before_or_begins_after_touches_nothing(march: March) -> None:
    march.fill(range(END + STEP, END + 9 * STEP, STEP))
    march.turn(END + 10 * STEP)
    march.exclude(END, END + STEP)
    march.turn()
    assert len(march.revisions()) == 1
    [frozen] = march.database.months.all()
    assert frozen.touched is None


def test_asked_again_it_makes_no_statement(march: March, monkeypatch: pytest.MonkeyPatch) -> None:
    march.turn(LATER)
    monkeypatch.setattr(march.database._engine, "rows", lambda *_: pytest.fail("a statement"))
    march.turn(LATER + 1)


@pytest.mark.parametrize("text", ["2026-13", "2026", "march", "2026-1", "0000-01", "9999-12"])
def test_what_is_no_month_is_one_clear_error(text: str) -> None:
    with pytest.raises(SLAWorkerError, match=f"invalid month: '{text}'; give one like 2026-03"):
        bounds(text, ZoneInfo("UTC"))


def test_what_is_not_frozen_is_said(march: March) -> None:
    with pytest.raises(SLAWorkerError, match="2026-03 is not frozen; none is frozen yet"):
        frozen_month(march.database, "2026-03")
    march.turn(LATER)
    with pytest.raises(SLAWorkerError, match="2026-02 is not frozen; frozen are 2026-03"):
        frozen_month(march.database, "2026-02")
    with pytest.raises(SLAWorkerError, match="2026-03 has no revision 2; its newest one is 1"):
        frozen_month(march.database, "2026-03", 2)


def test_the_command_lists_and_prints_what_was_frozen(
    march: March, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLA_DATABASE_PATH", str(march.location))
    monkeypatch.setenv("SLA_INTERVAL_SECONDS", str(STEP))
    march.turn(LATER)
    march.exclude(BAD - STEP, BAD)
    march.turn()
    for arguments, expected in (
        (["2026-03"], march.printed(2)[1]),
        (["2026-03", "--revision", "1"], march.printed(1)[1]),
        (["2026-03", "--json"], march.printed(2)[0]),
    ):
        assert cli.main(["months", *arguments]) == 0
        assert capsys.readouterr().out == expected
    assert cli.main(["months"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["2026-03", "1"], ["2026-03", "2"]]
    assert lines[3].endswith("maintenance 1 by ann: disks")
    assert cli.main(["months", "2026-02"]) == 1
    assert capsys.readouterr().err == "error: 2026-02 is not frozen; frozen are 2026-03\n"


def test_the_text_says_all_that_a_reader_needs(march: March) -> None:
    march.exclude(at("2026-03-20"), at("2026-03-20T02:00"), ERRORS.key)
    march.turn(LATER)
    text = march.printed()[1]
    assert "Period:               2026-03-01 00:00 CET to 2026-04-01 00:00 CEST\n" in text
    found = march.database.months.get("2026-03")
    assert found is not None
    assert found.sha256 in text
    # 741 slots count: 74,100 requests, 40 of them failed.
    [crm] = [line.split() for line in text.splitlines() if "(crm)" in line]
    assert crm[-11:-3] == ["74060", "74100", "99.95", "%", "100.00", "%", "46.02", "%"]  # 1 - 40 / 74.1
    assert "1: 2026-03-20 00:00 CET to 2026-03-20 02:00 CET: disks (ann)" in text
