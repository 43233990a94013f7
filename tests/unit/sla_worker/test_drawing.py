"""PDF and charts: the figures of the mail, letters that the fonts lack, and a child process that fails."""

from __future__ import annotations

import io
import itertools
import logging
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from e2e.report_tables import long_table_of_pdf
from logged import lines
from programs import pages_of, pdf_pictures
from sla_worker.database import SLADatabase
from sla_worker.delivery.message import message
from sla_worker.draw import draw
from sla_worker.drawing.__main__ import drawn
from sla_worker.drawing.letters import lines_of, shown, width
from sla_worker.model import Brand, Drawn, LongReport, Score, Sheet
from sla_worker.periodic import long_report
from sla_worker.render.charts import burn_down, burn_down_words, scores_words
from sla_worker.render.periodic import long_mail
from unit.sla_worker.report_ledger import BERLIN, ERRORS, HOSTILE, LATENCY, NOW, UPTIME, epoch, ledger

KEPT = Path(__file__).parent / "reports" / "monthly.pdf.txt"
TITLES = {UPTIME: "Platform Uptime", LATENCY: "API Response Time P95", ERRORS: "API Error Rate"}


def monthly(database: SLADatabase, end: str = "2026-11-01T00:00") -> LongReport:
    return long_report(
        database, kind="monthly", title="Monthly SLA report", end=epoch(end), now=NOW, zone=BERLIN
    )


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SLADatabase]:
    database = ledger(tmp_path_factory.mktemp("drawing") / "sla.db")
    yield database
    database.close()


@pytest.fixture(scope="module")
def october(known: SLADatabase) -> LongReport:
    return monthly(known)


@pytest.fixture(scope="module")
def made(october: LongReport) -> Drawn:
    return drawn(Sheet(october, BERLIN.key, "Example Ltd"))


def pdf_of(made: Drawn) -> bytes:
    assert made.trouble is None
    assert made.pdf is not None
    return made.pdf


def test_the_figures_of_the_pdf_are_those_of_a_count_by_hand(made: Drawn) -> None:
    """As in test_periodic: 744 of 745 hours of uptime are 99.866 %, 149 of 745,000 requests failed."""
    pages = pages_of(pdf_of(made))
    table = re.split(r"\n {0,2}Breaches\n", pages[1])[0]
    rows = {
        cells[0]: cells[1:]
        for line in table.splitlines()
        if len(cells := re.split(r" {2,}|(?<=%) ", line.strip())) == 6
    }
    assert rows == {
        "SLA": ["01 Oct to 31 Oct", "Min", "Average", "Max", "Result"],
        "Platform Uptime": ["✓" * 19 + "✗" + "✓" * 11, "95.83 %", "99.87 %", "100.00 %", "fail"],
        "API Response Time P95": ["✓" * 31, "100.00 %", "100.00 %", "100.00 %", "pass"],
        "API Error Rate": ["✓" * 9 + "✗" + "✓" * 21, "99.38 %", "99.98 %", "100.00 %", "pass"],
    }
    assert "change −0.13 points; error budget left −34.23 % (−15.3 of 44.7 min);" in table
    assert "in breach 60 of 44,700 min, 0 min excluded" in table
    assert long_table_of_pdf(pages, set(rows)) == {name: [name, *cells[1:]] for name, cells in rows.items()}
    for words in (
        "October 2026",
        "Example Ltd",
        "66.67 %",
        "targets missed",
        "2 of 3 SLAs kept their target (66.67 %); 3 of 3 did in the period before.",
        "−34.23 % left",
        "80.00 % left",
        "2 of 3",
        "−33.33 points",
    ):
        assert words in pages[0]
    assert re.search(r"Platform Uptime +critical +2026-10-20 03:00 CEST +1 ?h +134.2 %", pages[1])
    assert re.search(r"API Error Rate +critical +2026-10-10 12:00 CEST +1 ?h +20.0 %", pages[1])


def test_the_text_of_each_page_is_as_it_is_kept(october: LongReport) -> None:
    """WRITE_REPORTS=1 writes it again; look at what changed. Where spaces are depends on pdftotext."""
    report = replace(october, revision="0123456789ab")  # it changes with every key of a policy
    made = drawn(Sheet(report, BERLIN.key, "Example Ltd", charts=False))
    text = "\n\n".join(page.strip() for page in pages_of(pdf_of(made), "-raw")) + "\n"
    if os.environ.get("WRITE_REPORTS"):
        KEPT.write_text(text, encoding="utf-8")
    assert "".join(text.split()) == "".join(KEPT.read_text(encoding="utf-8").split())


