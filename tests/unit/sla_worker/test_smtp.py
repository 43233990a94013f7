"""What becomes of one mail at mail servers of every manner, over real sockets."""

from __future__ import annotations

import email
import email.policy
import shutil
import socket
import ssl
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ports import bound, free_port
from programs import not_there
from sla_worker.delivery.message import message
from sla_worker.delivery.smtp import Mailer
from sla_worker.errors import BrokenOffError, MailServerError
from sla_worker.model import Mail
from sla_worker.settings import SMTPSettings
from unit.sla_worker.setting import Mailbox
from unit.sla_worker.smtp_server import Script, mail_server
from waiting import patience, wait_for

OWNER, ON_CALL = "owner@example.com", "on-call@example.com"
BOTH = (OWNER, ON_CALL)
LONG, SHORT = 60.0, 0.5  # seconds; nothing here waits for the first


def mailer(port: int, seconds: float = LONG, username: str | None = None) -> Mailer:
    return Mailer(SMTPSettings("127.0.0.1", port, username, "secret", "none", seconds))


def made(subject: str = "A subject", now: float = 0, zone: str = "UTC") -> EmailMessage:
    mail = Mail(subject, "Text, with a dot at the start of a line:\n.\nEnd: ≥ 99.9 %\n", "<p>HTML</p>")
    return message(
        mail,
        sender="sla-worker@example.com",
        recipients=BOTH,
        key="daily:2026-03-01",
        now=now,
        zone=ZoneInfo(zone),
    )


def test_all_recipients_get_one_mail_in_one_transaction() -> None:
    with mail_server() as server:
        assert mailer(server.port).send(made(), BOTH) == {}
    assert [each for each in server.commands if not each.startswith("ehlo")] == [
        "mail FROM:<sla-worker@example.com>",
        f"rcpt TO:<{OWNER}>",
        f"rcpt TO:<{ON_CALL}>",
        "data",
        "quit",
    ]
    [body] = server.bodies
    assert b"\n" not in body.replace(b"\r\n", b"")  # every line ends as RFC 5321 wants it
    got = email.message_from_bytes(body)
    assert (got["To"], got["Subject"]) == (f"{OWNER}, {ON_CALL}", "A subject")
    assert got["Message-ID"] == made()["Message-ID"]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("550 5.1.1 no such user", True),
        ("450 4.2.1 try later", False),
        ("552 5.2.2 mailbox full", False),  # which its owner empties; RFC 5321 wants 452 there
    ],
)
def test_a_refused_recipient_does_not_cost_the_others_their_mail(answer: str, permanent: bool) -> None:  # noqa: FBT001
    with mail_server(Script(recipients={ON_CALL: answer})) as server:
        refused = mailer(server.port).send(made(), BOTH)
    assert len(server.bodies) == 1
    assert {to: (str(refusal), refusal.permanent) for to, refusal in refused.items()} == {
        ON_CALL: (answer, permanent)
    }


def test_when_all_are_refused_no_data_is_sent() -> None:
    script = Script(recipients={OWNER: "550 no", ON_CALL: "451 later"})
    with mail_server(script) as server:
        refused = mailer(server.port).send(made(), BOTH)
    assert "data" not in server.commands
    assert {to: refusal.code for to, refusal in refused.items()} == {OWNER: 550, ON_CALL: 451}


@pytest.mark.parametrize("script", [Script(data="554 5.6.0 no"), Script(taken="554 5.6.0 no")])
def test_a_mail_that_is_refused_is_refused_for_all_who_were_taken(script: Script) -> None:
    script.recipients = {ON_CALL: "450 later"}
    with mail_server(script) as server:
        refused = mailer(server.port).send(made(), BOTH)
    assert {to: str(refusal) for to, refusal in refused.items()} == {
        OWNER: "554 5.6.0 no",
        ON_CALL: "450 later",
    }


@pytest.mark.parametrize("script", [Script(mail="552 5.3.4 too big"), Script(taken="552 5.3.4 too big")])
def test_a_mail_that_is_too_big_will_always_be(script: Script) -> None:
    with mail_server(script) as server:
        refused = mailer(server.port).send(made(), BOTH)
    assert {to: (str(refusal), refusal.permanent) for to, refusal in refused.items()} == {
        OWNER: ("552 5.3.4 too big", True),
        ON_CALL: ("552 5.3.4 too big", True),
    }


@pytest.mark.parametrize("answer", ["500 what?", "250 ok", "421 bye"])
def test_what_was_taken_is_delivered_whatever_quit_is_answered(answer: str) -> None:
    with mail_server(Script(quit=answer)) as server:
        assert mailer(server.port).send(made(), BOTH) == {}


