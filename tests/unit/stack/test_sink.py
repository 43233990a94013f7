"""The stand-in for MailHog: takes real SMTP, answers MailHog's API."""

from __future__ import annotations

import json
import smtplib
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from ports import free_ports
from stack import sink
from waiting import patience


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    smtp_port, http_port = free_ports(2)
    controller, server = sink.serve(smtp_port, http_port)
    yield smtp_port, http_port
    server.shutdown()
    server.server_close()
    controller.stop()


def send(port: int, to: list[str], subject: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alertmanager@example.com", ", ".join(to), subject
    message.set_content("plain\n")
    message.add_alternative("<b>html</b>", subtype="html")
    with smtplib.SMTP("127.0.0.1", port, timeout=patience(5)) as client:
        client.send_message(message)


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        request, timeout=patience(5)
    ) as answer:
        return bytes(answer.read())


def messages(port: int, path: str) -> dict[str, Any]:
    return dict(json.loads(ask(port, path)))


def test_mail_is_listed_newest_first_in_mailhogs_form(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    send(smtp_port, ["a@example.com"], "first")
    send(smtp_port, ["b@example.com", "c@example.com"], "second")
    found = messages(http_port, "/api/v2/messages")
    assert (found["total"], found["count"], found["start"]) == (2, 2, 0)
    newest = found["items"][0]
    assert newest["Content"]["Headers"]["Subject"] == ["second"]
    assert newest["To"][1] == {"Relays": None, "Mailbox": "c", "Domain": "example.com", "Params": ""}
    assert newest["From"]["Mailbox"] == "alertmanager"
    assert newest["Content"]["Headers"]["Content-Type"][0].startswith("multipart/alternative; boundary=")
    assert "<b>html</b>" in newest["Content"]["Body"]
    assert newest["Raw"]["To"] == ["b@example.com", "c@example.com"]


def test_search_finds_by_recipient_sender_and_text(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    send(smtp_port, ["a@example.com"], "first")
    send(smtp_port, ["b@example.com"], "second")
    totals = {
        query: messages(http_port, f"/api/v2/search?{query}")["total"]
        for query in (
            "kind=to&query=a@example.com",
            "kind=from&query=ALERTMANAGER",
            "kind=containing&query=second",
            "kind=to&query=nobody",
        )
    }
    assert list(totals.values()) == [1, 2, 1, 0]


def test_pages_by_start_and_limit(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    for number in range(3):
        send(smtp_port, ["a@example.com"], str(number))
    found = messages(http_port, "/api/v2/messages?start=1&limit=1")
    assert (found["total"], found["count"]) == (3, 1)
    assert found["items"][0]["Content"]["Headers"]["Subject"] == ["1"]


def test_deleting_forgets_all_mail(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    send(smtp_port, ["a@example.com"], "first")
    ask(http_port, "/api/v1/messages", "DELETE")
    assert messages(http_port, "/api/v2/messages")["total"] == 0


def test_the_page_says_what_it_is_and_escapes_what_came_by_mail(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    send(smtp_port, ["a@example.com"], "<script>alert(1)</script>")
    page = ask(http_port, "/").decode()
    assert "stand-in for MailHog" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_the_page_leads_to_each_mail_as_it_is_read_without_scripts(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    send(smtp_port, ["a@example.com"], "first")
    [mail] = messages(http_port, "/api/v2/messages")["items"]
    assert f'href="/mail/{mail["ID"]}"' in ask(http_port, "/").decode()
    with urllib.request.urlopen(
        f"http://127.0.0.1:{http_port}/mail/{mail['ID']}", timeout=patience(5)
    ) as answer:
        assert answer.read().strip() == b"<b>html</b>"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")


@pytest.mark.parametrize(
    ("path", "status"), [("/mail/0", 404), ("/api/v2/outgoing-smtp", 404), ("/api/v2/messages?limit=x", 400)]
)
def test_what_it_cannot_answer_is_an_error(ports: tuple[int, int], path: str, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(ports[1], path)
    with caught.value:
        assert caught.value.code == status


def status(port: int, method: str, body: bytes | None = None) -> int:
    """The status with which /api/v2/jim answers."""
    try:
        ask(port, "/api/v2/jim", method, body)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    return 201 if method == "POST" else 200


def test_jim_is_turned_on_set_and_off_as_in_mailhog(ports: tuple[int, int]) -> None:
    # Methods and answers in the order in which a real MailHog gave them.
    calls = [
        ("GET", None, 404),
        ("PUT", b'{"AcceptChance": 1}', 404),
        ("DELETE", None, 404),
        ("POST", b'{"AcceptChance": 0.5}', 201),
        ("POST", b'{"AcceptChance": 1}', 400),
        ("PUT", b"no JSON", 400),
        ("PUT", b'{"AcceptChance": "much"}', 400),
        ("GET", None, 200),
        ("PUT", b"{}", 200),
    ]
    assert [status(ports[1], method, body) for method, body, _ in calls] == [last for *_, last in calls]
    assert json.loads(ask(ports[1], "/api/v2/jim")) == {"AcceptChance": 0}  # left out: 0
    assert status(ports[1], "DELETE") == 200
    assert status(ports[1], "GET") == 404


def test_jim_with_no_chance_refuses_every_mail_until_it_is_off(ports: tuple[int, int]) -> None:
    smtp_port, http_port = ports
    ask(http_port, "/api/v2/jim", "POST", b'{"AcceptChance": 0}')
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        send(smtp_port, ["a@example.com"], "refused")
    assert refused.value.smtp_code == 421
    assert messages(http_port, "/api/v2/messages")["total"] == 0
    ask(http_port, "/api/v2/jim", "DELETE")
    send(smtp_port, ["a@example.com"], "taken")
    [mail] = messages(http_port, "/api/v2/messages")["items"]
    assert mail["Content"]["Headers"]["Subject"] == ["taken"]
    assert mail["From"]["Mailbox"] == "alertmanager"