def test_the_first_page_has_its_band_and_its_cards(made: Drawn) -> None:
    """Red from edge to edge, since targets were missed; then white paper and four grey cards."""
    [first, _] = pdf_pictures(pdf_of(made), 2, dots=40)
    red, white, shade = (198, 40, 40), (255, 255, 255), (245, 247, 250)
    assert {first.getpixel((x, 4)) for x in (3, first.width // 2, first.width - 4)} == {red}
    below = round(first.height * 56.5 / 297)  # millimetres: the band ends at 54, the cards begin at 60
    assert first.getpixel((first.width // 2, below)) == white
    cards = round(first.height * 62 / 297)
    columns = [first.getpixel((x, cards)) == shade for x in range(first.width)]
    assert sum(now and not before for before, now in itertools.pairwise(columns)) == 4


def test_the_senders_logo_and_colour_stand_above_the_band(october: LongReport) -> None:
    """A logo of one blue pixel fills the 8 mm from 16 mm on, in a row of 14 mm; then the red band."""
    logo = io.BytesIO()
    Image.new("RGB", (1, 1), (0, 0, 255)).save(logo, "PNG")
    brand = Brand("Bücher & Söhne", logo.getvalue(), "#7a1fa2")
    sheet = Sheet(october, BERLIN.key, "x", charts=False, brand=brand)
    made = pdf_of(drawn(sheet))
    assert " ".join(pages_of(made)[0].split()).startswith("Bücher & Söhne October 2026")
    [first] = pdf_pictures(made, 1, dots=100)

    def at(x: float, y: float) -> tuple[int, ...]:  # of millimetres
        found = first.getpixel((round(x * 100 / 25.4), round(y * 100 / 25.4)))
        assert isinstance(found, tuple)
        return found

    assert [at(2, 7), at(20, 7), at(200, 13), at(200, 15)] == [
        (122, 31, 162),
        (0, 0, 255),
        (122, 31, 162),
        (198, 40, 40),
    ]
    broken = replace(sheet, brand=replace(brand, logo=logo.getvalue()[:40]))
    assert "Bücher & Söhne" in pages_of(pdf_of(drawn(broken)))[0]


def test_every_page_says_what_it_belongs_to(made: Drawn, october: LongReport) -> None:
    pages = pages_of(pdf_of(made))
    foot = f"2026-10 · definitions {october.revision} · generated 2026-11-26 13:00 CET"
    for number, page in enumerate(pages, 1):
        words = " ".join(page.split())
        assert words.endswith(f"{foot} page {number} of {len(pages)}")
        assert number == 1 or words.startswith("Monthly SLA report · Example Ltd October 2026")
    raw = pdf_of(made)
    assert b"/Lang (en)" in raw
    assert b"/DisplayDocTitle true" in raw
    assert raw.count(b"/Parent") >= 8  # the outline has each section and each category


def test_the_curve_of_a_budget_ends_at_the_figure_of_the_table(known: SLADatabase) -> None:
    """Of 745 errors that October allows 149 came on the 10th; of 44.7 minutes 60 were lost on the 20th."""
    report = monthly(known)
    uptime, errors, latency = burn_down(report)
    assert [each.title for each in (uptime, errors, latency)] == [
        TITLES[UPTIME],
        TITLES[ERRORS],
        TITLES[LATENCY],
    ]
    assert errors.left == pytest.approx((*[1.0] * 10, *[0.8] * 22))
    assert uptime.left == pytest.approx((*[1.0] * 20, *[1 - 60 / 44.7] * 12))
    assert burn_down_words(report) == (
        "Error budget left at the end, least first: Platform Uptime −34.23 %, API Error Rate 80.00 %,"
        " API Response Time P95 100.00 %."
    )
    for each in burn_down(report):
        assert each.left[-1] == pytest.approx(each.end_ratio)


def test_a_day_that_was_not_measured_is_a_gap(known: SLADatabase) -> None:
    week = long_report(known, kind="weekly", title="W", end=epoch("2026-11-23T00:00"), now=NOW, zone=BERLIN)
    [latency] = [each for each in burn_down(week) if each.title == TITLES[LATENCY]]
    assert latency.left == (1.0, 1.0, 1.0, None, 1.0, 1.0, 1.0, 1.0)


def test_days_that_are_not_those_of_the_figure_draw_no_curve(october: LongReport) -> None:
    """As when a frozen month was measured again: a curve that ends elsewhere than the table confuses."""
    changed = tuple(
        replace(line, status=replace(line.status, good=line.status.good - 10))
        if line.status.key == ERRORS
        else line
        for line in october.lines
    )
    report = replace(october, lines=changed)
    assert [each.title for each in burn_down(report)] == [TITLES[UPTIME], TITLES[LATENCY]]
    assert "Not shown, since measured again after the month was frozen: API Error Rate." in burn_down_words(
        report
    )


def test_months_before_the_ledger_are_not_known(october: LongReport) -> None:
    """The ledger begins in September, in which all three SLAs kept their target; in October two did."""
    assert [each.ratio for each in october.history] == [None] * 10 + [1.0, pytest.approx(2 / 3)]
    assert october.history[0].start == epoch("2025-11-01T00:00")
    assert scores_words(october, BERLIN) == (
        "SLAs that kept their target, of the last twelve months: 2026-09 100.00 %, 2026-10 66.67 %;"
        " of 10 nothing is known."
    )


def test_charts_stand_in_the_mail_by_their_content_id(made: Drawn, october: LongReport) -> None:
    mail = long_mail(october, BERLIN, {}, made)
    sent = message(mail, sender="a@example.com", recipients=["b@example.com"], key="k", now=NOW, zone=BERLIN)
    assert [each.get_content_type() for each in sent.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
        "image/png", "image/png", "application/pdf", "text/csv", "application/json",
    ]  # fmt: skip
    html = sent.get_body(("html",))
    assert html is not None
    assert "cid:burn-down" in html.get_content()  # where the live tests look for it
    pictures = [each for each in sent.walk() if each.get_content_type() == "image/png"]
    for each in pictures:
        name = str(each["Content-ID"]).strip("<>")
        assert f'src="cid:{name}"' in mail.html
        assert each.get_content_disposition() == "inline"
        with Image.open(io.BytesIO(each.get_payload(decode=True))) as opened:  # type: ignore[arg-type]
            assert opened.width == 2 * 400  # sharp on a screen with two pixels a point
    assert f'alt="{burn_down_words(october)}"' in mail.html
    assert burn_down_words(october) in mail.text
    assert mail.attachments[0].name == "sla-monthly-2026-10-01.pdf"


def test_hostile_and_foreign_names_are_shown_as_far_as_the_font_has_them(tmp_path: Path) -> None:
    """The key stands for a name of which letters are missing; Greek, Cyrillic and accents are there."""
    names = {ERRORS: HOSTILE, UPTIME: "可用性 توفر", LATENCY: "Ωμέγα Ёлка Łódź → ≥ ünïcode"}
    database = ledger(tmp_path / "sla.db", names=names, begin="2026-09-25T00:00")
    report = monthly(database)
    database.close()
    text = " ".join(" ".join(pages_of(pdf_of(drawn(Sheet(report, BERLIN.key, HOSTILE))))).split())
    for words in ("□□□ □□□□ [platform-uptime]", "Ωμέγα Ёлка Łódź → ≥ ünïcode", "<b>{{ 7*7 }}</b> Bcc:"):
        assert words in text
    assert "stands for a letter that the font of this file lacks" in text
    assert "\u202e" not in text


def test_components_that_lack_letters_are_not_confused(october: LongReport) -> None:
    """Two that would be the same boxes keep their own figures, and say which letters they have."""
    first, second, third = october.lines
    named = [
        replace(line, status=replace(line.status, key="one", name="One", component=component))
        for line, component in ((first, "日本"), (second, "中国"), (third, "plain"))
    ]
    whole = replace(october.whole, statuses=tuple(each.status for each in named))
    report = replace(october, whole=whole, lines=tuple(named), incidents=())
    text = "".join(pages_of(pdf_of(drawn(Sheet(report, BERLIN.key, "x", charts=False)))))
    figures = {each.status.component: f"{(each.status.compliance_ratio or 0) * 100:.2f} %" for each in named}
    for component, points in (("日本", "U+65E5 U+672C"), ("中国", "U+4E2D U+56FD")):
        assert re.search(rf"One / □□ \[{re.escape(points)}\] .*{figures[component]}", text)


def test_what_fonts_lack_is_a_box_and_what_is_never_seen_is_left_out() -> None:
    assert shown("e\N{COMBINING ACUTE ACCENT}a\r\nb\u202ec\u200d 🦊\ufe0f ✓✗?·") == "éa bc □ ✓✗?·"
    assert shown("plain") == "plain"


@pytest.mark.parametrize("text", ["one two three four", "x" * 90, "a " + "y" * 50 + " b", ""])
def test_lines_are_never_wider_than_their_room(text: str) -> None:
    lines = lines_of(text, 3, 20)
    assert all(width(each, 3) <= 20 for each in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    fewer = lines_of(text, 3, 20, most=2)
    assert len(fewer) <= 2
    assert all(width(each, 3) <= 20 for each in fewer)


def test_a_long_table_has_its_head_on_every_page(october: LongReport) -> None:
    """60 SLAs take several pages; none of their rows is lost or cut in two."""
    many = tuple(
        replace(line, status=replace(line.status, name=f"{line.status.name} {number:03d}", key=f"k{number}"))
        for number in range(20)
        for line in october.lines
    )
    whole = replace(october.whole, statuses=tuple(each.status for each in many))
    report = replace(october, whole=whole, lines=many)
    pages = pages_of(pdf_of(drawn(Sheet(report, BERLIN.key, "x", charts=False))))
    table = [page for page in pages if re.search(r" \d{3} +[✓✗]{31} ", page)]
    assert len(table) > 3
    assert all(re.search(r"SLA +01 Oct to 31 Oct +Min +Average +Max +Result", page) for page in table)
    assert len(re.findall(r" \d{3} +[✓✗]{31} +\S+ % +\S+ % +\S+ % +(?:pass|fail)", "".join(pages))) == 60
    assert len(re.findall(r"min excluded", "".join(pages))) == 60


def test_a_report_without_any_event_is_drawn(october: LongReport) -> None:
    nothing = replace(
        october,
        whole=replace(october.whole, statuses=()),
        lines=(),
        incidents=(),
        history=(Score(october.whole.start, None),),
    )
    made = drawn(Sheet(nothing, BERLIN.key, "x"))
    assert "No SLA had events in the period." in pages_of(pdf_of(made))[0]
    assert list(made.charts) == ["scores"]


# --- the child process


def child(program: str) -> list[str]:
    return [sys.executable, "-S", "-c", program]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9"),
        ("raise SystemExit('no memory is left')", "failed: no memory is left"),
        ("raise SystemExit(3)", "failed: it said nothing"),
        ("print('nonsense')", "gave something that is no drawing"),
        ("import signal; signal.pause()", "took longer than 0.5 s"),
    ],
)
def test_a_child_that_fails_costs_the_drawing_and_nothing_else(
    october: LongReport, caplog: pytest.LogCaptureFixture, program: str, words: str
) -> None:
    with caplog.at_level(logging.ERROR, "sla_worker.draw"):
        made = draw(
            Sheet(october, BERLIN.key, "x"),
            command=child(program),
            limit_seconds=0.5 if "pause" in program else 60,
        )
    assert made.pdf is None
    assert words in str(made.trouble)
    assert any(words in line for line in lines(caplog, "sla_worker.draw"))
    mail = long_mail(october, BERLIN, {}, made)
    assert f"({made.trouble}). All figures stand in the CSV and the JSON." in mail.text
    assert "could not be made" in mail.html
    assert "99.87" in mail.html
    assert "cid:" not in mail.html
    assert [each.name[-4:] for each in mail.attachments] == [".csv", "json"]


def test_a_child_that_cannot_be_started_is_told(october: LongReport) -> None:
    made = draw(Sheet(october, BERLIN.key, "x"), command=["/nowhere/python"])
    assert "could not be started" in str(made.trouble)


def test_a_child_draws_the_same_bytes_again(october: LongReport, made: Drawn) -> None:
    assert draw(Sheet(october, BERLIN.key, "Example Ltd")) == made


def test_one_drawing_that_fails_leaves_the_other(october: LongReport) -> None:
    """A month that no clock has breaks the chart of scores, which the PDF has too; the text says so."""
    broken = replace(october, history=(Score(2**60, 0.5),))
    made = drawn(Sheet(broken, BERLIN.key, "x"))
    assert made.pdf is None
    assert str(made.trouble).startswith("charts: ")
    fonts = [
        each for each in Path("/proc/self/fd").glob("*") if each.exists() and each.resolve().suffix == ".ttf"
    ]
    assert fonts == []
    week = drawn(Sheet(replace(broken, kind="weekly"), BERLIN.key, "x", pdf=False))
    assert week.charts == {}
