"""The monthly report says what was frozen; a revision that comes later is told in the same thread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.delivery.kinds import KINDS, Sources
from sla_worker.evaluation import evaluate
from sla_worker.model import CountsAs, Drawn, Figures, LongReport, Mail, Policy
from sla_worker.periodic import long_report
from sla_worker.render.format import score_word
from sla_worker.render.periodic import exceptions
from sla_worker.render.summary import summary
from sla_worker.settings import Settings, read_settings
from unit.sla_worker.month_ledger import (
    BAD,
    BERLIN,
    DEFINITIONS,
    END,
    ERRORS,
    SLOTS,
    STEP,
    March,
    at,
    with_credits,
)

LATER = END + 3 * STEP
KEY = "monthly:2026-04-01"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return replace(read_settings({}), timezone=BERLIN, report_management=("boss@example.com",))


@pytest.fixture
def march(tmp_path: Path) -> Iterator[March]:
    made = March(tmp_path / "sla.db")
    made.fill(range(BAD - 5 * STEP, BAD + 5 * STEP, STEP))
    made.now = LATER
    yield made
    made.close()


def report(march: March) -> LongReport:
    return long_report(march.database, kind="monthly", title="Monthly", end=END, now=march.now, zone=BERLIN)


def crm(made: LongReport) -> tuple[float, float, int, int]:
    [line] = [each for each in made.lines if (each.status.key, each.status.component) == (ERRORS.key, "crm")]
    return line.status.good, line.status.total, line.breaches, line.down_seconds


def send(march: March, settings: Settings) -> dict[str, tuple[Mail, list[str]]]:
    """Make and deliver what is owed; by key, the mails and who got them."""
    found = {}
    for each in march.database.outbox.due(march.now):
        if each.type == "breach":
            continue
        kind = KINDS[each.type]
        mail = kind.build(Sources(march.database, settings, march.now, lambda _: Drawn()), each)
        wanted = kind.recipients(settings)
        if each.answered is not None:
            wanted = tuple(
                one for one in wanted if one in (march.database.outbox.holders(each.answered) or ())
            )
        open_ = march.database.outbox.deliveries(each, wanted, march.now)
        for one in open_:
            march.database.outbox.delivered(march.database.outbox.attempt(one, march.now), march.now)
        found[each.key] = mail, [one.recipient for one in open_]
    return found


def test_its_figures_are_those_that_were_frozen_until_there_is_a_revision(march: March) -> None:
    """Ten slots of 100 requests each, of which 40 failed in one: 960 of 1,000, one breach of an hour."""
    assert report(march).frozen is None
    march.turn()
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    made = report(march)
    assert made.frozen is not None
    assert (made.frozen.revision, crm(made)) == (1, (960, 1000, 1, STEP))
    assert len(made.incidents) == made.whole.period_breaches == 1
    march.turn()
    made = report(march)
    assert made.frozen is not None
    assert (made.frozen.revision, crm(made)) == (2, (1000, 1000, 0, 0))
    assert made.incidents == ()


def test_all_figures_are_equal_whether_they_are_frozen_or_not(march: March) -> None:
    live = report(march)
    march.turn()
    frozen = report(march)
    assert frozen.frozen is not None
    assert replace(frozen, frozen=None, history=()) == replace(live, history=())


def test_the_mail_names_revision_and_hash_and_a_later_revision_answers_it(
    march: March, settings: Settings
) -> None:
    march.turn()
    assert [*march.database.outbox.owed()] == ["breach"]  # nobody has a report of the month yet
    march.database.outbox.owe_report("monthly", KEY, END, march.now)
    [(key, (mail, got))] = send(march, settings).items()
    [first] = march.database.months.all()
    assert key == KEY
    assert got == ["owner@example.com", "platform-team@example.com", "boss@example.com"]
    for part in (mail.text, mail.html):
        assert f"Revision 1, 2026-04-01 03:00 CEST: the month is over. SHA-256 {first.sha256}." in part
        assert "make sla-evidence m=2026-03" in part
        assert "http://localhost:8080/months/2026-03" in part
        assert "http://localhost:8080/evidence/2026-03" in part
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    [(key, (mail, got))] = send(march, settings).items()
    assert key == f"month_revised:2026-03.2:{KEY}"
    assert len(got) == 3
    assert mail.subject == "Monthly SLA report 2026-03: revision 2"
    lines = [" ".join(each.split()) for each in mail.text.splitlines()]
    assert "Why: correction 1 by eve: the probe lied" in lines
    assert "Breaches: 1 → 0" in lines
    # 10 of the 521 hours since 10 March, 06:00, were measured: one is missing on the 29th.
    [changed] = [each for each in lines if each.startswith("API Error Rate (crm):")]
    assert changed == (
        "API Error Rate (crm): 96.00 % fail, 1.92 % measured, in breach 1 h"
        " → 100.00 % pass so far, 1.92 % measured, in breach 0 s"
    )
    assert not any(each.startswith(("API Error Rate (web)", "Platform Uptime")) for each in lines)
    assert send(march, settings) == {}


def test_a_mail_of_a_month_that_is_not_frozen_says_so_and_is_followed_by_one_that_it_is(
    march: March, settings: Settings
) -> None:
    march.database.outbox.owe_report("monthly", KEY, END, march.now)
    [(mail, _)] = send(march, settings).values()
    for part in (mail.text, mail.html):
        assert "Not yet: not all of the month is final" in part
    march.turn()
    [(key, (mail, _))] = send(march, settings).items()
    assert (key, mail.subject) == (f"month_revised:2026-03.1:{KEY}", "Monthly SLA report 2026-03: final")


def test_a_report_that_has_not_left_when_the_month_is_frozen_says_it_itself(
    march: March, settings: Settings
) -> None:
    march.database.outbox.owe_report("monthly", KEY, END, march.now)
    march.turn()
    assert [*send(march, settings)] == [KEY]
    assert send(march, settings) == {}


NEW_YORK = ZoneInfo("America/New_York")


def in_new_york(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp())


def test_credits_are_those_of_the_reported_month_after_a_change_of_the_timezone(tmp_path: Path) -> None:
    """March of New York ends at six in the morning of 1 April in Berlin, of which month much is known."""
    march = March(tmp_path / "sla.db", zone=NEW_YORK, definitions=with_credits())
    end = in_new_york("2026-04-01")
    march.fill(range(BAD - STEP, BAD + 2 * STEP, STEP))
    march.fill(range(END + STEP, end + 4 * STEP, STEP))
    march.close()
    march.now = end + 9 * STEP
    march.open(BERLIN)
    made = long_report(march.database, kind="monthly", title="Monthly", end=end, now=march.now, zone=BERLIN)
    assert f"{ERRORS.name} / crm: no figure, too little was measured" in made.credits
    march.close()


def test_the_year_to_date_is_that_of_the_reported_month_after_a_change_of_the_timezone(
    tmp_path: Path,
) -> None:
    march = March(tmp_path / "sla.db", zone=NEW_YORK)
    december = in_new_york("2026-12-10")
    march.fill(range(december, december + 5 * STEP, STEP))
    march.close()
    march.open(BERLIN)
    end = in_new_york("2027-01-01")
    made = long_report(march.database, kind="monthly", title="Monthly", end=end, now=end + STEP, zone=BERLIN)
    assert [each.start for each in made.wholes if each.name == "Year to date"] == [at("2026-01-01")]
    assert made.wholes[0].measured > 0
    march.close()


def test_a_month_says_of_which_slas_nothing_was_measured(tmp_path: Path) -> None:
    """The uptime was all there; of errors, latency and the score there are no slots with data."""
    march = March(tmp_path / "sla.db", definitions=DEFINITIONS[:3])
    rows = [
        evaluate(each, slot, Figures(120, 120, 1) if each is DEFINITIONS[0] else Figures(None, None, 0))
        for slot in SLOTS
        for each in DEFINITIONS[:3]
    ]
    march.database.store(rows)
    march.now = END + 60
    made = report(march)
    march.close()
    said = summary(made, BERLIN)
    assert said[0] == "1 of 1 SLAs kept their target (100.00 %)."
    assert said[-1] == "Nothing was measured of API Response Time P95, API Error Rate."
    assert score_word(made.whole) == "all targets met so far"


def test_the_policy_that_is_printed_is_that_of_the_month_and_not_that_of_today(march: March) -> None:
    march.define([replace(each, policy=replace(Policy(), minimum_events=7)) for each in DEFINITIONS])
    march.fill([LATER + STEP, LATER + 2 * STEP])
    assert {each.policy.minimum_events for each in report(march).lines} == {1}
    assert exceptions(report(march)) == []
