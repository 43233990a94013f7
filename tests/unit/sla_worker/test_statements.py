"""How many SQL statements the worker executes: none while nothing is due, a handful for all SLAs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.statements import SLAS, Traced, kinds, main


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    made = Traced(tmp_path)
    yield made
    made.close()


def test_an_idle_minute_takes_none(traced: Traced) -> None:
    assert traced.of(traced.idle) == []


def test_a_pass_takes_one_write_for_each_row_and_as_many_others_whatever_the_number_of_slas(
    traced: Traced,
) -> None:
    heard = kinds(traced.of(traced.pass_))
    writes = {statement: count for statement, count in heard.items() if statement.startswith("INSERT")}
    assert list(writes.values()) == [SLAS]
    # BEGIN, COMMIT, the breaches that last before and after, those of the month; of all six windows together
    # the newest rows and the sums.
    assert sum(heard.values()) - SLAS == 7


def test_breaches_and_their_mails_are_written_together(traced: Traced) -> None:
    heard = traced.of(traced.pass_of_breaches)
    inserted = [each.split()[2] for each in heard if "INSERT INTO" in each]
    assert inserted[: 4 * SLAS] == [
        *["sla_measurements"] * SLAS,
        *["sla_breaches"] * SLAS,
        *["sla_breach_threads"] * SLAS,
        *["sla_notifications"] * SLAS,
    ]


@pytest.mark.parametrize(
    ("question", "statements"),
    [("get_current_sla_status", 2), ("get_active_breaches", 1), ("newest_slot", 0), ("oldest_slot", 0)],
)
def test_a_question_about_all_slas_is_a_statement_or_two(
    traced: Traced, question: str, statements: int
) -> None:
    assert len(traced.of(getattr(traced.database, question))) == statements


def test_the_command_prints_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--show"]) == 0
    assert "an idle minute" in capsys.readouterr().out
