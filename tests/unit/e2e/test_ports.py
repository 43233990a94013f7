"""The ports that tests are given."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import ports

TESTS = Path(ports.__file__).parent


def test_no_port_is_given_twice_nor_to_another_process_while_this_one_lives() -> None:
    """Each takes the first that it can have: without a lock they would have the same ones."""
    among = range(20_000, 20_200)
    ask = f"from ports import free_ports; print(*free_ports(5, {among!r}), flush=True); input()"

    given = ports.free_ports(5, among) + ports.free_ports(5, among)
    others = [
        subprocess.Popen(
            [sys.executable, "-c", ask], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for other in others:
        assert other.stdout is not None
        given += map(int, other.stdout.readline().split())
    for other in others:
        other.communicate("\n")

    assert len(set(given)) == len(given) == 25


def test_no_port_is_one_that_the_kernel_hands_out() -> None:
    with ports.bound() as drawn:
        assert drawn.getsockname()[1] in ports.ephemeral()
    assert not set(ports.free_ports(100)) & set(ports.ephemeral())


def test_a_port_that_somebody_has_is_not_given() -> None:
    for address in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
        with socket.create_server((address, 0)) as taken, pytest.raises(OSError, match="only 0 of 1"):
            ports.free_ports(1, [taken.getsockname()[1]])


def test_ports_of_one_call_are_different_and_can_be_taken() -> None:
    given = ports.free_ports(8)

    sockets = [socket.create_server(("127.0.0.1", port)) for port in given]

    assert [each.getsockname()[1] for each in sockets] == given
    for each in sockets:
        each.close()


def test_a_socket_that_listens_answers_and_one_that_is_bound_refuses() -> None:
    with ports.listening() as server:
        socket.create_connection(server.getsockname()).close()
    with ports.bound() as silent, pytest.raises(ConnectionRefusedError):
        socket.create_connection(silent.getsockname())
