"""All mutants of some alerts, tried by several workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from mutation.equivalents import Reasons
from mutation.errors import MutationError
from mutation.run import Outcome, Plan, run
from mutation.trial import Finding, Verdict
from rules.cases import Case
from unit.mutation.samples import AT_THRESHOLD, DEEP, RULE, case, shipped


def outcomes(directory: Path, promtool: Path, cases: list[Case], reasons: Reasons) -> list[Outcome]:
    alerts = shipped(directory, QueueDeep=RULE)
    return run(Plan(alerts, alerts, {}, cases, [promtool], reasons, workers=2))


def survivors(found: list[Outcome]) -> list[str]:
    return [outcome.mutant.change for outcome in found if outcome.word == "survived"]


# DEEP is 0 or 150: it tells neither 100 from 99 and 101, nor > from >=. The summary stands in no case.
WEAK = ["> 100 -> >= 100", "> 100 -> 101", "> 100 -> 99", "annotation summary: emptied"]


def test_a_weak_set_of_cases_shows_its_survivors(tmp_path: Path, promtool: Path) -> None:
    found = outcomes(tmp_path, promtool, [DEEP], {})
    assert len(found) == 11  # as listed in test_mutants.py
    assert survivors(found) == WEAK
    killed = [outcome for outcome in found if outcome.word == "killed"]
    assert {outcome.finding.case for outcome in killed} == {DEEP.name}


def test_better_cases_kill_them(tmp_path: Path, promtool: Path) -> None:
    # Exactly 100 and never more kills >= 100 and 99, 101 from the start kills 101.
    above = case("a queue of 101", "101x20", "pending 0s, firing 1m")
    found = outcomes(tmp_path, promtool, [DEEP, AT_THRESHOLD, above], {})
    assert survivors(found) == ["annotation summary: emptied"]


def test_what_is_listed_is_equivalent_and_no_survivor(tmp_path: Path, promtool: Path) -> None:
    found = outcomes(tmp_path, promtool, [DEEP], {("QueueDeep", "> 100 -> 99"): "for the sake of the test"})
    assert survivors(found) == [change for change in WEAK if change != "> 100 -> 99"]
    assert [each.reason for each in found if each.word == "equivalent"] == ["for the sake of the test"]


@pytest.mark.parametrize(
    ("cases", "reasons", "message"),
    [
        (
            [DEEP, AT_THRESHOLD],
            {("QueueDeep", "> 100 -> 99"): "no"},
            "is not equivalent: it is killed by the case",
        ),
        ([DEEP], {("QueueDeep", "> 100 -> 90"): "no"}, "there is no mutant '> 100 -> 90' any more"),
        ([case("wrong", "150x20")], {}, "the case 'wrong' fails on the shipped rule"),
        ([case("broken", "150y20")], {}, "the case 'broken' fails on the shipped rule: .*parse error"),
        ([case("of another", "1x4", alert="Other")], {}, "QueueDeep has no cases"),
    ],
)
def test_what_is_wrong_ends_the_run(
    tmp_path: Path, promtool: Path, cases: list[Case], reasons: Reasons, message: str
) -> None:
    with pytest.raises(MutationError, match=message):
        outcomes(tmp_path, promtool, cases, reasons)


def test_the_records_of_the_file_are_evaluated_beside_a_mutant(tmp_path: Path, promtool: Path) -> None:
    record = {"record": "depth:doubled", "expr": "queue_depth * 2"}
    alerts = shipped(tmp_path, QueueDeep=RULE | {"expr": "depth:doubled > 200"}, record=record)
    chosen = {"QueueDeep": alerts["QueueDeep"]}
    # Without the record the shipped rule would fail; 0 or 300 tells neither 199 nor 201 from 200.
    found = run(Plan(chosen, chosen, {}, [DEEP], [promtool], {}, workers=1))
    assert "> 200 -> 199" in survivors(found)


def test_an_alert_that_reads_alerts_has_the_others_beside_it(tmp_path: Path, promtool: Path) -> None:
    # At 2m QueueDeep fires, which the other, evaluated after it, sees at once.
    also = RULE | {"alert": "Also", "expr": 'ALERTS{alertname="QueueDeep",alertstate="firing"} == 1'}
    del also["for"]
    alerts = shipped(tmp_path, QueueDeep=RULE, Also=also)
    sees = case("sees the other", "0x3 150x8 0x8", "firing 2m, inactive 3m15s", alert="Also")
    found = run(Plan({"Also": alerts["Also"]}, alerts, {}, [sees], [promtool], {}, workers=1))
    killed = {outcome.mutant.change for outcome in found if outcome.word == "killed"}
    assert 'ALERTS{alertname="QueueDeep",alertstate="firing"} -> alertname="changed"' in killed


def test_a_record_is_tried_with_the_cases_of_its_readers(tmp_path: Path, promtool: Path) -> None:
    record = {"record": "depth:doubled", "expr": "queue_depth * 2"}
    rules = shipped(tmp_path, QueueDeep=RULE | {"expr": "depth:doubled > 200"}, record=record)
    alerts, records = {"QueueDeep": rules["QueueDeep"]}, {"depth:doubled": rules["record"]}
    found = run(Plan(records, alerts, records, [DEEP], [promtool], {}, workers=1))
    # 150 * 3 is above 200 as well; 150 ÷ 2, 150 * 1 and nothing at all are not.
    assert {outcome.mutant.change: outcome.word for outcome in found} == {
        "* 2 -> / 2": "killed",
        "queue_depth -> queue_depth_changed": "killed",
        "* 2 -> 3": "survived",
        "* 2 -> 1": "killed",
        "the record removed": "killed",
    }


def test_what_is_known_is_not_tried_again(tmp_path: Path, promtool: Path) -> None:
    alerts = shipped(tmp_path, QueueDeep=RULE)
    known = [Finding(Verdict.STILLBORN)] * 11  # which no run would find
    plan = Plan(alerts, alerts, {}, [DEEP], [promtool], {}, workers=1)
    assert {each.word for each in run(plan, known={"QueueDeep": known})} == {"stillborn"}


def test_progress_is_told_once_for_each_rule(tmp_path: Path, promtool: Path) -> None:
    alerts = shipped(tmp_path, QueueDeep=RULE, Other=RULE | {"alert": "Other"})
    totals: list[int] = []
    ended: list[int] = []

    def watch(futures: Iterable[Future[list[Finding]]], total: int) -> Iterator[Future[list[Finding]]]:
        totals.append(total)
        for future in futures:
            ended.append(len(future.result()))
            yield future

    cases = [DEEP, case("another", "0x3 150x8 0x8", "pending 1m, firing 2m, inactive 3m15s", alert="Other")]
    found = run(Plan(alerts, alerts, {}, cases, [promtool], {}, workers=2), watch)
    assert totals == [2]
    assert ended == [11, 11]
    assert len(found) == 22
