"""Credits of frozen months: proposed once, superseded by another revision, decided by people, never lost."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_worker import cli, deciding
from sla_worker.credits import claim_until
from sla_worker.database import SLADatabase
from sla_worker.database.credits import CreditError, granted
from sla_worker.definitions import read_definitions
from sla_worker.errors import SLAWorkerError
from sla_worker.model import CountsAs, FrozenMonth, Mail, read_details, write_details
from sla_worker.model.credit import Proposal, Proposed
from sla_worker.periodic import long_report
from sla_worker.render.periodic import long_mail
from sla_worker.render.promises import policy_words
from unit.sla_worker.databases import Place, SQLitePlace
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.month_ledger import (
    BAD,
    BERLIN,
    CAPPED,
    DEFINITIONS,
    END,
    ERRORS,
    LATENCY,
    STEP,
    TIERS,
    March,
    with_credits,
)
from unit.sla_worker.test_measure_again import command, serving
from unit.sla_worker.test_openapi import fits

LATER = END + 3 * STEP
WHO = ("ann", "as agreed")


def march_at(place: Place) -> March:
    march = March(place.location, definitions=with_credits())
    march.fill()
    march.turn(LATER)
    return march


def shown(march: March) -> list[tuple[int, int, str, str, Decimal | None, str]]:
    return [
        (
            each.id,
            each.revision,
            each.proposed.sla,
            each.proposed.component,
            each.proposed.percent,
            each.stage,
        )
        for each in march.database.credits.all()
    ]


def test_a_frozen_month_proposes_what_it_owes_and_what_people_have_to_decide(place: Place) -> None:
    march = march_at(place)
    # Of crm 74,260 of 74,300 are good, 99.946 %: below 99.95. Web had no error. Latency had no traffic.
    assert shown(march) == [
        (1, 1, LATENCY.key, "all", None, "to decide"),
        (2, 1, ERRORS.key, "crm", Decimal(10), "to decide"),
    ]
    latency, crm = march.database.credits.all()
    assert latency.proposed.why == "no events"
    assert (crm.proposed.title, crm.proposed.below) == (f"{ERRORS.name} / crm", Decimal("99.95"))
    assert crm.proposed.compliance_ratio == 74_260 / 74_300
    assert crm.proposed.terms == CAPPED
    march.turn(LATER + STEP)
    assert len(march.database.credits.all()) == 2
    march.close()


def test_another_revision_supersedes_and_a_decision_stays_until_that_one_is_decided(place: Place) -> None:
    march = march_at(place)
    store = march.database.credits
    [approved] = store.approve([2], *WHO, now=march.now)
    assert (approved.stage, approved.approved_percent) == ("approved", 10)
    # 90 of 100 fail in that slot: 74,210 of 74,300 are good, 99.879 %, below 99.9.
    march.again(BAD, 90)
    march.turn()
    # What latency owes is as unknown as before.
    assert shown(march) == [
        (1, 1, LATENCY.key, "all", None, "to decide"),
        (2, 1, ERRORS.key, "crm", Decimal(10), "approved"),
        (3, 2, ERRORS.key, "crm", Decimal(25), "to decide"),
    ]
    assert (store.get(2).superseded_by, store.get(3).supersedes) == (3, 2)
    with pytest.raises(CreditError, match="superseded by proposal 3, of revision 2; decide that one"):
        store.decline([2], *WHO, now=march.now)
    store.approve([3], "bob", "measured again", now=march.now)
    before = store.get(2)
    [decision] = before.decisions
    assert (decision.author, decision.percent, decision.revoked_by) == ("ann", 10, "bob")
    assert decision.revoke_reason == "replaced by proposal 3: measured again"
    assert [each.approved_percent for each in store.all()] == [0, 0, 25]
    # All is well after all: nothing is owed, and people say whether what was approved is taken back.
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    assert shown(march)[-1] == (4, 3, ERRORS.key, "crm", Decimal(0), "to decide")
    store.decline([4], "bob", "the customer has it already", now=march.now)
    assert [each.approved_percent for each in store.all()] == [0, 0, 25, 0]
    march.close()


def test_where_nothing_was_approved_nothing_is_left_to_decide(tmp_path: Path) -> None:
    march = march_at(SQLitePlace(tmp_path / "sla.db"))
    march.correct(BAD - STEP, BAD, CountsAs.GOOD, "crm")
    march.turn()
    assert [each[-2:] for each in shown(march)] == [
        (None, "to decide"), (Decimal(10), "superseded"), (Decimal(0), "nothing owed"),
    ]  # fmt: skip
    with pytest.raises(CreditError, match="proposal 3 owes nothing; give --amount"):
        march.database.credits.approve([3], *WHO, now=march.now)
    march.close()


def test_a_ledger_whose_months_were_frozen_before_there_were_proposals_gets_them(place: Place) -> None:
    march = march_at(place)
    march.close()
    place.query("DROP TABLE sla_credit_decisions")
    place.query("DROP TABLE sla_credits")
    place.query("ALTER TABLE sla_monthly_reports DROP COLUMN proposed")
    place.query("DELETE FROM schema_migrations WHERE version = 12")
    march.open()
    printed = march.printed()
    march.turn(LATER + STEP)
    assert [each[:4] for each in shown(march)] == [
        (1, 1, LATENCY.key, "all"), (2, 1, ERRORS.key, "crm"),
    ]  # fmt: skip
    assert march.printed() == printed
    march.close()


# --- a ledger in which only months, proposals and decisions are


def freeze(database: SLADatabase, month: str, percents: dict[str, Decimal | None], **terms: Any) -> None:
    """Another revision of a month that owes so much, by component."""
    known = [each for each in database.months.all() if each.month == month]
    sha256 = hashlib.sha256(b"{}").hexdigest()
    frozen = FrozenMonth(month, len(known) + 1, "UTC", 0, 1, 2, "a test", 1.0, 0, 1.0, "1", sha256)
    database.months.add(frozen, "{}", "")
    found = [
        Proposed(
            ERRORS.key, component, f"{ERRORS.name} / {component}", percent, None,
            "no events" if percent is None else None, 0.9, 1.0, replace(CAPPED, **terms),
        )
        for component, percent in percents.items()
    ]  # fmt: skip
    database.credits.propose(frozen, found, 3)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    with closing(SLADatabase(tmp_path_factory.mktemp("credits") / "sla.db", clock=lambda: 10)) as made:
        made.sync_definitions(DEFINITIONS)
        yield made


_YEARS = itertools.count(3000)


@pytest.fixture
def year(database: SLADatabase) -> str:
    """A year of which nothing is known."""
    assert database
    return str(next(_YEARS))


def test_the_yearly_cap_leaves_what_other_months_do_not_take(database: SLADatabase, year: str) -> None:
    """A cap of 60 %: 25 in January, 25 in February, and the last 10 in March, of all components together."""
    store = database.credits
    freeze(database, f"{year}-01", {"crm": Decimal(25)})
    freeze(database, f"{year}-02", {"crm": Decimal(25), "web": Decimal(25)})
    freeze(database, f"{year}-03", {"crm": Decimal(25)})
    freeze(database, f"{int(year) + 500}-01", {"crm": Decimal(25)})
    ids = [each.id for each in store.all() if each.month[:4] in {year, str(int(year) + 500)}]
    january, february, web, march, another_year = ids
    found = store.approve([january, february, march], *WHO, now=5)
    assert [each.approved_percent for each in found] == [25, 25, 10]
    assert store.left_of_cap(store.get(web)) == 0
    [nothing] = store.approve([web], *WHO, now=5)
    assert (nothing.stage, nothing.approved_percent) == ("approved", 0)
    assert store.approve([another_year], *WHO, now=5)[0].approved_percent == 25
    with pytest.raises(CreditError, match=r"approved by ann; revoke that first: sla credits revoke \d+"):
        store.approve([march], *WHO, now=6, amount=Decimal(11))
    store.revoke([january], "bob", "never claimed", now=6)
    store.revoke([march], "bob", "there is more left now", now=6)
    with pytest.raises(CreditError, match=f"the yearly cap of 60 % leaves 35 % of {year}; give at most that"):
        store.approve([march], *WHO, now=7, amount=Decimal(36))
    assert store.approve([march], *WHO, now=7, amount=Decimal(35))[0].approved_percent == 35
    # 60 - 25 - 35 leave nothing.
    assert store.left_of_cap(store.get(january)) == 0


@pytest.mark.parametrize(
    ("left", "percent"), [(None, 25), (30, 25), (25, 25), (24, 24), (10, 10), ("9.999999", 0), (0, 0)]
)
def test_what_the_cap_leaves_is_not_owed_below_the_least_amount(left: Any, percent: int) -> None:
    each = Proposed("a", "b", "c", Decimal(25), None, None, None, None, CAPPED)
    assert granted(each, None if left is None else Decimal(left)) == percent


@pytest.mark.parametrize(
    ("amount", "said"),
    [(None, "has no figure: no events; give --amount, or decline it"), ("-1", "from 0 to 100"),
     ("100.1", "from 0 to 100"), ("0.1234567", "6 decimals at most")],
)  # fmt: skip
def test_what_cannot_be_granted_is_one_clear_error(
    database: SLADatabase, year: str, amount: str | None, said: str
) -> None:
    freeze(database, f"{year}-01", {"crm": None}, yearly_cap=None)
    proposal = database.credits.all(f"{year}-01")[-1]
    with pytest.raises(CreditError, match=said):
        database.credits.approve(
            [proposal.id], *WHO, now=5, amount=None if amount is None else Decimal(amount)
        )
    assert database.credits.get(proposal.id) == proposal


def test_of_several_all_are_decided_or_none(database: SLADatabase, year: str) -> None:
    freeze(database, f"{year}-01", {"crm": Decimal(25), "web": None})
    crm, web = database.credits.all(f"{year}-01")
    with pytest.raises(CreditError, match="has no figure"):
        database.credits.approve([crm.id, web.id], *WHO, now=5)
    with pytest.raises(CreditError, match="there is no proposal 99999; `sla credits list` has them"):
        database.credits.decline([crm.id, 99_999], *WHO, now=5)
    with pytest.raises(CreditError, match=r"--amount is of one proposal"):
        database.credits.approve([crm.id, web.id], *WHO, now=5, amount=Decimal(5))
    with pytest.raises(CreditError, match="is not decided; there is nothing to revoke"):
        database.credits.revoke([crm.id], *WHO, now=5)
    with pytest.raises(SLAWorkerError, match="the reason is missing"):
        database.credits.decline([crm.id], "ann", " ", now=5)
    assert database.credits.all(f"{year}-01") == [crm, web]


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["freeze", "approve", "approve", "amount", "decline", "revoke"]),
        st.integers(0, 5),
        st.sampled_from([0, 10, 25, 50, -1]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(STEPS)
def test_in_any_order_nothing_is_lost_and_the_cap_holds(database: SLADatabase, steps: list[Step]) -> None:
    """Two months of two components; a step freezes a month again, or decides the proposal of that place."""
    year, store = str(next(_YEARS)), database.credits
    owed: dict[tuple[str, str], Decimal | None] = {}  # by month and component, as it was frozen last
    former: list[Proposal] = []
    for what, which, number in steps:
        month, component = f"{year}-0{1 + which % 2}", ("crm", "web")[which // 2 % 2]
        if what == "freeze":
            owed[month, component] = None if number < 0 else Decimal(number)
            freeze(database, month, {name: each for (of, name), each in owed.items() if of == month})
        elif former:
            _decide(database, former[which % len(former)], what, number)
        found = [each for month in (f"{year}-01", f"{year}-02") for each in store.all(month)]
        found.sort(key=lambda each: each.id)
        _check(former, found, owed)
        former = found


def _decide(database: SLADatabase, of: Proposal, what: str, number: int) -> None:
    store, before = database.credits, database.credits.all(of.month)
    open_ = of.superseded_by is None and of.decision is None
    try:
        if what == "revoke":
            store.revoke([of.id], *WHO, now=6)
            assert of.decision is not None
        elif what == "decline":
            store.decline([of.id], *WHO, now=6)
            assert open_
        else:
            amount = Decimal(max(number, 0)) if what == "amount" else None
            [done] = store.approve([of.id], *WHO, now=6, amount=amount)
            assert open_
            wanted = of.proposed.percent if amount is None else amount
            assert wanted is not None
            assert done.approved_percent <= wanted
    except CreditError:
        assert store.all(of.month) == before


def _check(
    former: list[Proposal], found: list[Proposal], owed: dict[tuple[str, str], Decimal | None]
) -> None:
    approved: dict[tuple[str, str], Decimal] = {}
    newest: dict[tuple[str, str], Proposal] = {}
    for each in found:
        place = each.month, each.proposed.component
        newest[place] = each
        if each.decision is not None and each.decision.approved:
            assert place not in approved, "two credits for one month"
            approved[place] = each.decision.percent
        assert sum(one.revoked_at is None for one in each.decisions) <= 1
    assert sum(approved.values()) <= 60
    # The newest proposal is what the newest revision owes; one of nothing only ever supersedes.
    for place, percent in owed.items():
        assert (newest[place].proposed.percent if place in newest else 0) == percent
    # No proposal and no decision of before is gone or another one; a decision can only have been revoked.
    for before, after in zip(former, found, strict=False):
        assert (before.id, before.proposed, before.revision) == (after.id, after.proposed, after.revision)
        for one, other in zip(before.decisions, after.decisions, strict=False):
            assert one == other or (one.revoked_at is None and other.revoked_by == "ann")
            assert (one.percent, one.author, one.decided_at) == (
                other.percent,
                other.author,
                other.decided_at,
            )
        assert len(before.decisions) <= len(after.decisions)
    assert len(former) <= len(found)


def test_what_is_agreed_is_read_kept_and_printed(tmp_path: Path) -> None:
    terms = "yearly_cap: 60, least_amount: 10, claim_deadline: 30"
    tiers = "{below: 99.95, credit: 10}, {below: 99.9, credit: 25}"
    file = tmp_path / "slas.yml"
    file.write_text(f"{THREE.read_text()}    credits: {{tiers: [{tiers}], {terms}}}\n")
    *_, definition = read_definitions(file)
    assert (definition.policy.credits, definition.policy.credit_terms) == (TIERS, CAPPED)
    assert read_details(write_details(definition)).policy == definition.policy
    assert policy_words(definition.policy) == (
        "credits 10 % below 99.95 %, 25 % below 99.9 %; at most 60 % of a month's price a year;"
        " none below 10 %; to be claimed within 30 days"
    )


def test_the_last_day_of_a_claim() -> None:
    # March ends with the 31st in Berlin, although that is 22:00 in UTC; 30 days after it is 30 April.
    assert str(claim_until(END, 30, BERLIN)) == "2026-04-30"
    assert str(claim_until(END, 1, BERLIN)) == "2026-04-01"
    assert claim_until(END, None, BERLIN) is None


def test_the_commands_list_and_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    march = March(tmp_path / "sla.db", definitions=with_credits())
    march.fill(range(END - 9 * STEP, END + 1, STEP))
    march.turn(LATER)
    march.close()
    for name, value in {
        "SLA_DATABASE_PATH": str(march.location),
        "SLA_INTERVAL_SECONDS": str(STEP),
        "REPORT_TIMEZONE": "Europe/Berlin",
    }.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["credits", "list"]) == 0
    out = capsys.readouterr().out
    [line] = [each for each in out.splitlines() if each.split()[:1] == ["1"]]
    for words in ("2026-03 r1", LATENCY.name, "to decide", "2026-04-30", "no events"):
        assert words in line
    assert out.endswith("To decide: sla credits approve ID… | decline ID… --author NAME --reason TEXT\n")
    who = ("--author", "ann", "--reason", "a week without traffic")
    assert cli.main(["credits", "approve", "1", *who]) == 1
    assert (
        "error: proposal 1 has no figure: no events; give --amount, or decline it" in capsys.readouterr().err
    )
    assert cli.main(["credits", "approve", "1", "--amount", "2.5", *who]) == 0
    assert capsys.readouterr().out == f"proposal 1, {LATENCY.name} in 2026-03: 2.5 % approved\n"
    assert cli.main(["credits", "revoke", "1", "--author", "bob", "--reason", "too much"]) == 0
    assert capsys.readouterr().out == (
        f"proposal 1, {LATENCY.name} in 2026-03: decision revoked; it is to decide\n"
    )
    assert cli.main(["credits", "decline", "1", *who]) == 0
    assert cli.main(["credits", "list", "--month", "2026-03", "--json"]) == 0
    [_, _, printed] = capsys.readouterr().out.partition("declined\n")
    [found] = json.loads(printed)["proposals"]
    assert (found["stage"], found["claim_until"], found["yearly_cap_leaves_percent"]) == (
        "declined", "2026-04-30", "60",
    )  # fmt: skip
    assert [(each["decision"], each["percent"], each["revoked_by"]) for each in found["decisions"]] == [
        ("approved", "2.5", "bob"), ("declined", "0", None),
    ]  # fmt: skip
    assert cli.main(["credits", "list", "--month", "2026-02"]) == 0
    assert "no credit is proposed" in capsys.readouterr().out
    assert cli.main(["credits", "list", "--month", "May"]) == 1
    assert "error: invalid month: 'May'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["credits", "approve", "1", "--amount", "much", *who])
    assert capsys.readouterr().err == (
        "error: --amount: invalid number: 'much'\nfix:   give percent of a month's price, like 12.5\n"
    )


def test_the_service_that_runs_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path) as setting:
        freeze(setting.service.database, "2023-10", {"all": Decimal(25)})
        who = ("--author", "ann", "--reason", "as agreed")
        assert command(monkeypatch, setting, "credits", "approve", "1", "--amount", "5", *who) == 0
        assert capsys.readouterr().out == (
            f"proposal 1, {ERRORS.name} / all in 2023-10: 5 % approved, 25 % was proposed\n"
        )
        assert command(monkeypatch, setting, "credits", "decline", "1", *who) == 1
        assert "error: proposal 1 was approved by ann; revoke that first" in capsys.readouterr().err
        listed = json.loads(setting.ask("/api/credits/proposals?month=2023-10")[1])
        fits("Proposals", listed)
        [found] = listed["proposals"]
        assert (found["stage"], found["approved_percent"]) == ("approved", "5")
        assert setting.ask("/api/credits/proposals?month=x")[0] == "400 Bad Request"
        body = {"ledger": str(Path(setting.environ["SLA_DATABASE_PATH"]).resolve())}
        asked = deciding.to_decide("forget", [1], *WHO)
        for wrong in (
            asked,
            {**asked, "action": "approve", "ids": []},
            {**asked, "action": "approve", "ids": 1},
        ):
            text = json.dumps(body | wrong).encode()
            assert setting.ask("/api/credits/decide", "POST", text)[0] == "400 Bad Request"


def test_the_monthly_mail_says_what_is_owed_and_what_there_is_to_decide(tmp_path: Path) -> None:
    march = March(tmp_path / "sla.db", definitions=with_credits())
    march.fill(range(BAD - STEP, BAD + 2 * STEP, STEP))

    def mail() -> Mail:
        report = long_report(
            march.database, kind="monthly", title="Monthly SLA report", end=END, now=march.now, zone=BERLIN
        )
        return long_mail(report, BERLIN, {})

    march.now = END + 60
    # Of three weeks only three hours are known.
    lines = ["An estimate, until the month is frozen:", f"{LATENCY.name}: no figure, no events",
             f"{ERRORS.name} / crm: no figure, too little was measured"]  # fmt: skip
    assert "\n".join(["Credits", "", *lines]) in mail().text
    march.turn(LATER)
    latency, crm, _ = march.database.credits.all()
    march.database.credits.approve([crm.id], *WHO, now=march.now, amount=Decimal("2.5"))
    march.database.credits.decline([latency.id], *WHO, now=march.now)
    found = mail()
    for line in (
        f"declined: {LATENCY.name}, no figure, no events (proposal 1)",
        f"approved: {ERRORS.name} / crm, 2.5 % (proposal 2)",
        f"to decide: {ERRORS.name} / web, no figure, too little was measured (proposal 3)",
        "Decide with: make sla-credits do=list",
    ):
        assert f"\n{line}\n" in found.text
        assert f">{line}<" in found.html
    march.close()
