"""What was sent is kept as it was sent: with the attempt, once for all who got the same, and for so long."""

from __future__ import annotations

import hashlib
import html
import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email.message import Message
from importlib.resources import files
from typing import Any

import pytest
from markupsafe import escape

from sla_worker.database import Keep, SLADatabase
from sla_worker.database.bulk import Bulk
from sla_worker.database.engine import apply, newest_schema, record, scripts
from sla_worker.database.moving import bulk_of
from sla_worker.errors import DatabaseError
from sla_worker.maintaining import to_correct
from sla_worker.model import Attachment, CountsAs, Mail, SentVersion, Wrong
from sla_worker.sent import packed, unpacked
from unit.sla_worker.databases import Place
from unit.sla_worker.setting import Mailbox, Setting
from unit.sla_worker.test_database_outbox import NOW, ON_CALL, OWNER, Ledger
from unit.sla_worker.web_ledger import FORMULA, HOSTILE, NAME, UPTIME, change, filled

DAY = 86_400
DIGEST = "9acdc96a845be029190d4ac1e600abefef503557a9c94837f2d3f33d27927150"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    made = Ledger(place)
    yield made
    made.database.close()


def attempt(ledger: Ledger, number: int, content: bytes) -> list[Any]:
    """A try for everybody who is due."""
    [mail] = [each for each in ledger.outbox.due(ledger.now) if each.id == number]
    return ledger.outbox.begin(ledger.open(mail), ledger.now, content)


# --- the table


def test_it_is_kept_once_for_all_who_get_it_and_made_again_for_who_gets_it_later(ledger: Ledger) -> None:
    """Two are tried, nobody gets it; then one of them; an hour later, with other figures, the other."""
    sent, number = ledger.database.sent, ledger.owe().id
    first, second = attempt(ledger, number, b"first")
    assert sent.versions(number) == [SentVersion(1, NOW, 0)]
    for each in (first, second):
        ledger.outbox.failed(each, "450 later", NOW)
    ledger.now = NOW + 60
    first, second = attempt(ledger, number, b"again")
    ledger.outbox.delivered(first, ledger.now)
    ledger.outbox.failed(second, "450 later", ledger.now)
    assert sent.versions(number) == [SentVersion(1, NOW + 60, 1)]
    assert sent.content(number, 1) == b"again"
    for later, content in ((3600, b"tried"), (7200, b"later")):
        ledger.now = NOW + later
        [last] = attempt(ledger, number, content)
        if later == 3600:
            ledger.outbox.failed(last, "450 later", ledger.now)
    ledger.outbox.delivered(last, ledger.now)
    assert sent.versions(number) == [SentVersion(1, NOW + 60, 1), SentVersion(2, NOW + 7200, 1)]
    assert [sent.content(number, each) for each in (1, 2, 3)] == [b"again", b"later", None]


def test_the_same_mail_is_kept_once_however_late_somebody_gets_it(ledger: Ledger) -> None:
    number = ledger.owe().id
    first, second = attempt(ledger, number, b"same")
    ledger.outbox.delivered(first, NOW)
    ledger.outbox.failed(second, "450 later", NOW)
    ledger.now = NOW + 60
    [second] = attempt(ledger, number, b"same")
    ledger.outbox.delivered(second, ledger.now)
    assert ledger.database.sent.versions(number) == [SentVersion(1, NOW, 2)]


def test_it_is_kept_with_the_attempt_or_neither_is(ledger: Ledger) -> None:
    mail = ledger.owe()
    open_ = ledger.open(mail)
    ledger.refuse_writing("sla_deliveries")
    with pytest.raises(DatabaseError):
        ledger.outbox.begin(open_, NOW, b"x")
    ledger.accept_writing("sla_deliveries")
    assert ledger.database.sent.versions(mail.id) == []
    ledger.stored("ALTER TABLE sla_sent_reports RENAME TO gone")
    with pytest.raises(DatabaseError):
        ledger.outbox.begin(open_, NOW, b"x")
    assert ledger.stored("SELECT SUM(attempts) FROM sla_deliveries") == [(0,)]


