"""`sla_backtest`: what other targets and policies would have meant is what a ledger with them has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from sla_worker import cli
from sla_worker.backtest import Backtest, Other, Replayed, backtest
from sla_worker.composite import slot_score
from sla_worker.database import SLADatabase
from sla_worker.evaluation import evaluate
from sla_worker.grid import Grid
from sla_worker.model import (
    CountsAs,
    Definition,
    Figures,
    Maintenance,
    Measurement,
    Member,
    NoData,
    Planned,
    Policy,
    Scope,
    ServiceHours,
    Tier,
    Wrong,
)
from sla_worker.service_hours import in_service
from sla_worker.sli.composite import CompositeSli
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.month_ledger import BAD, BERLIN, END, ERRORS, LATENCY, SCORE, SLOTS, START, STEP, UPTIME
from unit.sla_worker.test_maintenance import setting

__all__ = ["setting"]

TIERS = (Tier(Decimal("99.95"), Decimal(10)), Tier(Decimal(99), Decimal(25)))
PAID = replace(UPTIME, policy=Policy(credits=TIERS))
Row = tuple[float, float, float]
"""Good, total, coverage of a slot."""


def ledger(location: str | Path, *definitions: Definition) -> SLADatabase:
    made = SLADatabase(location, grid=Grid(STEP, 15), zone=BERLIN, clock=lambda: END + 60)
    made.sync_definitions(definitions, begin=START - 86_400)
    return made


def fill(database: SLADatabase, definition: Definition, rows: dict[int, Row]) -> None:
    hours = definition.policy.service_hours
    database.store(
        evaluate(definition, slot, Figures(*row), in_service=in_service(hours, slot, STEP))
        for slot, row in rows.items()
    )


@pytest.fixture
def march(tmp_path: Path) -> Iterator[SLADatabase]:
    """743 hours of 100 events, all good but 40 in one hour: 74,260 of 74,300 are 99.946 %."""
    with closing(ledger(tmp_path / "sla.db", PAID, LATENCY, SCORE)) as made:
        fill(made, PAID, {slot: (60.0 if slot == BAD else 100.0, 100.0, 1.0) for slot in SLOTS})
        yield made


def replay(database: SLADatabase, other: Other, key: str = UPTIME.key) -> Replayed:
    [found] = backtest(database, {key: other}, START, END, BERLIN).replayed
    return found


def test_another_target_misses_the_month(march: SLADatabase) -> None:
    """99.95 % allows 37 of 74,300 events to be bad, 99.9 % allowed 74: the 40 are too many, in their hour."""
    found = replay(march, Other(target=0.9995))
    [month] = found.months
    assert (month.was.meets_target, month.then and month.then.meets_target) == (True, False)
    assert found.spent_at == (BAD,)
    # 40 % of the hour are bad: 800 times what 99.95 % allows, 133 times over six hours, and 11 times over
    # three days. Six hours and three days have it for longer; but it was an outage, and is over.
    assert [(each.name, each.times) for each in found.alerts] == [
        ("1h", ((BAD, BAD + STEP),)),
        ("6h", ((BAD, BAD + STEP),)),
        ("3d", ((BAD, BAD + STEP),)),
    ]
    assert found.early_seconds == 0
    assert [(each.started_at, each.ended_at) for each in found.then] == [(BAD - STEP, BAD)]


def test_a_looser_target_or_a_longer_run_has_no_breach(march: SLADatabase) -> None:
    """60 % reaches 50 %; half may be bad, so nothing burns 14.4 or 6 times as fast, nor once for days."""
    loose = replay(march, Other(target=0.5))
    assert (len(loose.was), loose.then, loose.spent_at) == (1, (), ())
    assert [each.times for each in loose.alerts] == [(), (), ()]
    assert replay(march, Other(breach_after=2)).then == ()


def test_a_steady_burn_is_told_until_six_hours_are_within_the_allowance(tmp_path: Path) -> None:
    """10 of 10,000 may be bad. 30 an hour are, for 40 hours: too slow for all but the one of three days."""
    bad = {BAD + hour * STEP for hour in range(40)}
    with closing(ledger(tmp_path / "sla.db", PAID)) as made:
        fill(made, PAID, {slot: (9970.0 if slot in bad else 10_000.0, 10_000.0, 1.0) for slot in SLOTS})
        found = replay(made, Other(target=0.999))
    # 24 bad hours of 72 burn once, 25 more than that. Calm, the six hours with two bad ones burn once.
    times = {each.name: each.times for each in found.alerts}
    assert times == {"1h": (), "6h": (), "3d": ((BAD + 24 * STEP, BAD + 43 * STEP),)}


def test_credits_are_those_of_the_other_tiers(march: SLADatabase) -> None:
    """99.946 % is below 99.95, which was worth 10 %; and below 99.99, which would be worth 5 %."""
    other = replace(PAID, policy=Policy(credits=(Tier(Decimal("99.99"), Decimal(5)),)))
    [month] = replay(march, Other(definition=other)).months
    assert month.credit_then is not None
    assert (month.credit_was.percent, month.credit_then.percent) == (10, 5)


def refusal(found: Backtest) -> str:
    [reason] = found.refused.values()
    return reason


@pytest.mark.parametrize(
    ("key", "other", "words"),
    [
        (LATENCY.key, Other(target=1.0), "the ledger has no buckets; give another objective by --file"),
        (UPTIME.key, Other(definition=replace(LATENCY, key=UPTIME.key)), "measures something else"),
    ],
)
def test_what_the_ledger_does_not_have_is_refused(
    march: SLADatabase, key: str, other: Other, words: str
) -> None:
    assert words in refusal(backtest(march, {key: other}, START, END, BERLIN))


OFFICE = ServiceHours(frozenset(range(5)), 8 * 60, 20 * 60, "Europe/Berlin")
KINDS: tuple[Row, ...] = ((10, 10, 1), (10, 10, 1), (9, 10, 1), (5, 10, 1), (0, 0, 0), (3, 4, 0.5), (0, 2, 1))
POLICIES = (
    Policy(),
    Policy(breach_after=2, recover_after=3),
    Policy(breach_after=3, minimum_events=3),
    Policy(recover_after=2, maintenance=Maintenance.COUNTED_GOOD),
    Policy(no_data=NoData.BAD),
    Policy(service_hours=OFFICE, no_data=NoData.BAD, maintenance=Maintenance.COUNTED_GOOD),
    Policy(service_hours=replace(OFFICE, from_minute=6 * 60, to_minute=12 * 60), recover_after=2),
)


def chosen(seed: int) -> dict[int, Row]:
    """300 slots, the same each time."""
    chance = Random(seed)  # noqa: S311 - the same each time
    return {slot: chance.choice(KINDS) for slot in SLOTS[:300]}


def disturb(database: SLADatabase) -> None:
    """Maintenance thrice; corrections of a Thursday's early hours, and of hours half in maintenance."""
    for first in (20, 22, 130):
        planned = Planned(Scope((UPTIME.key,)), SLOTS[first], SLOTS[first + 3], "ann", "disks")
        database.maintenance.add(planned, END)
    for first, last in ((100, 110), (128, 132)):
        counts = Wrong(
            UPTIME.key, SLOTS[first], SLOTS[last], CountsAs.COUNTS, "ann", "odd", good=4.0, total=5.0
        )
        database.corrections.add(counts, END)
    left_out = Wrong(UPTIME.key, SLOTS[240], SLOTS[243], CountsAs.EXCLUDED, "ann", "odd")
    database.corrections.add(left_out, END)


