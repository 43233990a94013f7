"""What was tried last is read as it was written, and holds as long as nothing that decides has changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mutation import tried
from mutation.errors import MutationError
from mutation.mutants import mutants_of
from mutation.run import Plan, readers_of
from mutation.trial import Finding, Verdict
from rules.cases import Case
from unit.mutation.samples import AT_THRESHOLD, DEEP, RULE, case, shipped


def plan(directory: Path, *cases: Case, **rule: object) -> Plan:
    alerts = shipped(directory, QueueDeep=RULE | rule)
    return Plan(alerts, alerts, {}, cases, [], {}, 1)


def digest(of: Plan) -> str:
    mutants = mutants_of("QueueDeep", of.rules["QueueDeep"])
    return tried.digest(mutants, readers_of("QueueDeep", of.alerts, of.records, of.cases))


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
    known = {"QueueDeep": tried.Tried(digest(today), ()), "Gone": tried.Tried("abc", ())}
    assert list(tried.current(today, known)) == ["QueueDeep"]
    assert tried.current(plan(tmp_path, DEEP, expr="queue_depth > 99"), known) == {}
