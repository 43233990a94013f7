"""`sla_explain`: the parts of a figure add up to it, and it is the figure that everything else shows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker import cli
from sla_worker.errors import SLAWorkerError
from sla_worker.explain import explain, period
from sla_worker.model import Member
from sla_worker.render.explained import explained_page, explained_text
from sla_worker.render.format import ratio, remark
from sla_worker.reports import period_report
from sla_worker.spans import Span
from sla_worker.windows import read
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_versions_measured import BEGIN, Ledger, composite, good, sla

UTC = ZoneInfo("UTC")
END = BEGIN + 86_400


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A day of an SLA whose target changes after 12 hours and 10 minutes, and of a composite of it."""
    made = Ledger(tmp_path_factory.mktemp("explain") / "sla.db")
    members = (Member(60, sla="a"), Member(40, sla="b"))
    ledger_file = [sla("a", "one", 1, 0.95), sla("b", "two", 5, 0.2), composite(*members)]
    made.sync(ledger_file, at=0)
    made.run(20)
    made.sync([sla("a", "one", 1, 0.5), *ledger_file[1:]], at=43_700)  # from 43,800 on
    made.run(86_420)
    yield made
    made.database.close()


@pytest.mark.parametrize("text", ["1h", "6h", "24h", "month", "2023-11-15", "2023-11-14T23:40"])
@pytest.mark.parametrize("key", ["a", "b", "both"])
def test_the_parts_add_up_to_the_figure(ledger: Ledger, key: str, text: str) -> None:
    span = period(text, ledger.database, UTC, ledger.now)
    start, end = span.start, span.end
    found = explain(ledger.database, key, start, end)
    [figure] = found["figures"]
    assert sum(each["good"] for each in found["parts"]) == figure["good"]
    assert sum(each["total"] for each in found["parts"]) == figure["total"]
    assert figure["total"] > 0
    slots = [slot for slot in range(start + 300, end + 1, 300) if slot >= BEGIN]
    assert sum(each["good"] for each in found["slots"]) == figure["good"]
    assert [each["slot"] for each in found["slots"]] == slots
    assert found["slot_rows"] == len(slots)
    if key == "a":
        assert figure["good"] == sum(good("one", slot, 1) for slot in slots)
    if key == "both":
        weighted = sum(each["weight"] * each["compliance_ratio"] for each in found["members"])
        assert figure["compliance_ratio"] == pytest.approx(weighted / 100, abs=1e-12)


@pytest.mark.parametrize("window", ["1h", "6h", "1d", "month"])
def test_it_is_the_figure_of_report_page_and_metrics(ledger: Ledger, window: str) -> None:
    shown = {each.key: each for each in read(ledger.database, UTC, ledger.now).windows[window]}
    for key, status in shown.items():
        span = period({"1d": "24h"}.get(window, window), ledger.database, UTC, ledger.now)
        [figure] = explain(ledger.database, key, span.start, span.end, moves=span.moves)["figures"]
        assert figure["error_budget"]["left_ratio"] == status.budget_left_ratio
        assert figure["compliance_ratio"] == status.compliance_ratio
        assert figure["coverage_ratio"] == status.coverage_ratio
        assert figure["held_to_ratio"] == status.held_to_ratio
    if window == "1d":
        report = period_report(ledger.database, title="", hours=24, now=int(ledger.now))
        assert list(shown.values()) == list(report.statuses)


def test_it_names_the_versions_and_what_each_of_them_asks(ledger: Ledger) -> None:
    found = explain(ledger.database, "a", BEGIN, END)
    assert [(each["version"], each["valid_until"], each["target"]) for each in found["versions"]] == [
        (1, BEGIN + 43_800, 0.95), (2, None, 0.5),
    ]  # fmt: skip
    assert [(each["version"], each["time"], each["query"]) for each in found["queries"]] == [
        (1, BEGIN + 43_800, "one[300s]"), (2, END, "one[300s]"),
    ]  # fmt: skip
    assert {each["version"] for each in found["parts"] if each["end"] <= BEGIN + 43_800} == {1}
    assert {each["version"] for each in found["parts"] if each["end"] > BEGIN + 43_800} == {2}
    [later] = explain(ledger.database, "a", END - 3600, END)["versions"]
    assert later["version"] == 2
    said = explained_text(found, UTC)
    assert "held to 72.81 %" in said  # (146 slots · 0.95 + 142 · 0.5) ÷ 288


def test_reports_say_when_a_version_changed(ledger: Ledger) -> None:
    day = {each.key: each for each in ledger.database.get_current_sla_status(24, end=END)}
    # Of the 288 slots of the day 146 are judged by 0.95 and 142 by 0.5: 0.728125.
    assert remark(day["a"], UTC) == "new version from 2023-11-15 11:10 UTC; held to 72.81 %"
    assert remark(day["b"], UTC) is None


def test_a_time_is_the_slot_that_ends_then_or_in_which_it_lies(ledger: Ledger) -> None:
    slot = period("2023-11-15T09:05", ledger.database, UTC, ledger.now)
    assert slot == period("2023-11-15T09:00:01", ledger.database, UTC, ledger.now)
    assert slot == Span(1_700_038_800, 1_700_039_100)
    assert period("2023-11-15T09:00/2023-11-15T10:04", ledger.database, UTC, ledger.now) == Span(
        1_700_038_800, 1_700_042_400,
    )  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "yesterday", "0h", "2023-13", "2023-02-30", "5w", "/", "2030-01"])
