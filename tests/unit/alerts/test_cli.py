"""The proof refuses in one clear word, with the exit code 2, before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts import cli, matrix
from alerts.matrix import Scenario, Wave
from alerts.shipped import Alert

ALERTS = {name: Alert(name, {"severity": "warning"}, 60, 0, ("default",), {}) for name in ("A", "B")}


def waves(*alerts: str) -> tuple[Wave, ...]:
    scenario = Scenario("Some title", alerts, {"errors": 1.0}, None, (), frozenset(), None)
    return (Wave("one", {"lane": (scenario,)}),)


def run(monkeypatch: pytest.MonkeyPatch, *covered: str, **environment: str) -> int:
    """The exit code, when the matrix covers these alerts and A and B are shipped."""
    monkeypatch.setattr(cli, "shipped_alerts", lambda _root: ALERTS)
    monkeypatch.setattr(matrix, "load", lambda: waves(*covered))
    for name in ("ONLY", "REAL_TIME", "STACK_ENV_FILE", "MODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return cli.main()


@pytest.mark.parametrize(
    ("covered", "environment", "words"),
    [
        (["A"], {}, "refused: no scenario proves B"),
        (["A", "B", "C"], {}, "refused: nobody ships C"),
        (["A", "B"], {"ONLY": "nothing, at all"}, "refused: ONLY=nothing, at all: no title and no alert"),
    ],
)
def test_a_matrix_that_does_not_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    covered: list[str],
    environment: dict[str, str],
    words: str,
) -> None:
    assert run(monkeypatch, *covered, **environment) == 2
    assert words in capsys.readouterr().out


def test_real_time_without_a_running_stack_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)  # no .env there
    assert run(monkeypatch, "A", "B", REAL_TIME="1") == 2
    assert "REAL_TIME=1 proves on the running stack, and there is none" in capsys.readouterr().out


def test_ctrl_c_has_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "stack_from_environment", interrupted)
    assert run(monkeypatch, "A", "B") == 130
    assert "interrupted" in capsys.readouterr().out
