"""What was tried last is read as it was written, and holds as long as nothing that decides has changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mutation import tried
from mutation.errors import MutationError
from mutation.run import Plan
from mutation.trial import Finding, Verdict
from rules.cases import Case
from unit.mutation.samples import AT_THRESHOLD, DEEP, RULE, case, shipped


def plan(directory: Path, *cases: Case, **rule: object) -> Plan:
    alerts = shipped(directory, QueueDeep=RULE | rule)
    return Plan(alerts, alerts, {}, cases, [], {}, 1)


def digest(of: Plan) -> str:
    return tried.digest(of.mutants["QueueDeep"], of.readers_of("QueueDeep"))


def all_killed(of: Plan) -> dict[str, tried.Tried]:
    """As a run would have written it down."""
    killed = Finding(Verdict.KILLED, DEEP.name)
    return {"QueueDeep": tried.Tried(digest(of), (killed,) * len(of.mutants["QueueDeep"]))}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    kills = [Finding(Verdict.KILLED, name) for name in ("b", "a", "b")]
    findings = (*kills, Finding(Verdict.SURVIVED), Finding(Verdict.STILLBORN), Finding(Verdict.KILLED))
    path = tmp_path / "tried.json"
    tried.write_tried(path, {"QueueDeep": tried.Tried("abc", findings)})
    assert tried.read_tried(path) == {"QueueDeep": tried.Tried("abc", findings)}
    assert (
        '"QueueDeep": {"digest": "abc", "cases": ["a", "b"], "killed_by": [1, 0, 1, -1, -2, -3]}'
        in path.read_text()
    )
    assert tried.read_tried(path)["QueueDeep"].hints == ["b", "a", "b", "", "", ""]


@pytest.mark.parametrize("text", ["[]", "{", '{"A": {"digest": "a", "cases": [], "killed_by": [0]}}'])
def test_another_file_is_an_error(tmp_path: Path, text: str) -> None:
    assert tried.read_tried(tmp_path / "missing.json") == {}
    path = tmp_path / "tried.json"
    path.write_text(text)
    with pytest.raises(MutationError, match=r"tried.json cannot be read .*: remove it"):
        tried.read_tried(path)


def test_only_what_decides_changes_the_digest(tmp_path: Path) -> None:
    before = digest(plan(tmp_path, DEEP, AT_THRESHOLD))
    assert digest(plan(tmp_path, DEEP, AT_THRESHOLD, annotations={"summary": "Deep is the queue"})) == before
    assert digest(plan(tmp_path, DEEP, AT_THRESHOLD, annotations={"summary": "{{ $value }}"})) != before
    assert digest(plan(tmp_path, DEEP, AT_THRESHOLD, expr="queue_depth > 99")) != before
    assert digest(plan(tmp_path, DEEP)) != before
    assert digest(plan(tmp_path, DEEP, case("a queue of exactly 100", "100x21"))) != before
    assert digest(plan(tmp_path, dataclasses.replace(DEEP, says={"$value": "150"}), AT_THRESHOLD)) != before


def test_a_rule_that_has_changed_is_not_current(tmp_path: Path) -> None:
    today = plan(tmp_path, DEEP)
    known = all_killed(today)
    assert list(tried.current(today, known | {"Gone": tried.Tried("abc", ())})) == ["QueueDeep"]
    assert tried.current(plan(tmp_path, DEEP, expr="queue_depth > 99"), known) == {}
    fewer = {"QueueDeep": tried.Tried(digest(today), known["QueueDeep"].findings[1:])}
    assert tried.current(today, fewer) == {}


def test_the_outcomes_of_the_last_run(tmp_path: Path) -> None:
    today = plan(tmp_path, DEEP, AT_THRESHOLD)
    found = tried.outcomes(today, all_killed(today))
    assert [each.mutant for each in found] == today.mutants["QueueDeep"]
    assert {each.word for each in found} == {"killed"}


@pytest.mark.parametrize(
    ("cases", "rule"),
    [
        ([DEEP, AT_THRESHOLD], {"expr": "queue_depth > 99"}),
        ([DEEP, AT_THRESHOLD], {"for": "2m"}),
        ([DEEP], {}),
        ([DEEP, case("a queue of exactly 100", "100x21")], {}),
    ],
)
def test_a_changed_rule_or_case_is_an_error_with_a_fix(
    tmp_path: Path, cases: list[Case], rule: dict[str, str]
) -> None:
    known = all_killed(plan(tmp_path, DEEP, AT_THRESHOLD))
    with pytest.raises(MutationError) as raised:
        tried.outcomes(plan(tmp_path, *cases, **rule), known)
    assert str(raised.value).splitlines() == [
        "changed since the mutants were tried, the rule or its cases: QueueDeep",
        "fix:   run `make mutate CHANGED=1 WRITE=1`, which tries them again",
    ]


def test_a_survivor_is_an_error_with_a_fix(tmp_path: Path) -> None:
    today = plan(tmp_path, DEEP)
    known = all_killed(today)
    _, *rest = known["QueueDeep"].findings
    assert today.mutants["QueueDeep"][0].change == "> 100 -> >= 100"
    survived = tried.Tried(digest(today), (Finding(Verdict.SURVIVED), *rest))
    with pytest.raises(MutationError) as raised:
        tried.outcomes(today, {"QueueDeep": survived})
    assert str(raised.value).splitlines() == [
        "no case notices these changes of the rules:",
        "QueueDeep: > 100 -> >= 100",
        "fix:   add cases that do, see docs/mutation.md (Killing a survivor)",
    ]
