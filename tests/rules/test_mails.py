"""The mails of a real Alertmanager, in every version there is, decoded and read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from programs import running_chromium
from rules.binaries import required, versions
from rules.contrast import Shown, shown_texts
from rules.mail_parts import DRILL, LINKS, Page, alert, lost
from rules.mails import EXTERNAL_URL, Post, part, running_alertmanager


@pytest.fixture(scope="module", params=versions("alertmanager"))
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with running_alertmanager(required(request.param, "alertmanager"), directory) as running:
        yield running


def test_a_firing_mail_says_state_severity_count_and_name(post: Post) -> None:
    mail = post.mail_about(
        "one", [alert(job="one", worker_name="worker-1"), alert(job="one", worker_name="worker-2")]
    )
    assert mail["Subject"] == "[FIRING:2] CRITICAL WorkerUnhealthy"
    assert mail["To"] == "critical-alerts@example.com"
    assert [each.get_content_type() for each in mail.iter_parts()] == ["text/plain", "text/html"]
    page = Page(part(mail, "html"))
    for text in (page.text, part(mail, "plain")):
        for word in (
            "FIRING",
            "CRITICAL",
            "WorkerUnhealthy",
            "2 firing",
            "worker-2",
            "Tasks wait.",
            "Restart it.",
        ):
            assert word in text


def test_its_links_lead_to_runbook_dashboard_expression_and_silence(post: Post) -> None:
    mail = post.mail_about("links", [alert(job="links")])
    links = Page(part(mail, "html")).links
    assert links["Runbook"] == LINKS["runbook_url"]
    assert links["Dashboard"] == LINKS["dashboard_url"]
    assert links["Expression"] == "http://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1"
    silence = (
        '{alertname="WorkerUnhealthy",component="worker",job="links",severity="critical",team="platform"}'
    )
    assert unquote(links["Silence"]) == f"{EXTERNAL_URL}/#/silences/new?filter={silence}"
    text = part(mail, "plain")
    for url in (
        *LINKS.values(),
        links["Expression"],
        f"{EXTERNAL_URL}/#/silences/new?filter=%7Balertname%3D%22",
    ):
        assert url in text


def test_the_mails_of_a_group_are_one_thread(post: Post) -> None:
    odd = 'Größe <b>@x> "1"\u202e' + "x" * 300
    first = post.mail_about("thread", [alert(job="thread", sla=odd)])
    end = post.mail_about("thread", [alert(job="thread", sla=odd, ended=True)])
    other = post.mail_about("thread-2", [alert(job="thread-2", sla=odd)])
    for mail in (first, end, other):
        assert mail["References"] == mail["In-Reply-To"]
        # One msg-id of RFC 5322, whatever the labels are.
        assert re.fullmatch(r"<[A-Za-z0-9_.-]{1,600}@alertmanager>", mail["References"])
        assert mail["Message-Id"] != mail["References"]
    assert first["References"] == end["References"] != other["References"]
    assert first["Message-Id"] != end["Message-Id"]


def test_a_resolved_mail_is_visibly_resolved(post: Post) -> None:
    post.mail_about("over", [alert(job="over")])
    mail = post.mail_about("over", [alert(job="over", ended=True)])
    assert mail["Subject"] == "[RESOLVED:1] CRITICAL WorkerUnhealthy"
    page = Page(part(mail, "html"))
    assert "RESOLVED" in page.text
    assert "No longer firing. It lasted 1m30s" in page.text
    # An end may be one that nobody reported, so the words claim no more than this.
    assert "is over" not in page.text + part(mail, "plain")
    assert "#15703a" in page.styles  # the green of the head
    assert "#b91c1c" not in part(mail, "html")  # the red of critical
    assert "Silence" not in page.links
    assert "after 1m30s" in part(mail, "plain")


def test_a_mail_of_both_kinds_of_end_counts_them_apart(post: Post) -> None:
    post.mail_about("both", [alert(job="both", worker_name=name) for name in ("a", "b", "c")])
    ends = [
        alert(job="both", ended=True, worker_name="a"),
        *(lost(job="both", worker_name=name) for name in ("b", "c")),
    ]
    mail = post.mail_about("both", ends, counted=2)
    assert mail["Subject"] == "[NO LONGER REPORTED:2] CRITICAL WorkerUnhealthy"  # the worse of the two
    text = part(mail, "plain")
    assert "1 resolved, 2 no longer reported" in text
    assert text.count("RESOLVED: Worker") == 1
    assert text.count("NO LONGER REPORTED: Worker") == text.count("may still be going on") == 2
    assert "1 resolved, 2 no longer reported" in Page(part(mail, "html")).text


def test_each_severity_has_its_colour_and_its_word(post: Post) -> None:
    for severity, colour in (("critical", "#b91c1c"), ("warning", "#9a5b00"), ("info", "#1e4f8f")):
        page = Page(part(post.mail_about(severity, [alert(job=severity, severity=severity)]), "html"))
        assert colour in page.styles
        assert severity.upper() in page.text


def test_a_large_group_makes_a_mail_of_bounded_size(post: Post) -> None:
    mail = post.mail_about(
        "crowd", [alert(job="crowd", worker_name=f"worker-{number}") for number in range(60)]
    )
    assert mail["Subject"] == "[FIRING:60] CRITICAL WorkerUnhealthy"
    source = part(mail, "html")
    assert len(source.encode()) < 100_000  # Gmail cuts mails of more than 102 KB
    assert Page(source).text.count("Tasks wait.") == 10
    assert "Only the first 10 of a state are shown." in Page(source).text
    assert "More alerts of this group are in Alertmanager." in part(mail, "plain")


def test_an_alert_without_annotations_still_makes_a_mail(post: Post) -> None:
    body = alert("Bare", job="bare") | {"annotations": {}}
    body["labels"] = {"alertname": "Bare", "job": "bare"}
    mail = post.mail_about("bare", [body])
    assert mail["Subject"] == "[FIRING:1] ALERT Bare"
    assert "no value" not in part(mail, "html") + part(mail, "plain")
    assert "Bare" in Page(part(mail, "html")).text


def test_styles_are_inline_hex_and_fit_a_narrow_window(post: Post) -> None:
    source = part(post.mail_about("styles", [alert(job="styles")]), "html")
    page = Page(source)
    assert "style" not in page.tags  # no style sheet: mail programs drop it
    assert "ZgotmplZ" not in source  # html/template has let everything pass
    assert "rgb(" not in source
    assert not re.search(r'width="(?:\d{3,})"|[^-]width:\d{3,}px', source)  # nothing is wider than its window
    assert "max-width:600px" in source


def test_a_mail_about_a_drill_alone_says_so_first(post: Post) -> None:
    mail = post.mail_about(
        "drill", [alert(job="drill", **DRILL), alert(job="drill", worker_name="b", **DRILL)]
    )
    assert mail["Subject"] == "[DRILL] [FIRING:2] CRITICAL WorkerUnhealthy"
    texts = [each.text for each in shown_texts(part(mail, "html"))]
    # the band above the head, before the state and the name
    assert texts[:3] == ["FIRE DRILL", "· This is an exercise: nothing is broken.", "▲ FIRING · CRITICAL"]
    assert texts.count("DRILL") == 2  # one mark an alert
    plain = part(mail, "plain").replace("\r\n", "\n")
    assert plain.startswith("FIRE DRILL - This is an exercise: nothing is broken.\n\nFIRING - CRITICAL")
    assert plain.count("FIRING: [DRILL] Worker worker-1 is down\n") == 2


def test_the_end_of_a_drill_is_marked_too(post: Post) -> None:
    post.mail_about("drill over", [alert(job="drill over", **DRILL)])
    mail = post.mail_about("drill over", [alert(job="drill over", ended=True, **DRILL)])
    assert mail["Subject"] == "[DRILL] [RESOLVED:1] CRITICAL WorkerUnhealthy"
    assert "DRILL" in [each.text for each in shown_texts(part(mail, "html"))]
    assert "RESOLVED: [DRILL] Worker worker-1 is down" in part(mail, "plain")


def test_a_drill_beside_a_real_alert_is_marked_in_its_own_block_only(post: Post) -> None:
    drill = alert(job="mixed", worker_name="a", **DRILL)
    drill["annotations"]["summary"] = "Worker a is said to be down"
    mail = post.mail_about("mixed", [drill, alert(job="mixed", worker_name="b")])
    assert mail["Subject"] == "[FIRING:2] CRITICAL WorkerUnhealthy"
    texts = [each.text for each in shown_texts(part(mail, "html"))]
    assert "FIRE DRILL" not in texts
    assert texts.count("DRILL") == 1
    mark = texts.index("DRILL")
    assert texts[mark + 1 : mark + 3] == [
        "This is an exercise: nothing is broken.",
        "Worker a is said to be down",
    ]
    plain = part(mail, "plain")
    assert plain.startswith("FIRING - CRITICAL")
    assert plain.count("FIRING: [DRILL] Worker a is said") == plain.count("FIRING: Worker worker-1 is") == 1


def test_a_label_that_only_looks_like_a_drill_is_none(post: Post) -> None:
    mail = post.mail_about("no drill", [alert(job="no drill", drill="false")])
    assert mail["Subject"] == "[FIRING:1] CRITICAL WorkerUnhealthy"
    assert "exercise" not in part(mail, "html") + part(mail, "plain")


@pytest.fixture(scope="module")
def sources(post: Post) -> dict[str, str]:
    """The HTML of a mail of each kind, with a value that is long and cannot be broken at a space."""
    long_name = "CircuitBreakerMetricsAbsentOfTheMostRemoteDependency"
    kinds = {
        severity: alert(long_name, job=f"kind {severity}", severity=severity, worker_name="w" * 200)
        for severity in ("critical", "warning", "info")
    }
    kinds["drill"] = alert(job="kind drill", **DRILL)
    found = {kind: part(post.mail_about(f"kind {kind}", [body]), "html") for kind, body in kinds.items()}
    found["resolved"] = part(
        post.mail_about(
            "kind critical", [alert(long_name, job="kind critical", ended=True, worker_name="w" * 200)]
        ),
        "html",
    )
    post.mail_about("kind lost", [alert(job="kind lost")])
    found["lost"] = part(post.mail_about("kind lost", [lost(job="kind lost")]), "html")
    crowd = [alert(job="kind crowd", worker_name=f"worker-{number}") for number in range(12)]
    found["crowd"] = part(post.mail_about("kind crowd", crowd), "html")
    return found


def test_every_text_has_enough_contrast(sources: dict[str, str]) -> None:
    shown = {each for source in sources.values() for each in shown_texts(source)}
    # red, amber, blue, green and grey heads, the band of a drill, white blocks
    assert {each.background for each in shown} == {
        "#b91c1c", "#9a5b00", "#1e4f8f", "#15703a", "#4a5568", "#1f2933", "#ffffff"
    }  # fmt: skip
    assert not [(each, round(each.contrast, 2)) for each in shown if each.contrast < 4.5]


def test_contrast_is_that_of_wcag() -> None:
    # Black on white is 1.05 / 0.05 = 21. #767676 is the lightest grey that white bears: luminance 0.1812,
    # so 1.05 / 0.2312 = 4.54; #777777 has 0.1845, so 1.05 / 0.2345 = 4.48.
    assert Shown("", "#000000", "#ffffff").contrast == pytest.approx(21)
    assert Shown("", "#767676", "#ffffff").contrast == pytest.approx(4.54, abs=0.005)
    assert Shown("", "#ffffff", "#777777").contrast == pytest.approx(4.48, abs=0.005)


FURTHEST_RIGHT = """() => Math.max(
    document.documentElement.scrollWidth,
    ...[...document.querySelectorAll("body *")].map(each => Math.ceil(each.getBoundingClientRect().right)),
)"""
TEXTS_BESIDE_THEIR_BOX = """() => [...document.querySelectorAll("td, div, a")]
    .filter(each => each.style.display !== "none" && each.scrollWidth > each.clientWidth + 1)
    .filter(each => getComputedStyle(each).display !== "inline")
    .map(each => each.textContent.slice(0, 40))"""


@pytest.mark.parametrize("width", [320, 800])
def test_nothing_is_wider_than_its_window(sources: dict[str, str], width: int) -> None:
    with running_chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 640})
        for kind, source in sources.items():
            page.set_content(source)
            assert page.evaluate(FURTHEST_RIGHT) <= width, kind
            assert page.evaluate(TEXTS_BESIDE_THEIR_BOX) == [], kind