def test_a_mail_that_is_taken_back_leaves_nothing(ledger: Ledger) -> None:
    with ledger.database._engine.transaction():
        ledger.database._engine.execute(
            "INSERT INTO sla_notifications (id, type, notification_key, created_at, next_attempt_at,"
            " attempts) VALUES (7, 'breach', 'breach:1', 1, 1, 0)"
        )
        ledger.database._engine.execute(
            "INSERT INTO sla_sent_reports (notification_id, version, made_at, recipients, content)"
            " VALUES (7, 1, 1, 0, ?)",
            (b"x",),
        )
        ledger.database._engine.execute("DELETE FROM sla_notifications WHERE id = 7")
    assert ledger.stored("SELECT COUNT(*) FROM sla_sent_reports") == [(0,)]


@pytest.mark.parametrize(("days", "left"), [(400, ["monthly", "month_revised", "daily"]), (0, None)])
def test_monthly_ones_stay_and_others_go_after_their_days(
    place: Place, days: int, left: list[str] | None
) -> None:
    """400 days after the first ones: those are exactly as old as they may be, and a second later too old."""
    kinds, now = ["daily", "weekly", "breach", "monthly", "month_revised"], NOW
    with closing(SLADatabase(place.location, keep=Keep(report_days=days), clock=lambda: now)) as database:
        for at, kind in [(NOW, each) for each in kinds] + [(NOW + 1, "daily")]:
            assert database.outbox.owe_report(kind, f"{kind}:{at}", at, at)
            [one] = database.outbox.deliveries(database.outbox.due(at)[-1], [OWNER], at)
            database.outbox.delivered(database.outbox.begin([one], at, b"x")[0], at)
        kept = "SELECT n.type FROM sla_sent_reports s JOIN sla_notifications n ON n.id = s.notification_id"

        def trimmed(at: int) -> list[str]:
            nonlocal now
            now = at
            database.trim()
            return [row[0] for row in place.query(f"{kept} ORDER BY n.id")]

        assert trimmed(NOW + 400 * DAY) == [*kinds, "daily"]
        # Of the same day nothing is looked for again.
        assert trimmed(NOW + 400 * DAY + 1) == [*kinds, "daily"]
        database.sent._trimmed = None
        assert trimmed(NOW + 400 * DAY + 1) == (left or [*kinds, "daily"])


@pytest.mark.parametrize("version", range(1, newest_schema()))
def test_a_ledger_of_every_former_schema_keeps_what_is_sent_from_then_on(place: Place, version: int) -> None:
    """Its mails stay, and of them nothing is kept."""
    former: Bulk = bulk_of(place.location)
    with closing(former):
        former.open()
        former.begin()
        record(former)
        for number, script in scripts().items():
            if number <= version:
                apply(former, number, script, NOW)
        former.commit()
    place.query(
        "INSERT INTO sla_notifications (id, type, notification_key, period_end, recipients, created_at,"
        " next_attempt_at, attempts, sent_at, success)"
        " VALUES (1, 'daily', 'daily:0', 1700000000, 'a@example.com', 1700000000, 1700000000, 1,"
        " 1700000000, 1)"
    )
    made = Ledger(place)
    with closing(made.database):
        number = made.owe().id
        content = bytes(range(256))
        made.outbox.delivered(attempt(made, number, content)[0], NOW)
        assert made.database.sent.content(number, 1) == content
        mails, _ = made.database.browser.mails(limit=9)
        assert [(each.id, each.kept_at) for each in mails if each.id in {1, number}] == [
            (number, NOW),
            (1, None),
        ]


# --- what is kept


