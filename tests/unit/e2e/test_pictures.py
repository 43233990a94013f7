"""The pictures of mails: what a mail carries with it is seen, and a picture is small."""

from __future__ import annotations

import base64
import io
from email.message import EmailMessage
from pathlib import Path

from PIL import Image

from readme.pictures import FAULT, FAULTS, REPORTS, shown, small

ROOT = Path(__file__).resolve().parents[3]


def picture(size: tuple[int, int] = (40, 30)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#c62828").save(made, "PNG")
    return made.getvalue()


def test_a_picture_that_a_mail_carries_is_inside_its_html() -> None:
    message, chart = EmailMessage(), picture()
    message.set_content("text")
    message.add_alternative('<p>1 < 2</p><img src="cid:chart">', subtype="html")
    html = message.get_payload()[1]  # type: ignore[index]
    html.add_related(chart, "image", "png", cid="<chart>")  # type: ignore[union-attr]
    data = base64.b64encode(chart).decode()
    assert shown(message).strip() == f'<p>1 < 2</p><img src="data:image/png;base64,{data}">'


def test_a_picture_keeps_its_size_and_has_few_colours() -> None:
    with Image.open(io.BytesIO(small(picture()))) as image:
        assert (image.size, image.mode) == ((40, 30), "P")


def test_the_faults_are_those_of_the_demo_app() -> None:
    known = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert all(f"| `{each}` |" in known for each in (*FAULTS, FAULT))


def test_each_report_is_found_by_the_subject_of_its_mail() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "sla-worker" / "src").rglob("*.py")
    )
    assert all(words in sources for words in REPORTS.values())
