"""What labels and texts may hold: markup, quotes, line breaks, other scripts, long and odd names."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest

from programs import running_chromium
from rules.binaries import required, version_of, versions
from rules.mail_parts import Page, alert, with_labels
from rules.mails import Post, part, running_alertmanager

HOSTILE = {
    "job": '<script>alert("1")</script>',
    "worker_name": "quote\" back\\slash 'single' & a+b %7D",
    "note": "two\r\nlines",
    "long": "x" * 5000,
}
TURNS = "\u202d\u202e\u2066\u2067\u2069"
"""Characters that turn the direction of what follows them, or end that."""
BREAKS = "\u2028\u2029\u0085\x1b"


@pytest.fixture(scope="module", params=versions("alertmanager"))
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with running_alertmanager(required(request.param, "alertmanager"), directory) as running:
        yield running


def lines(text: str) -> list[str]:
    """The lines of a text part."""
    return text.replace("\r\n", "\n").split("\n")


def silence_of(text: str) -> str:
    """The matchers of the silence that the text part links to."""
    found = re.search(r"^Silence: +\S+filter=(\S+)", text, re.MULTILINE)
    assert found is not None
    return unquote(found.group(1))


def test_hostile_labels_stay_text(post: Post) -> None:
    mail = post.mail_about("<script>", [with_labels(HOSTILE)])
    source = part(mail, "html")
    page = Page(source)
    assert not page.tags & {"script", "img", "iframe", "form"}
    assert html.escape(HOSTILE["job"], quote=False).replace('"', "&#34;") in source
    assert "x" * 300 + "…" in page.text
    assert "x" * 301 not in page.text
    assert "  note = two lines" in lines(part(mail, "plain"))  # no line of its own making


def test_a_silence_for_hostile_labels_names_exactly_them(post: Post) -> None:
    mail = post.mail_about("quoted", [alert(job="quoted", worker_name=HOSTILE["worker_name"])])
    expected = 'worker_name="quote\\" back\\\\slash \'single\' & a+b %7D"}'
    assert unquote(Page(part(mail, "html")).links["Silence"]).endswith(expected)
    assert silence_of(part(mail, "plain")).endswith(expected)


def test_a_silence_for_a_value_of_two_lines_says_so_in_one(post: Post) -> None:
    mail = post.mail_about("two", [alert(job="two", note="a\nb")])
    assert unquote(Page(part(mail, "html")).links["Silence"]).find('note="a\\nb"') > 0
    assert 'note="a\\nb"' in silence_of(part(mail, "plain"))


def test_a_link_that_is_no_web_address_is_taken_away(post: Post) -> None:
    body = alert(job="javascript")
    body["annotations"]["runbook_url"] = "javascript:alert(1)"
    source = part(post.mail_about("javascript", [body]), "html")
    assert "javascript:" not in source


def test_a_long_link_is_whole_in_both_parts(post: Post) -> None:
    # Half a link leads elsewhere.
    body = alert(job="far")
    url = "http://grafana.example.com/d/insa-sla-monitoring?" + "&".join(f"var-{n}=value" for n in range(60))
    body["annotations"]["dashboard_url"] = url
    mail = post.mail_about("far", [body])
    assert Page(part(mail, "html")).links["Dashboard"] == url
    assert f"Dashboard:  {url}" in lines(part(mail, "plain"))


@pytest.mark.parametrize(
    ("name", "letters", "cut"),
    [
        # 171 Cyrillic letters are 342 bytes: the length that counts is that of characters.
        ("cyrillic 171", "ж" * 171, False),
        ("cyrillic 300", "ж" * 300, False),
        ("cyrillic 301", "ж" * 301, True),
        ("latin 300", "x" * 300, False),
        ("latin 301", "x" * 301, True),
    ],
)
def test_a_summary_is_cut_after_300_characters_of_any_script(
    post: Post, name: str, letters: str, *, cut: bool
) -> None:
    body = alert(job=name)
    body["annotations"]["summary"] = letters
    mail = post.mail_about(name, [body])
    shown = letters[:300] + ("…" if cut else "")
    assert f"FIRING: {shown}" in lines(part(mail, "plain"))
    assert shown in Page(part(mail, "html")).text
    assert ("…" in Page(part(mail, "html")).text) is cut


@pytest.mark.parametrize(("length", "cut"), [(1600, False), (3000, False), (3001, True)])
def test_a_description_is_cut_after_3000_characters_of_any_script(
    post: Post, length: int, *, cut: bool
) -> None:
    body = alert(job=f"description {length}")
    body["annotations"]["description"] = "ж" * length
    mail = post.mail_about(f"description {length}", [body])
    shown = "ж" * min(length, 3000) + ("…" if cut else "")
    assert shown in lines(part(mail, "plain"))
    assert ("…" in Page(part(mail, "html")).text) is cut


def test_a_long_alertname_is_cut_with_a_sign_in_subject_and_head(post: Post) -> None:
    name = "Alert" + "X" * 200
    mail = post.mail_about("name", [alert(name, job="name")])
    assert mail["Subject"] == f"[FIRING:1] CRITICAL {name[:100]}…"
    assert f"{name[:100]}…" in Page(part(mail, "html")).text


def test_an_alertname_cannot_forge_a_line_or_a_header(post: Post) -> None:
    mail = post.mail_about("forged", [alert("Forged\r\nBcc: all@example.com\u2028x", job="forged")])
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[FIRING:1] CRITICAL Forged Bcc: all@example.com x"
    assert "FIRING - CRITICAL - Forged Bcc: all@example.com x" in lines(part(mail, "plain"))
    assert "Forged Bcc: all@example.com x" in Page(part(mail, "html")).text


@pytest.mark.parametrize("kind", ["html", "plain"])
def test_no_value_turns_the_direction_of_writing_or_breaks_its_line(post: Post, kind: str) -> None:
    body = alert(f"Name{TURNS}", job=f"turned {kind}", worker_name=f"a{TURNS}b{BREAKS}c")
    body["annotations"] = {"summary": f"d{TURNS}e{BREAKS}f", "description": f"g{TURNS}h{BREAKS}i\nj"}
    text = part(post.mail_about(f"turned {kind}", [body]), kind)
    assert not set(text) & set(TURNS + BREAKS)
    for word in ("a b c", "d e f", "g h i"):  # what lay between them is a space
        assert word in text


def test_right_to_left_text_stays_in_its_place(post: Post) -> None:
    body = alert(job="hebrew", worker_name="עובד-1")
    body["annotations"]["summary"] = "עובד-1 לא פעיל (3 דקות)"
    source = part(post.mail_about("hebrew", [body]), "html")
    # The summary is written from its own side; a value is set apart and cannot reorder its surroundings.
    assert re.search(r'<div dir="auto"[^>]*>עובד-1 לא פעיל \(3 דקות\)</div>', source)
    assert "<bdi>עובד-1</bdi>" in source


def test_labels_that_grafana_keeps_for_itself_are_not_shown(post: Post) -> None:
    own = {"job": "grafana", "__alert_rule_uid__": "insa-uptime", "grafana_folder": "SLAs"}
    mail = post.mail_about("grafana", [with_labels(own)])
    assert "  grafana_folder = SLAs" in lines(part(mail, "plain"))
    assert "  __alert_rule_uid__ = insa-uptime" not in lines(part(mail, "plain"))
    page = Page(part(mail, "html"))
    assert "grafana_folder" in page.text
    assert "__alert_rule_uid__" not in page.text
    assert '__alert_rule_uid__="insa-uptime"' in unquote(
        page.links["Silence"]
    )  # it tells this alert from others


def odd_names(post: Post, job: str) -> list[dict[str, Any]]:
    """An alert with label names that are no plain words; none for an Alertmanager that refuses those."""
    body = with_labels({"job": job, 'host "na.me"': "a", "größe": "b", "host.name": "c"})
    return [body] if version_of(post.program) >= (0, 27) else []


def test_a_silence_quotes_the_label_names_that_need_it(post: Post) -> None:
    for body in odd_names(post, "names"):
        mail = post.mail_about("names", [body])
        for found in (
            unquote(Page(part(mail, "html")).links["Silence"].partition("filter=")[2]),
            silence_of(part(mail, "plain")),
        ):
            # The page of 0.34 reads no quoted name, and bare ones of any letters and dots.
            for bare in ('alertname="WorkerUnhealthy",', ',größe="b"', ',host.name="c"'):
                assert bare in found
            assert '"host \\"na.me\\""="a"' in found


def test_alertmanager_reads_the_quoted_matchers_as_that_one_alert(post: Post) -> None:
    for body in odd_names(post, "read"):
        mail = post.mail_about("read", [body])
        [found] = post.alerts_matching(silence_of(part(mail, "plain")).strip("{}"))
        assert found["labels"]["größe"] == "b"


def test_a_name_that_is_copied_from_the_mail_is_the_name(post: Post) -> None:
    source = part(post.mail_about("copied", [alert("CircuitBreakerOpen_of_crm", job="copied")]), "html")
    assert "\u200b" not in source
    with running_chromium() as browser:
        page = browser.new_page(viewport={"width": 320, "height": 640})
        page.set_content(source)
        page.evaluate(SELECT_THE_HEAD)
        assert page.evaluate("getSelection().toString()") == "CircuitBreakerOpen_of_crm"


def test_markup_in_an_alertname_stays_text(post: Post) -> None:
    name = "Bold<b>x</b>&amp;\"'Twins"
    source = part(post.mail_about("markup", [alert(name, job="markup")]), "html")
    page = Page(source)
    assert name in page.text
    assert "Bold&lt;b&gt;x&lt;/b&gt;&amp;amp;" in source


def test_in_a_narrow_window_the_name_breaks_between_its_words(post: Post) -> None:
    source = part(post.mail_about("narrow", [alert("CircuitBreakerOpen", job="narrow")]), "html")
    with running_chromium() as browser:
        page = browser.new_page(viewport={"width": 260, "height": 640})
        page.set_content(source)
        # Whatever the font: too narrow for the three words, wide enough for any of them.
        found = page.evaluate(LINES_OF_THE_HEAD)
    assert len(found) > 1
    assert "".join(found) == "CircuitBreakerOpen"
    assert all(re.fullmatch(r"(Circuit|Breaker|Open)+", line) for line in found)


SELECT_THE_HEAD = """() => {
    const name = [...document.querySelectorAll("bdi")][0], range = document.createRange();
    range.selectNodeContents(name);
    getSelection().removeAllRanges(); getSelection().addRange(range);
}"""
LINES_OF_THE_HEAD = """() => {
    const walk = document.createTreeWalker(document.querySelector("bdi"), NodeFilter.SHOW_TEXT);
    const range = document.createRange(), lines = new Map();
    for (let text = walk.nextNode(); text; text = walk.nextNode())
        for (let i = 0; i < text.length; i++) {
            range.setStart(text, i); range.setEnd(text, i + 1);
            const top = Math.round(range.getBoundingClientRect().top);
            lines.set(top, (lines.get(top) ?? "") + text.data[i]);
        }
    return [...lines.values()];
}"""