def mail(**values: Any) -> Mail:
    charts = (Attachment("logo", "image/png", PNG * 9), Attachment("scores", "image/png", PNG))
    page = '<body><img src="cid:logo" alt=""><img src="cid:scores" alt="Scores">' + html.escape(HOSTILE)
    made = Mail(f"S {HOSTILE}", f"t\n{HOSTILE}\ud800", page, (), charts)
    return Mail(**{name: values.get(name, getattr(made, name)) for name in Mail.__slots__})


def test_text_html_charts_and_files_come_back_as_they_were() -> None:
    attachments = (
        Attachment("a.csv", "text/csv", f"\ufeff{FORMULA};ü\r\n".encode()),
        Attachment("a.json", "application/json", b'{"a": 1}'),
        Attachment("broken.csv", "text/csv", b"\xff\xfe\x00"),
        Attachment("a.pdf", "application/pdf", b"%PDF\x00\xff"),
    )
    sent = mail(attachments=attachments, text="t")
    content = packed(sent)
    assert content == packed(sent)
    found = unpacked(content)
    assert (found.mail.subject, found.mail.text, found.mail.html) == (sent.subject, sent.text, sent.html)
    assert found.mail.attachments == attachments
    assert found.mail.pictures == sent.pictures[1:]
    assert found.left_out == ()


def test_the_dictionary_stays_what_it_is_and_what_was_packed_without_one_can_be_read() -> None:
    """Another one could not read what ledgers have."""
    content = (files("sla_worker") / "sent_dictionary.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGEST
    assert packed(mail())[2:6] == zlib.adler32(content).to_bytes(4)
    unpacker = zlib.decompressobj(zdict=content)
    assert unpacked(zlib.compress(unpacker.decompress(packed(mail())))) == unpacked(packed(mail()))


def test_half_a_surrogate_pair_is_a_question_mark_as_in_the_mail() -> None:
    assert unpacked(packed(mail())).mail.text == f"t\n{HOSTILE}?"


def test_what_is_large_when_compressed_is_left_out_and_named() -> None:
    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(4097))
    files_ = (
        Attachment("small.json", "application/json", b"[" + b"0," * 400_000 + b"0]"),
        Attachment("noise.pdf", "application/pdf", noise),
    )
    found = unpacked(packed(mail(attachments=files_)))
    assert [each.name for each in found.mail.attachments] == ["small.json"]
    assert found.left_out == ("noise.pdf",)


def test_charts_stand_in_the_page_and_the_logo_does_not() -> None:
    page = unpacked(packed(mail())).page()
    assert "cid:" not in page
    assert '<img src="data:image/png;base64,iVBORw0KGgo' in page
    assert page.count("data:image/png") == 1


# --- the page


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """A week after the story of web_ledger.py with hostile names; `mails` are those that left."""
    made = filled(tmp_path_factory.mktemp("sent"), hostile=True, SLA_CATCH_UP_SECONDS="3600")
    with Mailbox(made.smtp_port) as mailbox:
        for _ in range(7):
            made.now += DAY
            made.step()
            made.step()
    made.mails = mailbox.mails  # type: ignore[attr-defined]
    yield made
    made.close()


def asked(setting: Setting, path: str, *, public: bool = False) -> tuple[str, dict[str, str], bytes]:
    found: list[Any] = []
    path, _, query = path.partition("?")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "localhost"}
    application = setting.service.public if public else setting.service.application
    body = b"".join(application(environ, lambda *answer: found.extend(answer)))
    return found[0], dict(found[1]), body


def newest(setting: Setting, kind: str) -> int:
    [mail], _ = setting.service.database.browser.mails(limit=1, kind=kind)
    return mail.id


