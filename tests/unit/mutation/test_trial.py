"""A case kills by what it expects, never by being broken."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from mutation.errors import MutationError
from mutation.trial import Bench, Finding, Verdict, in_one_line, judged
from rules.binaries import each_version_of, required
from rules.cases import Case
from unit.mutation.samples import AT_THRESHOLD, DEEP, RULE, case

NOT_ABOVE = RULE | {"expr": "queue_depth >= 100"}
LONGER = RULE | {"for": "1m15s"}


@each_version_of("promtool")
@pytest.mark.parametrize(
    ("mutant", "cases", "expected"),
    [
        (NOT_ABOVE, [DEEP], Finding(Verdict.SURVIVED)),
        (NOT_ABOVE, [DEEP, AT_THRESHOLD], Finding(Verdict.KILLED, AT_THRESHOLD.name)),
        (LONGER, [AT_THRESHOLD], Finding(Verdict.SURVIVED)),
        (LONGER, [AT_THRESHOLD, DEEP], Finding(Verdict.KILLED, DEEP.name)),
        (None, [AT_THRESHOLD], Finding(Verdict.SURVIVED)),
        (None, [DEEP], Finding(Verdict.KILLED, DEEP.name)),
        (RULE, [DEEP, AT_THRESHOLD], Finding(Verdict.SURVIVED)),
        (RULE | {"expr": "queue_depth >"}, [DEEP], Finding(Verdict.STILLBORN)),
        (RULE | {"expr": "rate(queue_depth) > 100"}, [DEEP], Finding(Verdict.STILLBORN)),
    ],
)
def test_a_weak_set_of_cases_lets_live_what_a_strong_one_kills(
    program: Path | None, mutant: dict[str, Any] | None, cases: list[Case], expected: Finding, tmp_path: Path
) -> None:
    bench = Bench(cases, [required(program, "promtool")], [])
    assert bench.attempt(mutant, tmp_path) == expected


@each_version_of("promtool")
def test_a_rule_that_fails_while_it_is_evaluated_is_noticed(program: Path | None, tmp_path: Path) -> None:
    two = {'queue_depth{worker="a"}': "1x4", 'queue_depth{worker="b"}': "1x4"}
    both = dataclasses.replace(AT_THRESHOLD, series=two)
    # On no label at all every series matches every other.
    mutant = RULE | {"expr": "queue_depth * on () queue_depth > 100"}
    bench = Bench([both], [required(program, "promtool")], [])
    assert bench.attempt(mutant, tmp_path) == Finding(Verdict.KILLED, both.name)


@each_version_of("promtool")
def test_a_broken_case_is_an_error_and_kills_nothing(program: Path | None, tmp_path: Path) -> None:
    broken = dataclasses.replace(AT_THRESHOLD, series={"queue_depth{": "1x4"})
    bench = Bench([broken], [required(program, "promtool")], [])
    with pytest.raises(MutationError, match=r"fails on the shipped rule.*parse error"):
        bench.check(RULE, tmp_path)
    with pytest.raises(MutationError, match=r"neither that a case noticed.*parse error"):
        bench.attempt(NOT_ABOVE, tmp_path)


def test_a_case_that_the_shipped_rule_does_not_pass_is_an_error(promtool: Path, tmp_path: Path) -> None:
    wrong = case("a queue of 150 is quiet", "150x20")
    bench = Bench([DEEP, wrong], [promtool], [])
    with pytest.raises(MutationError, match="QueueDeep: the case 'a queue of 150 is quiet' fails"):
        bench.check(RULE, tmp_path)
    Bench([DEEP, AT_THRESHOLD], [promtool], []).check(RULE, tmp_path)


def test_two_cases_of_one_name_are_an_error(promtool: Path) -> None:
    with pytest.raises(MutationError, match="QueueDeep: two of its cases have the same name"):
        Bench([DEEP, DEEP], [promtool], [])


def test_the_rules_beside_are_evaluated_too(promtool: Path, tmp_path: Path) -> None:
    record = {"record": "depth:doubled", "expr": "queue_depth * 2"}
    # 150 doubled is above 299; the samples are those of DEEP.
    rule = RULE | {"expr": "depth:doubled > 299"}
    assert Bench([DEEP], [promtool], [record]).attempt(rule, tmp_path) == Finding(Verdict.SURVIVED)
    assert Bench([DEEP], [promtool], []).attempt(rule, tmp_path) == Finding(Verdict.KILLED, DEEP.name)


def test_the_case_that_has_killed_most_is_tried_first(promtool: Path, tmp_path: Path) -> None:
    bench = Bench([DEEP, AT_THRESHOLD], [promtool], [])
    # Both cases notice that the alert is always there; DEEP stands first. Then the other alone kills twice.
    always = RULE | {"expr": "queue_depth >= 0", "for": "15s"}
    assert bench.attempt(always, tmp_path).case == DEEP.name
    for _ in range(2):
        assert bench.attempt(NOT_ABOVE, tmp_path).case == AT_THRESHOLD.name
    assert bench.attempt(always, tmp_path).case == AT_THRESHOLD.name


def test_words_of_promtool_that_nobody_knows_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(MutationError, match=r"promtool says neither .*: out of memory"):
        judged("  FAILED:\nout of\n memory\n", tmp_path)


def test_what_promtool_said_is_told_on_one_line() -> None:
    assert in_one_line("Unit Testing:  t.yml\n\n  FAILED:\n  a   b\nc\n") == "a b c"
    assert in_one_line("FAILED:\n" + "x" * 500) == "x" * 200