def same(replayed: Replayed, like: SLADatabase, end: int) -> None:
    """What a replay says is what another ledger has."""
    known = [each for each in like.breaches_between(START, end) if each.key == replayed.key]
    assert [(each.started_at, each.ended_at, each.worst) for each in replayed.then] == [
        (each.started_at, each.ended_at, each.worst) for each in known
    ]
    [month] = replayed.months
    [status] = [each for each in like.status_of_period(START, end) if each.key == replayed.key]
    assert month.then is not None
    for name in ("good", "total", "held_to_ratio", "compliance_ratio", "coverage_ratio", "weakest"):
        assert getattr(month.then, name) == pytest.approx(getattr(status, name)), name


@pytest.mark.parametrize(
    ("was", "then"),
    [
        ((0.999, POLICIES[0]), (0.5, POLICIES[1])),
        ((0.5, POLICIES[1]), (0.9, POLICIES[2])),
        ((0.9, POLICIES[3]), (0.999, POLICIES[3])),
        ((0.9, POLICIES[0]), (0.9, POLICIES[4])),
        ((0.9, POLICIES[0]), (0.9, POLICIES[5])),
        ((0.9, POLICIES[5]), (0.9, POLICIES[6])),
        ((0.9, POLICIES[3]), (0.9, POLICIES[0])),
    ],
)
def test_a_replay_is_what_a_ledger_with_the_other_definition_has(
    tmp_path: Path, was: tuple[float, Policy], then: tuple[float, Policy]
) -> None:
    """300 slots by chance, with maintenance and corrections; and replayed by its own, what it has itself."""
    slots, end = chosen(7), SLOTS[299]
    before, after = (replace(UPTIME, target=target, policy=policy) for target, policy in (was, then))
    with (
        closing(ledger(tmp_path / "one.db", before)) as one,
        closing(ledger(tmp_path / "other.db", after)) as other,
    ):
        for database, definition in ((one, before), (other, after)):
            fill(database, definition, slots)
            disturb(database)
        for changed, like in ((Other(definition=after), other), (Other(target=before.target), one)):
            [found] = backtest(one, {UPTIME.key: changed}, START, end, BERLIN).replayed
            assert found.then
            same(found, like, end)