def part(mail: Message, kind: str) -> str:
    [found] = [each for each in mail.walk() if each.get_content_type() == kind and not each.get_filename()]
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("kind", ["daily", "weekly", "breach"])
def test_the_archive_has_the_very_mail_that_left(setting: Setting, kind: str) -> None:
    number = newest(setting, kind)
    subject = unpacked(setting.service.database.sent.content(number, 1) or b"").mail.subject
    sent = [
        each
        for each in setting.mails  # type: ignore[attr-defined]
        if part(each, "text/plain").rstrip("\n")
        == asked(setting, f"/reports/{number}.txt")[2].decode().rstrip("\n")
    ]
    assert len({part(each, "text/html") for each in sent}) == 1, subject
    page = asked(setting, f"/reports/{number}.html")[2].decode()
    without = re.sub(r'src="(cid:[a-z-]+|data:[^"]+)"', 'src=""', page)
    assert without.rstrip("\n") == re.sub(r'src="cid:[a-z-]+"', 'src=""', part(sent[0], "text/html")).rstrip(
        "\n"
    )
    shown = asked(setting, f"/reports/{number}")[2].decode()
    assert "As it was sent, " in shown
    begin, end = page.split("<body", 1)[0], page.rsplit("</table>", 1)[1]
    assert shown.startswith(begin)
    assert shown.endswith(end)


def test_a_change_afterwards_leaves_it_as_it_was_and_leads_to_the_figures_of_now(setting: Setting) -> None:
    number = newest(setting, "weekly")
    before = asked(setting, f"/reports/{number}")[2].decode()
    assert "?figures=now" not in before
    assert "No measurement, maintenance or correction of its period has changed since." in before
    breach = next(
        each for each in setting.service.database.breaches_between(0, int(setting.now)) if each.key == UPTIME
    )
    start = breach.started_at - 600
    wrong = Wrong(UPTIME, start, start + 7200, CountsAs.GOOD, "ann", "lied")
    setting.now += 60
    change(setting, "/api/correct", to_correct(wrong))
    after = asked(setting, f"/reports/{number}")[2].decode()
    assert "1 correction was made or revoked: the mail had the figures from before." in after
    assert f'from before. <a href="/reports/{number}?figures=now"' in " ".join(after.split())
    assert ">As known now</a>. Download: " in " ".join(after.split())
    body = asked(setting, f"/reports/{number}.html")[2].decode().partition("<body")[2].partition(">")[2]
    assert before.endswith(body)
    assert after.endswith(body)
    now = asked(setting, f"/reports/{number}?figures=now")[2].decode()
    assert "are as they are known now, " in now
    assert f'<a href="/reports/{number}">The mail as it was sent</a>' in now
    # What went with it stays, too: the correction made 10 breached minutes of the uptime good.
    rows = {
        figures: asked(setting, f"/reports/{number}.csv?figures={figures}")[2].decode("utf-8-sig")
        for figures in ("sent", "now")
    }
    assert rows["sent"] != rows["now"]
    assert rows["now"] == asked(setting, f"/reports/{number}.csv")[2].decode("utf-8-sig")


def test_nothing_that_was_kept_can_run_or_load_anything(setting: Setting) -> None:
    for kind in ("daily", "weekly", "breach"):
        number = newest(setting, kind)
        for path in (f"/reports/{number}", f"/reports/{number}.html"):
            _, headers, body = asked(setting, path)
            policy = {
                each.split()[0]: each.split()[1:] for each in headers["Content-Security-Policy"].split(";")
            }
            assert policy["default-src"] == policy["form-action"] == policy["frame-ancestors"] == ["'none'"]
            assert policy["img-src"] == ["data:"]
            assert "script-src" not in policy
            assert not {"allow-scripts", "allow-same-origin", "allow-forms"} & set(policy["sandbox"])
            text = body.decode()
            assert "<b>{{" not in text
            assert "<script" not in text
        assert kind == "breach" or str(escape(NAME)) in text  # the newest breach is of another SLA
        _, headers, body = asked(setting, f"/reports/{number}.txt")
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Disposition"] == f'attachment; filename="sla-{kind}-{number}.txt"'


def test_nobody_sees_it_on_the_public_address(setting: Setting) -> None:
    number = newest(setting, "daily")
    for ending in ("", ".html", ".txt", ".pdf", ".csv", ".json", "?figures=now"):
        assert asked(setting, f"/reports/{number}{ending}", public=True)[0].startswith("404"), ending
    assert asked(setting, "/reports", public=True)[0].startswith("404")


