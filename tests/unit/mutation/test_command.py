"""The command, with the shipped rules and the real promtool: its exit codes and its one line of error."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

from mutation.__main__ import PAGE, main
from mutation.page import BEGIN, END
from rules.cases import Case
from rules.scrapes import all_cases

pytestmark = pytest.mark.usefixtures("promtool")  # skips, or fails in CI, where there is none


def weak() -> list[Case]:
    """Of the cases of TargetDown only those in which nothing is ever down."""
    return [case for case in all_cases() if case.alert == "TargetDown" and not case.expected]


def broken() -> list[Case]:
    return [dataclasses.replace(case, series={"up{": "1x4"}) for case in weak()]


def refused() -> list[Case]:
    """As reading the cases does."""
    raise AssertionError("TargetDown: 'sometimes' is none of\nfires, too_short")


def test_strong_cases_reach_the_bar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "result.json"
    assert main(["--only", "DiskSpaceLow", "--json", str(file)]) == 0
    tree = json.loads(file.read_text())
    # > to >=, dropped; each side of `or` dropped; each name; max_, min_over_time; 1m to 1m15s, 45s;
    # 0.9 to 0.918, 0.882; for: 3; labels: 3; annotations: 4 emptied, 2 swapped; gone.
    assert tree["total"]["mutants"] == 2 + 2 + 2 + 2 + 2 + 2 + 3 + 3 + 6 + 1
    assert tree["total"]["survived"] == 0
    assert "reaches the bar of 95 %" in capsys.readouterr().out


def test_weak_cases_stay_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "TargetDown"], weak) == 1
    assert "is BELOW the bar of 95 %" in capsys.readouterr().out
    assert main(["--only", "TargetDown", "--bar", "5"], weak) == 0


def illegible() -> list[Case]:
    yaml.safe_load("TargetDown:\n  cases: [")
    return []


@pytest.mark.parametrize(
    ("arguments", "cases", "message"),
    [
        (["--only", "TargetUp"], all_cases, "there is no rule 'TargetUp': it is one of BackupFailed, "),
        (["--group", "weather"], all_cases, "there is no group 'weather': it is one of "),
        (["--only", "TargetDown"], broken, "fails on the shipped rule: "),
        (["--only", "TargetDown"], illegible, "while parsing a flow node"),
        (["--only", "TargetDown"], refused, "'sometimes' is none of fires, too_short"),
        (["--only", "TargetDown", "--json", "/dev/null/x"], weak, "Not a directory"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    arguments: list[str], cases: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, cases) == 2  # type: ignore[arg-type]  # each gives cases
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("mutation: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_part_of_a_result_is_not_written_into_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--write", "--only", "TargetDown"])
    assert "--write needs a full run" in capsys.readouterr().err


def test_the_page_has_a_place_for_the_result() -> None:
    text = PAGE.read_text()
    assert (
        text.index(BEGIN)
        < text.index("### Survivors")
        < text.index("### Equivalent mutants")
        < text.index(END)
    )
