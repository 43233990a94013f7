"""The sender's name, logo and colour: on every mail, or refused at the start."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from sla_worker.errors import SettingsError
from sla_worker.settings import read_settings
from unit.sla_worker.setting import Mailbox, Setting

# One pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_every_mail_bears_them(tmp_path: Path) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(PNG)
    setting = Setting(
        tmp_path, REPORT_SENDER_NAME="Bücher & Söhne", REPORT_LOGO=str(logo), REPORT_COLOUR="#7A1FA2"
    )
    setting.service.database.outbox.owe_report("daily", "daily:x", int(setting.now), int(setting.now))
    with Mailbox(setting.smtp_port) as mailbox:
        setting.step()
    setting.close()
    [mail] = mailbox.mails
    assert str(mail["From"]) == "=?utf-8?q?B=C3=BCcher_=26_S=C3=B6hne?= <sla-worker@example.com>"
    assert str(mail["Message-ID"]).endswith("@example.com>")
    html = mailbox.part("text/html")
    assert 'bgcolor="#7a1fa2"' in html
    assert "Bücher &amp; Söhne" in html
    assert '<img src="cid:logo" alt="" width="32" height="32"' in html
    [picture] = [each for each in mail.walk() if each.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_payload(decode=True)) == ("<logo>", PNG)
    assert mailbox.part("text/plain").endswith("-- \r\nBücher & Söhne\r\n")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REPORT_COLOUR", "red", "REPORT_COLOUR=red: give a colour like #1d2733"),
        # 0.2126 * 1 + 0.7152 * 1 = 0.9278, so (1 + 0.05) / (0.9278 + 0.05) = 1.07
        ("REPORT_COLOUR", "#ffff00", "#ffff00: white text on it has a contrast of 1.1, which is hard"),
        ("REPORT_SENDER_NAME", "a\nBcc: x", "NAME='a\\nBcc: x': give up to 60 characters on one"),
        ("REPORT_SENDER_NAME", "a <b@c.d>", "NAME=a <b@c.d>: give up to 60 characters on one line"),
        ("REPORT_LOGO", "/nowhere/logo.png", "REPORT_LOGO=/nowhere/logo.png: cannot be read"),
        ("REPORT_LOGO", __file__, "is no PNG, which all mail programs show; give a PNG file"),
    ],
)  # fmt: skip
def test_what_mail_programs_could_not_show_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({name: value})
    assert said in str(error.value)


def test_a_logo_that_is_too_big_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(PNG + bytes(100_000))
    with pytest.raises(SettingsError, match=r"has 100,0.. bytes and 1 x 1 pixels; give a PNG of at most"):
        read_settings({"REPORT_LOGO": str(tmp_path / "logo.png")})
