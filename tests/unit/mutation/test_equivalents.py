"""The list of equivalent mutants holds reasons, and nothing that is stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutation.equivalents import FILE, check_all_exist, check_survives, read_equivalents
from mutation.errors import MutationError
from mutation.trial import Finding, Verdict
from rules.cases import shipped_alerts, shipped_records
from unit.mutation.samples import outcome

REASONS = {("QueueDeep", "> 100 -> 99"): "why"}


def written(directory: Path, text: str) -> Path:
    path = directory / "equivalent.yml"
    path.write_text(text)
    return path


def test_entries_are_read_with_their_reasons_on_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "QueueDeep:\n  - change: '> 100 -> 99'\n    reason: |\n      it\n      is so\n")
    assert read_equivalents(path) == {("QueueDeep", "> 100 -> 99"): "it is so"}
    assert read_equivalents(written(tmp_path, "# nothing\n")) == {}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("- change: a", "must hold `change` and `reason` and no more"),
        ("- {change: a, reason: ''}", "must hold"),
        ("- {change: a, reason: b, until: c}", "must hold"),
        ("- words", "must hold"),
        ("- {change: a, reason: b}\n- {change: a, reason: c}", "QueueDeep: 'a' stands there twice"),
    ],
)
def test_an_entry_without_a_reason_or_twice_is_an_error(tmp_path: Path, entries: str, message: str) -> None:
    with pytest.raises(MutationError, match=message):
        read_equivalents(written(tmp_path, f"QueueDeep:\n{entries}\n"))


@pytest.mark.parametrize("text", ["- QueueDeep", "QueueDeep: a", "QueueDeep: {change: a, reason: b}"])
def test_a_list_of_another_form_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(MutationError, match=r"equivalent\.yml must hold a list of entries for each alert"):
        read_equivalents(written(tmp_path, text))


@pytest.mark.parametrize(
    ("shipped", "made"),
    [
        ({"QueueDeep"}, {("QueueDeep", "> 100 -> 101")}),  # the alert is tried, and has no such mutant
        ({"Other"}, {("Other", "a -> b")}),  # there is no such alert any more
    ],
)
def test_an_entry_without_its_mutant_is_stale(shipped: set[str], made: set[tuple[str, str]]) -> None:
    with pytest.raises(MutationError, match=r"QueueDeep: there is no mutant '> 100 -> 99' any more"):
        check_all_exist(REASONS, shipped, made)


def test_an_entry_of_an_alert_that_is_not_tried_is_left_alone() -> None:
    check_all_exist(REASONS, {"QueueDeep", "Other"}, {("Other", "a -> b")})


def test_an_entry_that_is_killed_or_stillborn_is_an_error() -> None:
    mutant = outcome("> 100 -> 99", Verdict.SURVIVED).mutant
    check_survives(mutant, Finding(Verdict.SURVIVED))
    with pytest.raises(MutationError, match="is not equivalent: it is killed by the case 'one'"):
        check_survives(mutant, Finding(Verdict.KILLED, "one"))
    with pytest.raises(MutationError, match="it is stillborn as promtool refuses it"):
        check_survives(mutant, Finding(Verdict.STILLBORN))


def test_the_shipped_list_is_of_shipped_rules() -> None:
    assert {
        alert for alert, _ in read_equivalents(FILE)
    } <= shipped_alerts().keys() | shipped_records().keys()