def test_a_server_that_never_answers_quit_has_the_mail_all_the_same() -> None:
    with mail_server(Script(quit=None)) as server:
        # It has to take the mail in this time; the rest of it is spent on waiting for the answer.
        assert mailer(server.port, patience(SHORT)).send(made(), BOTH) == {}


@pytest.mark.parametrize(
    "script",
    [
        Script(greeting=None),  # takes the connection and hangs
        Script(drip_seconds=0.05),  # never ends its greeting, and never lets a socket's timeout pass
        Script(taken=None),  # hangs after the data
    ],
    ids=["hangs", "drips", "hangs-after-data"],
)
def test_a_mail_takes_no_longer_than_its_deadline(script: Script) -> None:
    """Without a deadline the second case never returns, and the test ends by its own timeout."""
    with mail_server(script) as server:
        with pytest.raises(MailServerError, match="did not take the mail") as found:
            mailer(server.port, SHORT).send(made(), BOTH)
        wait_for(1, lambda: server.connections, "the one connection to be seen")
    assert f"127.0.0.1:{server.port}" in str(found.value)
    assert server.connections == 1


@pytest.mark.parametrize("answer", ["250 ok", "251 forwarded", "252 not verified, but tried"])
def test_every_answer_that_takes_a_recipient_takes_it(answer: str) -> None:
    with mail_server(Script(recipients={ON_CALL: answer})) as server:
        assert mailer(server.port).send(made(), BOTH) == {}


def test_every_answer_that_takes_a_mail_takes_it() -> None:
    with mail_server(Script(taken="200 thanks")) as server:
        assert mailer(server.port).send(made(), BOTH) == {}


def test_what_a_server_says_is_one_printable_line() -> None:
    with mail_server(Script(recipients={ON_CALL: f"550-no\r\n550 \x1b[31m\0{'x' * 2000}"})) as server:
        said = str(mailer(server.port).send(made(), BOTH)[ON_CALL])
    assert said.isprintable()
    assert said == "550 no \ufffd[31m\ufffd" + "x" * 491  # 500 characters beside the code


def test_the_deadline_holds_when_the_name_was_found_late() -> None:
    """The server drips: once connected, only the deadline ends it."""

    def slowly(*asked: Any, **how: Any) -> Any:
        time.sleep(2 * SHORT)  # as a name server that is far away
        return socket.getaddrinfo(*asked, **how)

    with mail_server(Script(drip_seconds=0.05)) as server:
        settings = SMTPSettings("127.0.0.1", server.port, None, None, "none", SHORT)
        with pytest.raises(MailServerError, match="within"):
            Mailer(settings, resolve=slowly).send(made(), BOTH)


def test_an_address_that_never_answers_leaves_time_for_the_next_one() -> None:
    with mail_server() as server, socket.create_server(("127.0.0.2", server.port), backlog=0) as silent:
        waiting = [socket.socket() for _ in range(3)]  # the queue is full: who comes now gets no answer
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(silent.getsockname())

        def both(_host: str, port: int, **_how: Any) -> Any:
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in ("127.0.0.2", "127.0.0.1")
            ]

        settings = SMTPSettings("mail.example", server.port, None, None, "none", patience(2))
        assert Mailer(settings, resolve=both).send(made(), BOTH) == {}
        for each in waiting:
            each.close()
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "script",
    [
        Script(greeting="554 go away"),
        Script(mail="550 not from you"),
        Script(mail="452 no room"),
        Script(greeting="nonsense"),
    ],
    ids=["greeting", "sender", "full", "no-smtp"],
)
def test_a_server_that_takes_nothing_from_us_is_a_server_that_cannot_be_used(script: Script) -> None:
    with mail_server(script) as server, pytest.raises(MailServerError):
        mailer(server.port).send(made(), BOTH)
    assert server.bodies == []


def test_no_server_is_said_in_one_line_with_the_fix() -> None:
    with bound() as nobody, pytest.raises(MailServerError) as found:
        mailer(nobody.getsockname()[1]).send(made(), BOTH)
    assert "ConnectionRefusedError" in str(found.value)
    assert "check that it runs, SMTP_HOST and SMTP_PORT" in str(found.value)
    assert "\n" not in str(found.value)


def test_a_login_that_the_server_does_not_know_fails_the_server_not_the_mail() -> None:
    with mail_server() as server, pytest.raises(MailServerError, match="AUTH"):
        mailer(server.port, username="user").send(made(), BOTH)


def test_a_login_that_is_refused_says_what_to_check() -> None:
    script = Script(ehlo="250-here\r\n250 AUTH PLAIN", auth="535 5.7.8 no")
    with mail_server(script) as server, pytest.raises(MailServerError) as found:
        mailer(server.port, username="user").send(made(), BOTH)
    assert str(found.value).endswith("; check SMTP_USERNAME and SMTP_PASSWORD")
    assert not isinstance(found.value, BrokenOffError)


