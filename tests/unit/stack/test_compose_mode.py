"""What Compose says of its containers, in the forms of its versions."""

from __future__ import annotations

import json

import pytest

from stack import compose_mode
from stack.compose_mode import parse_ps

ONE = {"Service": "grafana", "State": "running", "Health": "healthy", "Status": "Up"}
TWO = {"Service": "mailhog", "State": "exited", "Health": "", "Status": "Exited (1)"}


@pytest.mark.parametrize("text", [json.dumps([ONE, TWO]), f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n"])
def test_reads_a_list_and_a_line_for_each_container(text: str) -> None:
    assert parse_ps(text) == {"grafana": ONE, "mailhog": TWO}


@pytest.mark.parametrize("text", ["", "[]", "\n"])
def test_no_containers_are_no_error(text: str) -> None:
    assert parse_ps(text) == {}


@pytest.mark.parametrize(
    ("state", "health", "expected"),
    [
        ("running", "healthy", (True, False)),
        ("running", "starting", (False, False)),
        ("running", "unhealthy", (False, True)),
        ("created", "", (False, False)),
        ("restarting", "", (False, True)),
        ("exited", "", (False, True)),
    ],
)
def test_a_container_is_healthy_waited_for_or_failed(
    state: str, health: str, expected: tuple[bool, bool]
) -> None:
    seen = compose_mode.state_of({"State": state, "Health": health, "Status": "x"})
    assert (seen.healthy, seen.failed) == expected


def test_a_service_without_a_container_is_not_healthy() -> None:
    assert not compose_mode.state_of(None).healthy


def test_without_docker_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert compose_mode.why_not() == "docker is not installed"


def test_a_log_is_shown_without_codes_and_without_what_each_start_says_again() -> None:
    log = "\x1b[2Kerror: PORT=abc\n\x1b[2Kerror: PORT=abc\nplain\n"
    assert compose_mode.readable_lines(log) == ["error: PORT=abc", "plain"]
