"""The proof refuses in one clear word, with the exit code 2, before it starts anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from alerts import cli
from alerts.cli import Sources
from alerts.matrix import Scenario, Wave
from alerts.shipped import Alert
from e2e.live import Stack
from e2e.stack_under_test import StackCommand

ALERTS = {name: Alert(name, {"severity": "warning"}, 60, 0, ("default",), {}) for name in ("A", "B")}


def waves(*alerts: str) -> tuple[Wave, ...]:
    scenario = Scenario("Some title", alerts, {"errors": 1.0}, None, (), frozenset(), None)
    return (Wave("one", {"lane": (scenario,)}),)


def run(root: Path, *covered: str, **environment: str) -> int:
    """The exit code, when the matrix covers these alerts and A and B are shipped."""
    return cli.main(Sources(root, lambda _: ALERTS, lambda: waves(*covered), environment, interrupted))


@contextlib.contextmanager
def interrupted(_: object) -> Iterator[tuple[StackCommand, Stack]]:
    """A stack at whose start somebody presses Ctrl-C."""
    yield _raise(KeyboardInterrupt)


def _raise(error: type[BaseException]) -> NoReturn:
    raise error


@pytest.mark.parametrize(
    ("covered", "environment", "words"),
    [
        (["A"], {}, "refused: no scenario proves B"),
        (["A", "B", "C"], {}, "refused: nobody ships C"),
        (["A", "B"], {"ONLY": "nothing, at all"}, "refused: ONLY=nothing, at all: no title and no alert"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    covered: list[str],
    environment: dict[str, str],
    words: str,
) -> None:
    assert run(tmp_path, *covered, **environment) == 2
    assert words in capsys.readouterr().out


def test_real_time_without_a_running_stack_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "A", "B", REAL_TIME="1") == 2  # no .env there
    assert "REAL_TIME=1 proves on the running stack, and there is none" in capsys.readouterr().out


def test_ctrl_c_has_its_own_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "A", "B") == 130
    assert "interrupted" in capsys.readouterr().out
