"""Counting, the bar, and what people and machines get to read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from mutation.errors import MutationError
from mutation.page import BEGIN, END, results, write_page
from mutation.report import Tally, as_json, by, reached, show, tally, verdict
from mutation.trial import Verdict
from unit.mutation.samples import outcome

OUTCOMES = [
    outcome("> 100 -> 99", Verdict.KILLED),
    outcome("> 100 -> 101", Verdict.SURVIVED),
    outcome("a [b] -> c", Verdict.SURVIVED, alert="Other", reason="it cannot be told apart."),
    outcome("for: 1m -> 2m", Verdict.KILLED, alert="Other", operator="duration"),
    outcome("nonsense", Verdict.STILLBORN, alert="Other"),
    outcome("the alert removed", Verdict.KILLED, alert="Other", operator="removal"),
]


def test_only_what_could_be_killed_counts_for_the_rate() -> None:
    total = tally(OUTCOMES)
    assert total == Tally(killed=3, survived=1, equivalent=1, stillborn=1)
    assert total.mutants == 6
    assert total.kill_ratio == 0.75  # 3 ÷ (3 + 1)
    assert total.cells == ["6", "3", "1", "1", "1", "75.0%"]
    assert Tally(equivalent=2).kill_ratio is None
    assert Tally(equivalent=2).cells[-1] == "none to kill"


def test_they_are_counted_by_alert_and_by_operator() -> None:
    assert by(OUTCOMES, lambda each: each.mutant.name) == {
        "QueueDeep": Tally(killed=1, survived=1),
        "Other": Tally(killed=2, equivalent=1, stillborn=1),
    }
    assert list(by(OUTCOMES, lambda each: each.mutant.operator)) == ["threshold", "duration", "removal"]


@pytest.mark.parametrize(
    ("killed", "survived", "bar", "expected"),
    [
        (95, 5, 95.0, True),  # just on the bar
        (949, 51, 95.0, False),  # 94.9 %
        (0, 1, 0.0, True),
        (0, 0, 95.0, True),  # none could be killed
    ],
)
def test_the_bar_is_reached_from_just_on_it(
    *, killed: int, survived: int, bar: float, expected: bool
) -> None:
    assert reached(Tally(killed, survived), bar) is expected


def test_the_verdict_is_a_sentence() -> None:
    assert verdict(Tally(3, 1), 95.0) == "kill rate 75.00% is BELOW the bar of 95 %"
    assert verdict(Tally(3, 1), 75.0) == "kill rate 75.00% reaches the bar of 75 %"
    assert verdict(Tally(), 95.0) == "no mutant could have been killed"


def test_people_see_each_survivor_with_its_change_and_its_lines() -> None:
    out = io.StringIO()
    show(OUTCOMES, 12.4, 95.0, Console(file=out, width=120))
    text = out.getvalue()
    assert "survivor 1 QueueDeep (threshold)\n  > 100 -> 101\n  - for: 1m\n  + for: 2m\n" in text
    assert "survivor 2" not in text
    assert text.endswith("kill rate 75.00% is BELOW the bar of 95 % (6 mutants in 12 s)\n")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]
    assert rows == [
        ["queues", "6", "3", "1", "1", "1", "75.0%"],
        ["QueueDeep", "2", "1", "1", "0", "0", "50.0%"],
        ["Other", "4", "2", "0", "1", "1", "100.0%"],
        ["all", "6", "3", "1", "1", "1", "75.0%"],
    ]


def test_machines_get_everything() -> None:
    tree = as_json(OUTCOMES, 12.44, 95.0)
    assert tree["reached"] is False
    assert tree["wall_seconds"] == 12.4
    assert tree["total"] == {
        "mutants": 6,
        "killed": 3,
        "survived": 1,
        "equivalent": 1,
        "stillborn": 1,
        "kill_ratio": 0.75,
    }
    assert tree["rules"]["QueueDeep"]["kill_ratio"] == 0.5
    assert tree["mutants"][0] == {
        "rule": "QueueDeep",
        "group": "queues",
        "operator": "threshold",
        "change": "> 100 -> 99",
        "outcome": "killed",
        "killed_by": "a case",
        "reason": None,
        "diff": "- for: 1m\n+ for: 2m",
    }
    assert [each["outcome"] for each in tree["mutants"]].count("equivalent") == 1


def test_the_page_gets_its_part_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "mutation.md"
    page.write_text(f"before\n{BEGIN}\nof yesterday\n{END}\nafter\n")
    write_page(page, OUTCOMES)
    text = page.read_text()
    assert text == f"before\n{BEGIN}\n\n{results(OUTCOMES)}\n{END}\nafter\n"
    assert "yesterday" not in text
    assert "| queues / QueueDeep | 2 | 1 | 1 | 0 | 0 | 50.0% |\n" in text
    assert "| **all** | **6** | **3** | **1** | **1** | **1** | **75.0%** |\n" in text
    assert "| duration | 1 | 1 | 0 | 0 | 0 | 100.0% |\n" in text
    assert "### Survivors\n\n- `QueueDeep` (threshold): `> 100 -> 101`\n" in text
    assert "### Equivalent mutants\n\n- `Other`: `a [b] -> c`. it cannot be told apart.\n" in text
    write_page(page, OUTCOMES)
    assert page.read_text() == text


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_a_place_for_it_is_an_error(tmp_path: Path, text: str) -> None:
    page = tmp_path / "mutation.md"
    page.write_text(text)
    with pytest.raises(MutationError, match="must stand there, once and in this order"):
        write_page(page, OUTCOMES)
    with pytest.raises(MutationError, match="cannot be read"):
        write_page(tmp_path / "missing.md", OUTCOMES)
