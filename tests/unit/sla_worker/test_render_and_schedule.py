"""Words and numbers as people read them, and when reports are due."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e2e.report_tables import NOTHING, day_table_of_html, day_table_of_text, table_of_text
from sla_worker import due as due_times
from sla_worker.model import (
    Breach,
    Comparison,
    Day,
    DayTotals,
    Line,
    LongReport,
    Policy,
    Report,
    SLAStatus,
    SoFar,
    Status,
)
from sla_worker.prometheus import HTTPTransport
from sla_worker.render import format as words
from sla_worker.render.catch_up import catch_up_mail
from sla_worker.render.daily import daily_mail
from sla_worker.render.mails import breach_mail
from sla_worker.render.tables import text_report
from sla_worker.settings import read_settings

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"), (1, "100.00 %"), (0, "0.00 %"), (0.9993, "99.93 %"),
        (0.99999, "99.999 %"),  # never 100 % when something was missed
        (0.999999, "99.9999 %"), (0.99999999, "> 99.9999 %"),
        (0.00001, "0.001 %"), (0.00000001, "< 0.0001 %"),
    ],
)  # fmt: skip
def test_ratios(value: float | None, text: str) -> None:
    assert words.ratio(value) == text


def test_targets_and_lengths() -> None:
    assert words.target(0.999, Comparison.AT_LEAST, "ratio") == "≥ 99.9 %"
    assert words.target(0.001, Comparison.AT_MOST, "ratio") == "≤ 0.1 %"
    assert words.target(5, Comparison.AT_MOST, "seconds") == "≤ 5 s"
    assert [words.length(each) for each in (5, 60, 3900, 90000)] == ["5 s", "1 min", "1 h 5 min", "1 d 1 h"]


@pytest.mark.parametrize(
    ("value", "bound", "comparison", "text"),
    [
        (0.99896, 0.999, Comparison.AT_LEAST, "99.896 %"),  # not 99.90 %, which would keep 99.9 %
        (0.9989999999, 0.999, Comparison.AT_LEAST, "< 99.9 %"),
        (0.999, 0.999, Comparison.AT_LEAST, "99.90 %"),
        (0.9990001, 0.999, Comparison.AT_LEAST, "99.90 %"),
        (0.99994, 0.99991, Comparison.AT_LEAST, "99.994 %"),  # 99.99 % would miss it
        (0.0010004, 0.001, Comparison.AT_MOST, "0.10004 %"),
        (0.001, 1 - 0.999, Comparison.AT_MOST, "0.10 %"),
        (0.0012, 0.001, Comparison.AT_MOST, "0.12 %"),
        (0.99999999, 0.999, Comparison.AT_LEAST, "> 99.9999 %"),
        (1.0, 1.0, Comparison.AT_LEAST, "100.00 %"),
        (None, 0.999, Comparison.AT_LEAST, "—"),
    ],
)
def test_no_rounding_takes_a_ratio_across_its_bound(
    value: float | None, bound: float, comparison: Comparison, text: str
) -> None:
    assert words.apart(value, bound, comparison) == text


@given(st.integers(1, 10**7), st.integers(-3, 3), st.sampled_from(list(Comparison)))
def test_a_reader_sees_on_which_side_of_its_bound_a_ratio_is(
    bound: int, beside: int, comparison: Comparison
) -> None:
    """Bounds of whole hundred-thousandths of a percent, and values a hair beside them."""
    limit, value = bound / 10**7, (bound * 10 + beside) / 10**8
    text = words.apart(value, limit, comparison)
    if text[0].isdigit():
        shown = Fraction(text.removesuffix(" %"))
        least = comparison is Comparison.AT_LEAST
        border = Fraction(bound, 10**5)
        assert (shown >= border if least else shown <= border) == (
            value >= limit if least else value <= limit
        )
    else:
        assert text[0] in "<>"


def test_numbers_of_four_digits_and_more_are_written_out() -> None:
    assert [words.quantity(each, "seconds") for each in (0.1234, 999.9, 1234.5)] == [
        "0.123 s",
        "1,000 s",
        "1,234 s",
    ]
    assert words.quantity(1_234_567, "tasks") == "1,234,567 tasks"
    assert words.target(1800, Comparison.AT_LEAST, "seconds") == "≥ 1,800 s"
    assert words.target(2.345, Comparison.AT_MOST, "seconds") == "≤ 2.345 s"
    assert words.target(0.9999999, Comparison.AT_LEAST, "ratio") == "≥ 99.99999 %"
    assert [words.objective(each) for each in (0.999, 0.99995, 2.998 / 3)] == [
        "99.90 %",
        "99.995 %",
        "99.93 %",
    ]


def test_the_worst_value_of_a_breach_is_not_rounded_to_its_target() -> None:
    at_most = Comparison.AT_MOST
    assert words.beside(5.001, 5, at_most, "seconds") == "5.001 s"
    assert words.beside(7.5, 5, at_most, "seconds") == "7.5 s"
    assert words.beside(0.00104, 0.001, at_most, "ratio") == "0.104 %"
    assert words.beside(1234.5, 1234.4, at_most, "seconds") == "1,234.5 s"
    assert words.beside(None, 5, at_most, "seconds") == "—"


def test_a_breach_mail_escapes_what_people_wrote() -> None:
    breach = Breach(
        1, "<b>API</b>", "k", "all", "a & b", "high", "seconds", Comparison.AT_MOST, 5, 7.5, 0, None
    )
    mail = breach_mail(breach, 300, UTC, {"Dashboard": "http://localhost/d"})
    assert mail.subject == "[high] SLA breached: <b>API</b>"
    assert "&lt;b&gt;API&lt;/b&gt;" in mail.html
    assert "<b>API" not in mail.html
    assert "a &amp; b" in mail.html
    assert "Worst actual: 7.5 s" in mail.text


def epoch(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-03-10T09:00:00+00:00", UTC, "2026-03-10T09:00:00+00:00"),
        ("2026-03-10T08:59:59+00:00", UTC, "2026-03-09T09:00:00+00:00"),
        # Berlin goes to summer time on 2026-03-29: nine o'clock is 08:00 UTC before and 07:00 UTC after.
        ("2026-03-28T12:00:00+00:00", BERLIN, "2026-03-28T08:00:00+00:00"),
        ("2026-03-29T07:00:00+00:00", BERLIN, "2026-03-29T07:00:00+00:00"),
        ("2026-03-29T06:59:59+00:00", BERLIN, "2026-03-28T08:00:00+00:00"),
    ],
)
def test_the_report_hour_follows_the_zone(now: str, zone: ZoneInfo, due: str) -> None:
    assert due_times.last_due("daily", epoch(now), zone, dt.time(9)).timestamp() == epoch(due)


def test_every_setting_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    settings = read_settings({"PROMETHEUS_BEARER_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.prometheus.bearer_token == "secret"  # noqa: S105 - made up


def test_the_transport_sends_what_the_settings_say() -> None:
    environ = {
        "PROMETHEUS_USERNAME": "u",
        "PROMETHEUS_PASSWORD": "p",
        "PROMETHEUS_TENANT": "t",
        "PROMETHEUS_HEADERS": "X-One: 1; X-Two: a:b",
    }
    transport = HTTPTransport(read_settings(environ).prometheus)
    headers = {name.lower(): value for name, value in transport.headers.items()}
    assert headers == {
        "accept-encoding": "identity",
        "accept": "application/json",
        "user-agent": "sla-worker",
        "x-one": "1",
        "x-two": "a:b",
        "x-scope-orgid": "t",
        "authorization": "Basic dTpw",  # base64 of u:p
    }


@pytest.mark.parametrize(
    ("good", "coverage", "word", "colour"),
    [
        (999.0, 1.0, "pass", words.GREEN),
        (999.0, 0.9, "pass", words.GREEN),
        (999.0, 0.8999, "pass so far", words.GREY),  # less than 90 % was measured
        (998.0, 0.1, "fail", words.RED),
        (None, 0.5, "no traffic", words.GREY),
        (None, 0.0, "no data", words.GREY),
    ],
)
def test_a_verdict_needs_coverage(good: float | None, coverage: float, word: str, colour: str) -> None:
    """The objective is 99.9 % of 1,000 events."""
    status = measured(good, coverage)
    assert (words.verdict(status), words.verdict_colour(status)) == (word, colour)


@pytest.mark.parametrize(
    ("coverages", "word", "colour"),
    [
        ((1.0, 0.9), "all targets met", words.GREEN),
        ((1.0, 0.8999), "all targets met so far", words.GREY),  # the second only passes so far
        ((1.0, 0.0), "all targets met so far", words.GREY),  # of the second nothing is known
    ],
)
def test_a_report_is_no_surer_than_its_slas(coverages: tuple[float, ...], word: str, colour: str) -> None:
    report = Report(
        title="t", start=0, end=300, generated_at=300,
        statuses=tuple(
            replace(measured(999.0 if each else None, each), period_seconds=300) for each in coverages
        ),
        active_breaches=(), period_breaches=0,
    )  # fmt: skip
    assert (words.score_word(report), words.score_colour(report)) == (word, colour)


def test_an_sla_meets_its_target_when_all_its_components_do() -> None:
    statuses = (
        replace(measured(999.0, 1), key="worker", name="Worker", component="w1"),
        replace(measured(900.0, 1), key="worker", name="Worker", component="w2"),
        replace(measured(999.0, 1), key="cache"),
        replace(measured(None, 1), key="quiet"),
    )
    report = Report("t", 0, 300, 300, statuses, (), 0)
    # of three SLAs two were measured, and one of those kept its target: 1 ÷ 2
    assert (report.slas, report.measured, report.meeting) == (3, {"worker": False, "cache": True}, 1)
    assert report.score_ratio == 0.5
    assert [each.title for each in statuses] == ["Worker / w1", "Worker / w2", "n", "n"]


def test_what_failed_is_told_first_then_what_was_not_measured() -> None:
    closed = replace(measured(None, 1), status=Status.OUT_OF_HOURS)
    named = {
        "good": measured(1000.0, 1),
        "unseen": measured(None, 0),
        "closed": closed,
        "bad": measured(990.0, 1),
        "worse": measured(1.0, 1),
    }
    statuses = tuple(replace(each, key=name, name=name) for name, each in named.items())
    report = Report("t", 0, 300, 300, statuses, (), 0)
    order = ["bad", "worse", "unseen", "good", "closed"]
    assert [each.name for each in report.failed_first] == order
    names = "|".join(named)
    assert re.findall(rf"^({names}) ", text_report(report, UTC), re.MULTILINE) == order
    assert re.findall(rf">({names})<", daily_mail(day_of(report), UTC, {}).html) == order


def test_categories_with_something_to_look_at_come_first_and_in_each_the_worst() -> None:
    """Of 1,000 events 999 must be good: 998 use the budget twice, 990 ten times."""
    rows = [
        ("fine", "well", 1000.0, 1.0, False),
        ("young", "so far", 1000.0, 0.5, False),
        ("quiet", "silent", None, 1.0, False),
        ("unseen", "unknown", None, 0.0, False),
        ("lasting", "breach", 999.0, 1.0, True),
        ("met", "missed", 1000.0, 1.0, False),
        ("bad", "missed", 998.0, 1.0, False),
        ("worse", "missed", 990.0, 1.0, False),
        ("silent", "missed", None, 1.0, False),
    ]
    statuses = tuple(
        replace(measured(good, coverage), key=name, name=name, category=category, in_breach=in_breach)
        for name, category, good, coverage, in_breach in rows
    )
    groups = Report("t", 0, 300, 300, statuses, (), 0).categories
    assert [(each.name, each.is_healthy, words.category_tag(each)) for each in groups] == [
        ("missed", False, ("2 missed", words.RED)),
        ("breach", False, ("1 in breach", words.AMBER)),
        ("unknown", False, ("1 without data", words.GREY)),
        ("well", True, ("all met", words.GREEN)),
        ("so far", True, ("all met so far", words.GREY)),
        ("silent", True, ("nothing to judge", words.GREY)),
    ]
    assert [each.name for each in groups[0].statuses] == ["worse", "bad", "met", "silent"]
    assert words.category_count(groups[0]) == "1 of 3 meet their target, 1 without events"
    assert [words.category_count(each) for each in groups[2:4]] == [
        "1 without events",
        "1 of 1 meet their target",
    ]


def test_both_parts_of_a_mail_show_the_same_table() -> None:
    statuses = (
        replace(measured(999.0, 1), key="worker", name="Worker", component="w / 1"),
        replace(measured(900.0, 0.8), key="cache", name="Cache, first", unit="seconds", target=5),
        replace(
            measured(990.0, 0.99999), key="b", name="Sessions", percentile=0.9, unit="seconds", target=300
        ),
        replace(measured(None, 0), key="c", name="Unseen"),
        replace(measured(None, 1), key="d", name="Closed", status=Status.OUT_OF_HOURS),
        replace(measured(990.0, 1), key="e", name="Score", weakest_name="Cache, first", weakest_ratio=0.9),
    )
    report = Report("t", 0, 300, 300, statuses, (), 0)
    names = {each.name for each in statuses}
    table = table_of_text(text_report(report, UTC), names)
    assert table["Worker / w / 1"] == [
        "Worker / w / 1", "≥ 99.9 %", "99.90 %", "99.90 %", "100.00 %", "pass",
    ]  # fmt: skip
    assert table.keys() == {each.title for each in statuses}
    mail = daily_mail(day_of(report), UTC, {})
    day = day_table_of_text(mail.text, names)
    assert day_table_of_html(mail.html, names) == day
    assert {title: [*cells[:5], cells[-1]] for title, cells in day.items()} == table
    assert day["Worker / w / 1"][5:8] == ["— (not there before)", "0.00 %", "0 of 1 bad events"]
    assert day["Unseen"][5:8] == ["— (no data)", NOTHING, "no data"]


def day_of(report: Report) -> LongReport:
    """The daily report of it, without a day before, whose month is that day."""
    lines = tuple(
        Line(each, (Day.of(each),), None, "events", Policy(), 0, 0, month=SoFar(each, "events"))
        for each in report.statuses
    )
    return LongReport(
        kind="daily",
        whole=report,
        before=replace(report, statuses=()),
        days=(DayTotals.of(report),),
        lines=lines,
        incidents=(),
        down_seconds=0,
        before_breaches=0,
        before_down_seconds=0,
        revision="0123456789ab",
    )


def test_a_period_out_of_hours_lacks_nothing() -> None:
    closed = replace(measured(None, 1), status=Status.OUT_OF_HOURS)
    assert (words.verdict(closed), words.verdict_colour(closed)) == ("out of hours", words.GREY)
    assert words.verdict(replace(closed, coverage_ratio=0)) == "no data"


def test_a_value_shows_the_share_of_slots_that_reached_it() -> None:
    sessions = replace(measured(990.0, 1), percentile=0.9, unit="seconds", target=300, actual=412)
    assert words.actual(sessions) == "99.00 % at least 300 s"
    assert words.actual(replace(sessions, comparison=Comparison.AT_MOST)) == "99.00 % within 300 s"
    assert words.actual(replace(sessions, compliance_ratio=None)) == "—"


def measured(good: float | None, coverage: float) -> SLAStatus:
    """An SLA with `good` of 1,000 events."""
    return SLAStatus(
        key="k", name="n", component="all", category="availability", severity="high", unit="ratio",
        comparison=Comparison.AT_LEAST, target=0.999, objective_ratio=0.999, percentile=None, actual=None,
        status=Status.NO_DATA, slot=None, good=good or 0.0, total=1000.0 if good else 0.0,
        compliance_ratio=good / 1000 if good else None, coverage_ratio=coverage, in_breach=False,
    )  # fmt: skip


def test_breaches_of_the_past_are_one_mail() -> None:
    def breach(number: int, ended: int | None) -> Breach:
        return Breach(
            number, "API Error Rate", "api-error-rate", "crm", "", "critical", "ratio", Comparison.AT_MOST,
            0.001, 0.05, 1_700_000_100 + number * 3600, ended,
        )  # fmt: skip

    links = {"Status page": "http://localhost:8080/"}
    found = [breach(number, 1_700_000_700 + number * 3600) for number in range(1, 61)]
    mail = catch_up_mail(found, 1_800_000_000, BERLIN, links)
    assert mail.subject == "SLA: 60 past breaches of API Error Rate, found late"
    # The first began at 2023-11-14 23:15 UTC, 00:15 in Berlin; the last ended 59 hours and 10 minutes later.
    assert "2023-11-15 00:15 CET to 2023-11-17 11:25 CET" in mail.text
    for part in (mail.text, mail.html):
        assert part.count("API Error Rate / crm") == 1 + 10  # all of them together, and the newest ten
        assert "10 h" in part  # 60 times 10 minutes
        assert "The newest 10" in part
        assert "5.00 %" in part
        assert "2023-11-17 11:15 CET" in part
    [few] = [catch_up_mail(found[:50], 1_800_000_000, BERLIN, links)]
    assert few.text.count("API Error Rate / crm") == 50
    assert "The newest" not in few.text
    assert len(mail.html) < 50_000
    [one] = [catch_up_mail([breach(1, None)], 1_700_004_300, UTC, links)]
    assert one.subject == "SLA: 1 past breach of API Error Rate, found late"
    assert "10 min, lasts" in one.text


def test_past_breaches_of_many_slas_are_summed_up_by_sla() -> None:
    """80 SLAs with a breach of 10 minutes; the first has another of an hour, which was worse and lasts."""

    def breach(number: int, started: int, ended: int | None, worst: float) -> Breach:
        return Breach(
            number, f"SLA {number}", f"sla-{number}", "all", "", "high", "ratio", Comparison.AT_LEAST,
            0.99, worst, 1_700_000_100 + started, ended if ended is None else 1_700_000_100 + ended,
        )  # fmt: skip

    found = [breach(number, number * 60, number * 60 + 600, 0.9) for number in range(1, 81)]
    found.append(breach(1, 6000, None, 0.8))
    mail = catch_up_mail(found, 1_700_000_100 + 9600, UTC, {})
    assert mail.subject == "SLA: 81 past breaches of 80 SLAs, found late"
    assert re.search(r"SLA 1 +high +2 +1 h 10 min, lasts +80.00 % +≥ 99 %", mail.text)
    assert "30 more are not shown." in mail.text
    assert len(mail.html) < 100_000
