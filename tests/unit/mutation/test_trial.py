"""A case kills by what it expects, never by being broken; many mutants in one run die as they do alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mutation.errors import MutationError
from mutation.promtool import in_one_line
from mutation.together import Rule
from mutation.trial import Bench, Finding, Reader, Verdict
from rules.binaries import each_version_of, required
from rules.cases import Case
from unit.mutation.samples import AT_THRESHOLD, DEEP, RULE, case

NOT_ABOVE = RULE | {"expr": "queue_depth >= 100"}
LONGER = RULE | {"for": "1m15s"}
SURVIVED, STILLBORN = Finding(Verdict.SURVIVED), Finding(Verdict.STILLBORN)
RECORD: dict[str, Any] = {"record": "depth:doubled", "expr": "queue_depth * 2"}


def bench(
    cases: list[Case],
    promtool: Path | None,
    directory: Path,
    rule: Rule = RULE,
    beside: list[Rule] | None = None,
) -> Bench:
    return Bench(rule, [Reader(rule, beside or [], cases)], [required(promtool, "promtool")], directory)


def killed(by: Case) -> Finding:
    return Finding(Verdict.KILLED, by.name)


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
@each_version_of("promtool")
def test_a_weak_set_of_cases_lets_live_what_a_strong_one_kills(
    program: Path | None, tmp_path: Path, *, alone: bool
) -> None:
    mutants = [NOT_ABOVE, LONGER, None, RULE | {"expr": "queue_depth > 100.0"}]

    def findings(*cases: Case) -> list[Finding]:
        return bench(list(cases), program, tmp_path).attempt(mutants, alone=alone)

    # DEEP is 0 or 150 and fires after a minute; at the threshold nothing ever fires.
    assert findings(DEEP) == [SURVIVED, killed(DEEP), killed(DEEP), SURVIVED]
    assert findings(AT_THRESHOLD) == [killed(AT_THRESHOLD), SURVIVED, SURVIVED, SURVIVED]
    assert findings(DEEP, AT_THRESHOLD) == [killed(AT_THRESHOLD), killed(DEEP), killed(DEEP), SURVIVED]


@each_version_of("promtool")
def test_what_is_no_rule_or_fails_in_evaluation_leaves_the_verdicts_of_others(
    program: Path | None, tmp_path: Path
) -> None:
    two = {'queue_depth{worker="a"}': "1x4", 'queue_depth{worker="b"}': "1x4"}
    both = dataclasses.replace(AT_THRESHOLD, series=two)
    # On no label at all every series matches every other, which ends the evaluation.
    many = RULE | {"expr": "queue_depth * on () queue_depth > 100"}
    low = RULE | {"expr": "queue_depth > 0"}
    assert bench([both], program, tmp_path).attempt([LONGER, many, low]) == [
        SURVIVED,
        killed(both),
        killed(both),
    ]
    none = RULE | {"for": "soon"}
    assert bench([both], program, tmp_path).attempt([none, low]) == [STILLBORN, killed(both)]


def test_a_hint_decides_which_case_is_tried_first(promtool: Path, tmp_path: Path) -> None:
    # Both cases notice that the alert is always there.
    always = RULE | {"expr": "queue_depth >= 0", "for": "15s"}
    cases = [DEEP, AT_THRESHOLD]
    assert bench(cases, promtool, tmp_path).attempt([always]) == [killed(DEEP)]
    assert bench(cases, promtool, tmp_path).attempt([always], [AT_THRESHOLD.name]) == [killed(AT_THRESHOLD)]
    # One that is wrong costs time only, as does one for a case that is gone.
    assert bench(cases, promtool, tmp_path).attempt([LONGER], [AT_THRESHOLD.name]) == [killed(DEEP)]
    assert bench(cases, promtool, tmp_path).attempt([LONGER], ["gone"]) == [killed(DEEP)]


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
def test_a_case_that_the_shipped_rule_does_not_pass_is_an_error(
    promtool: Path, tmp_path: Path, *, alone: bool
) -> None:
    wrong = case("a queue of 150 is quiet", "150x20")
    with pytest.raises(
        MutationError, match="QueueDeep: the case 'a queue of 150 is quiet' fails on the shipped"
    ):
        bench([wrong], promtool, tmp_path).attempt([NOT_ABOVE], alone=alone)
    broken = dataclasses.replace(AT_THRESHOLD, series={"queue_depth{": "1x4"})
    with pytest.raises(MutationError, match=r"fails on the shipped rule.*parse error"):
        bench([broken], promtool, tmp_path).attempt([NOT_ABOVE], alone=alone)


def test_two_cases_of_one_name_are_an_error(promtool: Path, tmp_path: Path) -> None:
    with pytest.raises(MutationError, match="QueueDeep: two of its cases have the same name"):
        bench([DEEP, DEEP], promtool, tmp_path)


def test_the_rules_beside_are_evaluated_too(promtool: Path, tmp_path: Path) -> None:
    rule = RULE | {"expr": "depth:doubled > 200"}
    # 150 doubled is above 299 too; the samples are those of DEEP.
    mutants = [rule | {"expr": "depth:doubled > 299"}, rule | {"expr": "depth:doubled > 300"}]
    assert bench([DEEP], promtool, tmp_path, rule, [RECORD]).attempt(mutants) == [SURVIVED, killed(DEEP)]


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
def test_a_record_is_judged_by_the_alerts_that_read_it(
    promtool: Path, tmp_path: Path, *, alone: bool
) -> None:
    reader = Reader(RULE | {"expr": "depth:doubled > 200"}, [RECORD], [DEEP])
    trial = Bench(RECORD, [reader], [promtool], tmp_path)
    # 150 * 1.4 = 210 is above 200 as well, 150 * 1.3 = 195 is not.
    mutants = [RECORD | {"expr": f"queue_depth * {factor}"} for factor in (1.4, 1.3)]
    assert trial.attempt([*mutants, None], alone=alone) == [SURVIVED, killed(DEEP), killed(DEEP)]


@pytest.mark.parametrize("alone", [False, True], ids=["together", "alone"])
def test_an_alert_that_reads_its_own_state_reads_that_of_its_own_version(
    promtool: Path, tmp_path: Path, *, alone: bool
) -> None:
    fires = 'ALERTS{alertname="QueueDeep",alertstate="firing"}'
    held = f"queue_depth > 100 or queue_depth > 0 and on (worker) {fires}"
    rule = RULE | {"expr": held}
    # Deep in samples 4 (1m) to 12 (3m), then 50, which holds it to the end once it fires.
    holds = case("held", "0x3 150x8 50x8", "pending 1m, firing 2m")
    mutants = [
        rule | {"expr": "queue_depth > 100"},
        rule | {"expr": held.replace('="firing"', '!="firing"')},
        rule | {"expr": held.replace('alertname="QueueDeep",', "")},
        rule | {"expr": held.replace("> 100", "> 101")},
    ]
    # Without the name it sees the same in this case: there is no other alert. 101 is as good as 100 here.
    expected = [killed(holds), killed(holds), SURVIVED, SURVIVED]
    assert bench([holds], promtool, tmp_path, rule).attempt(mutants, alone=alone) == expected


def test_what_promtool_said_is_told_on_one_line() -> None:
    assert in_one_line("Unit Testing:  t.yml\n\n  FAILED:\n  a   b\nc\n") == "a b c"
    assert in_one_line("FAILED:\n" + "x" * 500) == "x" * 200
