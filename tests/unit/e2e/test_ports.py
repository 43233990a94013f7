"""The ports that tests are given."""

from __future__ import annotations

import socket

import pytest

import ports


def test_no_port_is_given_twice() -> None:
    before: set[int] = set()  # of its own: the other tests do not lack these then

    given = [ports.free_ports(1, before)[0] for _ in range(1000)]

    # The kernel alone would repeat itself some 18 times: 1,000 x 999 / 2 pairs of 28,000 ports.
    assert len(set(given)) == 1000


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