@pytest.mark.parametrize(
    "script",
    [
        Script(recipients={ON_CALL: "421 too many errors"}),  # and DATA is said to nobody
        Script(recipients={OWNER: "421 too many errors"}),
        Script(data="421 overloaded", recipients={OWNER: "421 too many errors"}),
    ],
    ids=["last", "first", "both"],
)
def test_a_server_that_was_ready_and_broke_off_may_take_another_mail(script: Script) -> None:
    with mail_server(script) as server, pytest.raises(BrokenOffError):
        mailer(server.port).send(made(), BOTH)
    assert server.bodies == []


@pytest.mark.parametrize(
    "script", [Script(greeting="421 busy"), Script(ehlo="421 busy"), Script(mail="421 busy")]
)
def test_a_server_that_breaks_off_before_it_knows_the_mail_cannot_be_used(script: Script) -> None:
    with mail_server(script) as server, pytest.raises(MailServerError) as found:
        mailer(server.port).send(made(), BOTH)
    assert type(found.value) is MailServerError


def test_the_same_key_gives_the_same_message_id_and_a_subject_is_one_line() -> None:
    first, again = made("One\nline\t of  it"), made("Another")
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Subject"] == "One line of it"


def test_a_server_that_takes_seven_bits_alone_gets_no_others() -> None:
    """None that says nothing of 8BITMIME may be sent a byte above 127 (RFC 6152)."""
    with mail_server() as server:
        assert mailer(server.port).send(made("≥ 99.9 %"), BOTH) == {}
    [body] = server.bodies
    assert body.isascii()
    text = email.message_from_bytes(body, policy=email.policy.default).get_body(("plain",))
    assert text is not None
    assert "End: ≥ 99.9 %" in text.get_content()


def test_a_long_subject_is_one_line_on_the_wire() -> None:
    """MailHog takes a second line with a colon for another header, and shows no subject."""
    subject = "Weekly SLA report 2026-11-16 to 2026-11-22: targets missed, 3 breaches"
    with mail_server() as server:
        for each in (subject, f"{'word ' * 300}: end", f"{subject} für die Datenbank: 数据库 {subject}"):
            assert mailer(server.port).send(made(each), BOTH) == {}
    first, second, third = server.bodies
    assert first.startswith(f"Subject: {subject}\r\n".encode())
    for body in (second, third):  # too long for one line, or encoded
        assert max(map(len, body.splitlines())) <= 998
    got = [email.message_from_bytes(body, policy=email.policy.default)["Subject"] for body in server.bodies]
    assert got == [subject, f"{'word ' * 300}: end", f"{subject} für die Datenbank: 数据库 {subject}"]


@pytest.mark.parametrize(
    ("moment", "zone", "date"),
    [
        # 2026-03-29 01:00 UTC is when the clocks of Berlin go from 02:00 to 03:00.
        (1_774_746_000 - 1, "Europe/Berlin", "Sun, 29 Mar 2026 01:59:59 +0100"),
        (1_774_746_000.5, "Europe/Berlin", "Sun, 29 Mar 2026 03:00:00 +0200"),
        (1_774_746_000, "UTC", "Sun, 29 Mar 2026 01:00:00 +0000"),  # -0000 would mean: no zone is known
    ],
)
def test_the_date_of_a_mail_has_the_offset_of_its_zone(moment: float, zone: str, date: str) -> None:
    assert made(now=moment, zone=zone)["Date"] == date


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 in one file."""
    if shutil.which("openssl") is None:
        not_there("no openssl found: mail over TLS is NOT TESTED. Install Debian's package openssl")
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(file) + ".crt"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_mail_leaves_over_tls_when_the_certificate_is_trusted(
    tls: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    port = free_port()
    how = {"ssl_context": context} if tls == "tls" else {"tls_context": context, "require_starttls": True}
    with Mailbox(port, **how) as mailbox:
        settings = SMTPSettings("127.0.0.1", port, None, None, tls, LONG)
        with pytest.raises(MailServerError, match=r"certificate verify failed.*; check SMTP_HOST, and the"):
            Mailer(settings).send(made(), BOTH)
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        assert Mailer(settings).send(made(), BOTH) == {}
    assert mailbox.recipients == [list(BOTH)]


def test_the_deadline_holds_within_the_handshake_of_tls_too() -> None:
    with mail_server(Script(greeting=None)) as server, pytest.raises(MailServerError, match=r"within 0\.5 s"):
        Mailer(SMTPSettings("127.0.0.1", server.port, None, None, "tls", SHORT)).send(made(), BOTH)