def test_a_composite_is_made_of_its_members_as_they_would_be(tmp_path: Path) -> None:
    """Of uptime with other hours, and errors as they are; by other weights; and with nothing changed."""
    weights = CompositeSli((Member(10, sla=ERRORS.key), Member(90, sla=UPTIME.key)))
    after = replace(UPTIME, target=0.9, policy=POLICIES[5])
    score = replace(SCORE, target=0.8, sli=weights, policy=Policy(breach_after=2))
    end, slots = SLOTS[299], {UPTIME.key: chosen(7), "crm": chosen(8), "web": chosen(9)}

    def filled(name: str, *definitions: Definition) -> SLADatabase:
        made, [uptime, composite] = ledger(tmp_path / f"{name}.db", ERRORS, *definitions), definitions
        all_rows: list[Measurement] = []
        for slot in SLOTS[:300]:
            rows = [
                evaluate(
                    uptime,
                    slot,
                    Figures(*slots[UPTIME.key][slot]),
                    in_service=in_service(uptime.policy.service_hours, slot, STEP),
                ),
                *(
                    evaluate(ERRORS, slot, Figures(*slots[name][slot]), component=name)
                    for name in ("crm", "web")
                ),
            ]
            categories = {each.key: each.category for each in (ERRORS, uptime)}
            all_rows += [*rows, evaluate(composite, slot, slot_score(composite, rows, categories)[0])]
        made.store(all_rows)
        disturb(made)
        return made

    changes = {
        "members": ({UPTIME.key: Other(definition=after), SCORE.key: Other()}, (after, SCORE)),
        "weights": ({SCORE.key: Other(definition=score)}, (UPTIME, score)),
        "all": ({SCORE.key: Other(definition=score), UPTIME.key: Other(definition=after)}, (after, score)),
        "nothing": ({SCORE.key: Other()}, (UPTIME, SCORE)),
    }
    with closing(filled("one", UPTIME, SCORE)) as one:
        for name, (others, definitions) in changes.items():
            with closing(filled(name, *definitions)) as like:
                found = backtest(one, others, START, end, BERLIN)
                [replayed] = [each for each in found.replayed if each.key == SCORE.key]
                assert len(replayed.then) > 1
                assert replayed.alerts == ()  # its budget is not one of events
                same(replayed, like, end)