def test_what_is_no_period_is_refused_with_a_fix(ledger: Ledger, wrong: str) -> None:
    with pytest.raises(SLAWorkerError, match=r"; give a time like 2026-03-01T09:00, or a period like 24h"):
        period(wrong, ledger.database, UTC, ledger.now)


def test_command_api_and_page_lead_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = Setting(tmp_path)
    setting.step()
    status, body = setting.ask("/api/explain?sla=api-error-rate&period=24h")
    assert status == "200 OK"
    assert json.loads(body)["figures"][0]["total"] == 1000
    assert '"/explain?sla=api-error-rate&amp;period=24h"' in setting.ask("/")[1]
    status, body = setting.ask("/explain?sla=api-error-rate&period=24h")
    assert status == "200 OK"
    assert "<h1>API Error Rate</h1>" in body
    assert "all: 1000 good of 1000 = 100.00 %, held to 99.90 %" in body
    for wrong in ("?sla=nobody", "?sla=api-error-rate&period=x", ""):
        assert setting.ask(f"/explain{wrong}")[0] == "400 Bad Request"
    assert setting.ask("/api/explain?sla=nobody")[0] == "400 Bad Request"
    assert setting.ask("/api/explain?sla=api-error-rate&period=x")[0] == "400 Bad Request"
    assert setting.ask("/api/explain")[0] == "400 Bad Request"
    setting.close()
    for name, value in setting.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("SLA_INTERVAL_SECONDS", "SLA_SCRAPE_INTERVAL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["explain", "api-error-rate", "2023-11-14T22:15", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["end"], found["slots"][0]["good"], found["slots"][0]["state"]) == (SLOT, 1000, "met")
    assert cli.main(["explain", "api-error-rate", "2023-11-14T22:15"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "api-error-rate, slots from 2023-11-14 22:10 UTC to 2023-11-14 22:15 UTC",
        "all: 1000 good of 1000 = 100.00 %, held to 99.90 %, 100.00 % measured",
    ]
    assert cli.main(["explain", "nobody", "24h"]) == 1
    assert "error: there is no SLA nobody; " in capsys.readouterr().err


def test_a_composite_says_what_its_members_make(ledger: Ledger) -> None:
    """Its slots are all good or bad, its compliance is between: `12 good of 12 = 61.80 %` does not add up."""
    found = explain(ledger.database, "both", BEGIN, BEGIN + 3600)
    [figure] = found["figures"]
    assert figure["compliance_ratio"] != figure["good"] / figure["total"]
    line = explained_text(found, UTC).splitlines()[1]
    assert line.startswith(
        f"all: {ratio(figure['compliance_ratio'])}, the weighted mean of its members, held"
    )


def cells(page: str) -> list[list[str]]:
    """The rows of every table of a page."""
    return [
        [html.unescape(re.sub("<[^>]*>", "", cell)) for cell in re.split("</t[dh]>", row)[:-1]]
        for row in re.findall("<tr>(.*?)</tr>", page)
    ]


def test_people_get_the_same_as_a_page(ledger: Ledger) -> None:
    """Every line and every cell of the terminal's text, with the period and the other ones as links."""
    found = explain(ledger.database, "a", BEGIN + 42_600, BEGIN + 44_100)
    page = explained_page(found, "A <b>", "24h", UTC)
    assert "A &lt;b&gt;" in page
    assert "<b>A" not in page
    assert '"/api/explain?sla=a&amp;period=24h"' in page
    assert "<b>24h</b>" in page
    assert '"/explain?sla=a&amp;period=month"' in page
    said = explained_text(found, UTC)
    rows = [" ".join(row) for row in cells(page)]
    plain = html.unescape(re.sub("<[^>]*>", "\n", page))
    for line in filter(None, said.splitlines()[1:]):
        words = re.sub(" +", " ", line.strip())
        if not re.fullmatch("[- ]+", words) and not words.startswith(("query=", "time=", "Ask")):
            assert words in rows or words in plain.splitlines(), words
    assert len(rows) == 4 + 2 + 4 + 5 + 1  # heads, versions, parts, slots, breach
    for each in found["queries"]:
        assert each["query"] in plain
        assert f"{each['gives']}, at time={each['time']} of /api/v1/query" in plain


def test_the_page_of_a_long_period_says_how_to_see_its_slots(ledger: Ledger) -> None:
    page = explained_page(explain(ledger.database, "a", BEGIN - 86_400, END), "a", "2d", UTC)
    assert "Slots, as measured" in page
    more = explain(ledger.database, "a", BEGIN - 86_400, END) | {"slots": None, "slot_rows": 999}
    page = explained_page(more, "a", "2d", UTC)
    assert "Slots, as measured" not in page
    assert "999 rows of slots; give a shorter period to see them" in page


def test_the_page_of_the_command_shows_its_real_help_and_output(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "explain.md").read_text("utf-8")
    monkeypatch.setenv("COLUMNS", "110")
    with pytest.raises(SystemExit):
        cli.main(["explain", "--help"])
    words = capsys.readouterr().out.split()
    [shown] = re.findall(r"```\n(usage: .*?)```", page, re.DOTALL)
    assert shown.split() == words  # line by line it differs between versions of Python
    span = period("2023-11-15T11:00/2023-11-15T11:20", ledger.database, UTC, ledger.now)
    assert explained_text(explain(ledger.database, "a", span.start, span.end), UTC) in page
