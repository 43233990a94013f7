"""The client against servers that answer in every way."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ports import free_port
from sla_worker.errors import PrometheusError
from sla_worker.prometheus import HTTPTransport
from sla_worker.service import build
from sla_worker.settings import read_settings
from unit.sla_worker.setting import Setting

BODY = b'{"status":"success","data":{"yaml":"global: {}"}}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Server:
    """Answers each request with the next of `answers`, which are raw bytes in pieces."""

    def __init__(self, answers: list[list[bytes]]) -> None:
        self.answers = answers
        self.requests: list[str] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self.answers:
            connection, _ = self._listening.accept()
            self.connections += 1
            with connection:
                while self.answers and (request := self._request(connection)):
                    self.requests.append(request)
                    for piece in self.answers.pop(0):
                        connection.sendall(piece)

    @staticmethod
    def _request(connection: socket.socket) -> str:
        taken = b""
        while b"\r\n\r\n" not in taken:
            piece = connection.recv(65536)
            if not piece:
                return ""
            taken += piece
        head, _, body = taken.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        return (head + b"\r\n\r\n" + body).decode()

    def close(self) -> None:
        self.answers.clear()
        self._listening.close()


@contextmanager
def serving(*answers: list[bytes]) -> Iterator[Server]:
    server = Server(list(answers))
    try:
        yield server
    finally:
        server.close()


def transport(
    server: Server, login: str = "", monotonic: Callable[[], float] = lambda: 0.0, **environ: str
) -> HTTPTransport:
    url = f"http://{login}127.0.0.1:{server.port}/prom"
    return HTTPTransport(read_settings({"PROMETHEUS_URL": url, **environ}).prometheus, monotonic=monotonic)


def test_one_connection_serves_many_requests_and_nothing_is_compressed() -> None:
    with serving([OK], [OK], [OK]) as server:
        client = transport(server)
        assert client.post("/api/v1/query", {"query": "up > 0", "time": "1.000"})[2] == BODY
        assert client.get("/api/v1/status/config")[::2] == (200, BODY)
        client.post("/api/v1/query", {"query": "b"})
    assert server.connections == 1
    first, second, third = server.requests
    assert first.startswith("POST /prom/api/v1/query HTTP/1.1\r\n")
    assert "Accept-Encoding: identity\r\n" in first
    assert "Content-Type: application/x-www-form-urlencoded\r\n" in first
    assert first.endswith("\r\n\r\nquery=up+%3E+0&time=1.000")
    assert second.startswith("GET /prom/api/v1/status/config HTTP/1.1\r\n")
    assert third.endswith("\r\n\r\nquery=b")


def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with serving([moved]) as server:
        assert transport(server).get("/")[0] == 302


def test_proxies_and_netrc_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with serving([OK]) as server:
        assert transport(server).get("/")[0] == 200
    assert "Authorization" not in server.requests[0]


def test_a_body_that_trickles_ends_at_the_deadline() -> None:
    """The clock stands at 0 when the request is sent and at 11 after the first piece; 10 s are allowed."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    times = iter([0.0, 11.0])
    with (
        serving([head, b"{"]) as server,
        pytest.raises(PrometheusError, match=r"did not end its answer within 10 s; set PROMETHEUS_TIMEOUT"),
    ):
        transport(server, monotonic=lambda: next(times)).get("/")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
)
def test_a_broken_answer_is_one_line(answer: bytes) -> None:
    with serving([answer]) as server, pytest.raises(PrometheusError) as caught:
        transport(server).get("/")
    assert str(caught.value).startswith(
        f"Prometheus at http://127.0.0.1:{server.port}/prom does not answer ("
    )
    assert "\n" not in str(caught.value)


def test_nobody_listening_is_said_in_a_few_words() -> None:
    port = free_port()
    client = HTTPTransport(read_settings({"PROMETHEUS_URL": f"http://127.0.0.1:{port}"}).prometheus)
    with pytest.raises(PrometheusError) as caught:
        client.get("/")
    assert str(caught.value) == (
        f"Prometheus at http://127.0.0.1:{port} does not answer (Connection refused);"
        " check that it runs, and PROMETHEUS_URL"
    )


def test_a_login_in_the_url_becomes_basic_authentication() -> None:
    with serving([OK]) as server:
        transport(server, login="me:s3%2Fcret@").get("/")
    token = base64.b64encode(b"me:s3/cret").decode()
    assert f"Authorization: Basic {token}\r\n" in server.requests[0]
    assert "Host: 127.0.0.1" in server.requests[0]


def test_a_password_in_the_url_shows_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens: the pass fails, and page, health, metrics and log say why, without the password."""

    class Real(Setting):
        def start(self) -> None:
            self.service = build(
                read_settings(self.environ), clock=lambda: self.now, monotonic=lambda: self.now
            )

    port = free_port()
    setting = Real(tmp_path, PROMETHEUS_URL=f"http://me:s3cret@127.0.0.1:{port}")
    setting.step()
    setting.now += 10_000
    setting.step()
    shown = [setting.ask(path)[1] for path in ("/", "/healthz", "/metrics")] + [caplog.text]
    setting.close()
    assert f"http://127.0.0.1:{port}" in shown[1]
    assert f"http://127.0.0.1:{port}" in shown[3]
    assert not [text for text in shown if "s3cret" in text]
    assert "s3cret" not in repr(setting.service.settings)