def test_a_composite_whose_members_changed_is_refused(tmp_path: Path) -> None:
    """Uptime is gone since the 20th: a score before, another one after."""
    border = START + 19 * 86_400
    now = [START - 86_400]
    with closing(
        SLADatabase(tmp_path / "sla.db", grid=Grid(STEP, 15), zone=BERLIN, clock=lambda: now[0])
    ) as made:
        made.sync_definitions([UPTIME, ERRORS, SCORE])
        now[0] = border
        made.sync_definitions([ERRORS, SCORE])
        now[0] = END + 60
        words = refusal(backtest(made, {SCORE.key: Other(target=0.5)}, START, END, BERLIN))
        assert "it, or what it is made of, changed at 2026-03-20T00:00+01:00" in words
        assert backtest(made, {SCORE.key: Other(target=0.5)}, border, END, BERLIN).refused == {}


@pytest.mark.usefixtures("setting")
def test_the_command_prints_a_table_json_and_what_cannot_be_replayed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Four slots of 1000 events, of which 100 failed in the third: 10 % are within 20 % that may fail."""
    times = ("--from", "2023-11-14T22:10", "--to", "2023-11-14T22:30")
    words = ("--target", "platform-uptime=80%", "--target", "api-response-time-p95=1")
    assert cli.main(["backtest", *times, *words]) == 0
    text = capsys.readouterr().out
    assert "Platform Uptime  0.999 → 0.8  1 → 0          1 → 0     5 min → 0 s" in text
    assert "1 → 0" in text
    assert "Alerts are evaluated once a slot (5 min)" in text
    assert "api-response-time-p95: requests within another threshold were not counted" in text
    assert cli.main(["backtest", *times, *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    [sla] = found["slas"]
    assert (len(sla["breaches"]["was"]), sla["breaches"]["then"]) == (1, [])
    [month] = sla["months"]
    # 100 of 4000 failed: 97.5 % were good, where 99.9 % had to be, and 80 % would be enough.
    assert (month["was"]["compliance_ratio"], month["was"]["verdict"]) == (0.975, "fail")
    assert (month["then"]["objective_ratio"], month["then"]["verdict"]) == (0.8, "pass")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--target", "x=1"], "error: --target x: there is no such SLA; give one of platform-uptime"),
        (["--target", "platform-uptime"], "is not KEY=VALUE; give one like platform-uptime=99.95%"),
        (
            ["--target", "platform-uptime=99.95"],
            "'99.95' cannot be the target; give one like 99.95% or 0.9995",
        ),
        (["--target", "platform-uptime=high"], "'high' is not a number; give one like 99.95% or 0.9995"),
        (["--breach-after", "2", "--from", "2023-01-01", "--to", "2023-01-02"], "nothing was measured from"),
        (["--file", "nowhere.yml"], "nowhere.yml"),
    ],
)
@pytest.mark.usefixtures("setting")
def test_what_cannot_be_asked_is_one_line(
    capsys: pytest.CaptureFixture[str], *, words: list[str], line: str
) -> None:
    assert cli.main(["backtest", *words]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert line in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("setting")
def test_a_teams_file_can_be_replayed_wherever_it_lies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "laxer.yml"
    text = THREE.read_text(encoding="utf-8").replace("target: 0.999 ", "target: 0.8 ", 1)
    path.write_text(f"team: payments\nowner: payments@example.com\n{text}", encoding="utf-8")
    times = ("--from", "2023-11-14T22:10", "--to", "2023-11-14T22:30")
    assert cli.main(["backtest", *times, "--file", str(path)]) == 0
    # 100 of 4000 failed: 97.5 % were good, where 99.9 % had to be, and 80 % would be enough.
    assert "97.50 % fail → pass" in capsys.readouterr().out


def test_something_must_be_different(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["backtest"])
    assert capsys.readouterr().err.startswith("error: nothing is different\nfix:   give --target KEY=VALUE")