def test_what_is_not_there_is_one_clear_line(setting: Setting) -> None:
    number = newest(setting, "daily")
    for path, status, said in (
        (f"/reports/{number}.pdf", "404", f"mail {number}: no pdf file went with it"),
        (f"/reports/{number}?version=7", "404", f"version=7: mail {number} has 1; without it, the newest"),
        (f"/reports/{number}?figures=then", "400", "figures=then: give sent or now"),
        ("/reports/99999.txt", "404", "there is no mail 99999; /reports lists them"),
    ):
        line, _, body = asked(setting, path)
        assert line.startswith(status)
        assert said in body.decode()


def test_what_a_former_version_sent_was_not_kept_and_is_shown_as_known_now(setting: Setting) -> None:
    daily, breach = newest(setting, "daily"), newest(setting, "breach")
    engine = setting.service.database._engine
    with engine.transaction():
        engine.executemany("DELETE FROM sla_sent_reports WHERE notification_id = ?", [(daily,), (breach,)])
    text = asked(setting, f"/reports/{daily}")[2].decode()
    assert "What was sent was not kept, or is not kept any more: " in text
    assert "are as they are known now, " in text
    line, _, body = asked(setting, f"/reports/{breach}")
    assert line.startswith("404")
    assert "and what it said is not kept; /reports lists them" in body.decode()
    line, _, body = asked(setting, f"/reports/{daily}.txt")
    assert (line[:3], b"is not kept: " in body) == ("404", True)
    listed = asked(setting, "/reports")[2].decode()
    assert "not kept as sent" in listed
    assert f'<a href="/reports/{breach}">' not in listed


def test_versions_and_the_pdf_of_a_monthly_report_can_be_read_and_downloaded(setting: Setting) -> None:
    """Two get it; one of them a day later, with another text and a file that is too large to be kept."""
    outbox, now = setting.service.database.outbox, int(setting.now)
    assert outbox.owe_report("monthly", "monthly:2023-10", now, now)
    [owed] = [each for each in outbox.due(now) if each.type == "monthly"]
    pdf = Attachment("sla-monthly-2023-10-01.pdf", "application/pdf", b"%PDF-1.7 \xff\x00")
    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(4097))
    first, second = outbox.begin(
        outbox.deliveries(owed, [OWNER, ON_CALL], now), now, packed(mail(attachments=(pdf,), text="first"))
    )
    outbox.delivered(first, now)
    outbox.failed(second, "450 later", now)
    late = packed(mail(attachments=(replace(pdf, content=noise),), text="second"))
    [second] = outbox.begin(outbox.deliveries(owed, [OWNER, ON_CALL], now + DAY), now + DAY, late)
    outbox.delivered(second, now + DAY)
    pages = [asked(setting, f"/reports/{owed.id}{each}")[2].decode() for each in ("", "?version=1")]
    newest_one, oldest = pages
    for page in pages:
        assert page.count("(1 recipient)") == 2
        assert f'href="/reports/{owed.id}?version=1"' in page
        assert 'src="data:image/png;base64,' in page
    assert "Too large to be kept: sla-monthly-2023-10-01.pdf." in newest_one
    assert ">PDF</a>" not in newest_one
    assert f'<a href="/reports/{owed.id}.pdf?version=1"' in oldest
    status, headers, body = asked(setting, f"/reports/{owed.id}.pdf?version=1")
    assert (status, body) == ("200 OK", pdf.content)
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == 'attachment; filename="sla-monthly-2023-10-01.pdf"'
    status, _, body = asked(setting, f"/reports/{owed.id}.pdf")
    assert (status[:3], b"the pdf file was too large to be kept" in body) == ("404", True)
    texts = [asked(setting, f"/reports/{owed.id}.txt{each}")[2] for each in ("", "?version=1", "?version=2")]
    assert texts == [b"second", b"first", b"second"]
