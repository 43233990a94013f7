"""The past of the demonstration's graphs: which rules were true when, and in which pieces it is made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from stack.demo import Demo
from stack.demo_history import Tools
from stack.demo_past import Past, pieces
from stack.errors import StackError
from stack.rule_history import Rule, Series, alerts, recorded, rules, spans

MINUTE = 60
HOUR = 3600
BLOCK = 54 * HOUR
RULES = """
groups:
  - name: things
    rules:
      - {record: "job:errors:ratio", expr: errors / total, labels: {team: agents}}
      - {alert: HighErrors, expr: "job:errors:ratio > 0.05", for: 2m, labels: {severity: critical}}
      - {alert: Down, expr: up == 0, labels: {severity: warning}}
"""
START = 1_773_799_220


def at(*minutes: int, value: str = "0.5") -> list[tuple[int, str]]:
    return [(START + minute * MINUTE, value) for minute in minutes]


@pytest.fixture
def found(tmp_path: Path) -> list[Rule]:
    (tmp_path / "things.yml").write_text(RULES)
    return rules(tmp_path)


def answering(answers: dict[str, list[Series]]) -> Callable[[str, int, int], Iterable[Series]]:
    """A Prometheus with these series."""

    def ask(expr: str, start: int, end: int) -> Iterable[Series]:
        for labels, samples in answers.get(expr, []):
            if inside := [each for each in samples if start <= each[0] <= end]:
                yield labels, inside

    return ask


def test_rules_are_read_with_their_for(found: list[Rule]) -> None:
    assert [(each.record, each.alert, each.for_seconds) for each in found] == [
        ("job:errors:ratio", "", 0), ("", "HighErrors", 120), ("", "Down", 0),
    ]  # fmt: skip


def test_the_shipped_rules_are_read() -> None:
    directory = Path(__file__).resolve().parents[3] / "prometheus" / "rules"
    names = {each.alert for each in rules(directory) + rules(directory / "sla")} - {""}
    assert len(names) == 61
    assert next(each for each in rules(directory) if each.alert == "HighLatencyP99").for_seconds == 600


def test_an_alert_is_pending_for_its_time_and_then_fires_and_a_gap_begins_it_again(found: list[Rule]) -> None:
    """True in minutes 0 to 3 and 6 to 7, `for` two minutes: it fires at 2 and 3 alone."""
    ask = answering({"job:errors:ratio > 0.05": [({"__name__": "x", "job": "a"}, at(0, 1, 2, 3, 6, 7))]})
    lines = list(alerts(ask, found, START, START + HOUR))
    states = ["pending", "pending", "firing", "firing", "pending", "pending"]
    minutes, begins = [0, 1, 2, 3, 6, 7], [0, 0, 0, 0, 6, 6]
    own = 'job="a",severity="critical"'
    assert lines[::2] == [
        f'ALERTS{{alertname="HighErrors",alertstate="{state}",{own}}} 1 {START + minute * MINUTE}\n'
        for state, minute in zip(states, minutes, strict=True)
    ]
    began = [f'ALERTS_FOR_STATE{{alertname="HighErrors",{own}}} {START + begin * MINUTE}' for begin in begins]
    assert lines[1::2] == [
        f"{series} {START + minute * MINUTE}\n" for series, minute in zip(began, minutes, strict=True)
    ]


def test_without_for_an_alert_fires_at_once(found: list[Rule]) -> None:
    ask = answering({"up == 0": [({"__name__": "up", "job": 'a"b'}, at(0, value="0"))]})
    first, _ = alerts(ask, found, START, START)
    assert first == (
        'ALERTS{alertname="Down",alertstate="firing",job="a\\"b",severity="warning"} 1 ' + f"{START}\n"
    )


def test_a_label_that_is_a_template_is_filled_from_the_series() -> None:
    team = (("severity", "high"), ("team", '{{ or $labels.team "platform" }}'))
    breach = Rule("breach", alert="Breach", labels=team)
    ask = answering({"breach": [({"sla": "a"}, at(0)), ({"sla": "b", "team": "payments"}, at(0))]})
    lines = [line for line in alerts(ask, [breach], START, START) if line.startswith("ALERTS{")]
    assert [re.findall(r'(sla|team)="(\w+)"', line) for line in lines] == [
        [("sla", "a"), ("team", "platform")],
        [("sla", "b"), ("team", "payments")],
    ]


def test_an_alert_goes_on_from_one_question_to_the_next(found: list[Rule]) -> None:
    """It begins in the last of the first 10,000 steps; two minutes later, in the next question, it fires."""
    ask = answering({"job:errors:ratio > 0.05": [({"job": "a"}, at(9_999, 10_000, 10_001))]})
    lines = list(alerts(ask, found, START, START + 10_005 * MINUTE))[::2]
    assert [line.partition('alertstate="')[2].partition('"')[0] for line in lines] == [
        "pending", "pending", "firing",
    ]  # fmt: skip


def test_recorded_series_have_their_name_and_the_rule_s_labels_and_are_asked_in_parts(
    found: list[Rule],
) -> None:
    """10,000 steps at once: 25,000 minutes are three questions, and no step is asked twice."""
    asked: list[tuple[int, int]] = []
    ask = answering({"errors / total": [({"job": "a"}, at(0, 9_999, 10_000, 25_000, 25_001))]})

    def counting(expr: str, start: int, end: int) -> Iterable[Series]:
        asked.append((start, end))
        return ask(expr, start, end)

    lines = list(recorded(counting, found, START, START + 25_000 * MINUTE))
    assert [end - start for start, end in asked] == [9_999 * MINUTE, 9_999 * MINUTE, 5_000 * MINUTE]
    assert lines == [
        f'job:errors:ratio{{job="a",team="agents"}} 0.5 {START + minute * MINUTE}\n'
        for minute in (0, 9_999, 10_000, 25_000)
    ]


def test_the_times_around_incidents_are_apart_and_within_the_month() -> None:
    """Two incidents an hour apart with two hours after each are one time; the one that lasts ends with it."""
    day = 24 * HOUR
    incidents = [
        {"begin": 120, "end": 600},
        {"begin": day, "end": day + HOUR},
        {"begin": day + 2 * HOUR, "end": day + 3 * HOUR},
        {"begin": 3 * day - HOUR, "end": None},
    ]
    assert spans(incidents, 0, 3 * day, after_seconds=2 * HOUR) == [
        (0, 600 + 2 * HOUR), (day - 300, day + 5 * HOUR), (3 * day - HOUR - 300, 3 * day),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "end", "wanted"),
    [
        (10 * BLOCK, 10 * BLOCK + 60, [(10 * BLOCK, 10 * BLOCK + 60)]),
        (
            10 * BLOCK - 60,
            11 * BLOCK + 60,
            [(11 * BLOCK, 11 * BLOCK + 60), (10 * BLOCK, 11 * BLOCK), (10 * BLOCK - 60, 10 * BLOCK)],
        ),
        (10 * BLOCK, 11 * BLOCK, [(10 * BLOCK, 11 * BLOCK)]),
        (5, 5, []),
    ],
)
def test_no_piece_lies_in_two_blocks_and_the_newest_is_first(
    begin: int, end: int, wanted: list[tuple[int, int]]
) -> None:
    assert pieces(begin, end) == wanted


@pytest.fixture
def past(bundle: Path, tmp_path: Path) -> Past:
    """One whose Prometheus answers nothing and sees everything, and whose promtool keeps what it reads."""
    demo = Demo(bundle, "insa")
    demo.directory.mkdir(parents=True)
    config = tmp_path / "config"
    (config / "rules" / "sla").mkdir(parents=True)
    (config / "rules" / "things.yml").write_text(RULES)
    story = {"begin": 9 * BLOCK, "end": 11 * BLOCK + 60, "incidents": [{"begin": 10 * BLOCK, "end": None}]}
    words = ("sh", "-c", 'cat "$0" >> "$1"', "{directory}/{file}", str(tmp_path / "kept"))
    tools = Tools(words, {"PATH": "/bin:/usr/bin"}, {})
    return Past(demo, story, tools, answering({}), lambda _expr, _moment: True, config, lambda _: None)


def test_a_second_attempt_goes_on_where_the_first_was_interrupted(past: Past) -> None:
    asked: list[tuple[int, int]] = []

    def replay(first: int, last: int, _file: IO[str]) -> None:
        if len(asked) == 1:
            raise KeyboardInterrupt
        asked.append((first, last))

    with pytest.raises(KeyboardInterrupt):
        past.make(replay, 31)
    assert asked == [(11 * BLOCK, 11 * BLOCK + 60)]
    kept = json.loads((past.demo.directory / "story.json").read_text())
    assert kept["replayed"] == 11 * BLOCK
    assert "alerts" not in kept
    asked.clear()
    past.make(lambda first, last, _file: asked.append((first, last)), 31)
    assert asked == [(10 * BLOCK, 11 * BLOCK), (9 * BLOCK, 10 * BLOCK)]
    assert "alerts" in past.story
    asked.clear()
    past.make(lambda first, last, _file: asked.append((first, last)), 31)
    assert not asked


def test_the_alerts_are_made_once_every_block_of_the_graphs_is_there(past: Past) -> None:
    """Prometheus may take the newest block a minute before the others."""
    seen: list[tuple[str, int]] = []

    def holds(expr: str, moment: int) -> bool:
        seen.append((expr, moment))
        return True

    replace(past, holds=holds).make(lambda *_: None, 31)
    of_worker = [moment for expr, moment in seen if expr == "sla_worker_slot_seconds"]
    assert of_worker == [11 * BLOCK + 60 - 600, 11 * BLOCK - 600, 10 * BLOCK - 600]


def test_so_many_days_of_it_are_today_and_those_before_it(past: Past) -> None:
    """Two days end 60 s after block 11, which begins at 6:00: from midnight before yesterday's on."""
    asked: list[tuple[int, int]] = []
    past.make(lambda first, last, _file: asked.append((first, last)), 2)
    end = past.story["end"]
    assert min(first for first, _ in asked) == end // 86_400 * 86_400 - 86_400


def test_without_days_there_are_no_graphs_of_slas(past: Past) -> None:
    past.make(lambda *_: pytest.fail("asked"), 0)
    assert "recorded" in past.story


def test_alerts_that_fire_before_anything_went_wrong_lack_their_metrics_and_are_left_out(
    past: Past, tmp_path: Path
) -> None:
    """The incident begins at block 10; `Down` is true five minutes before it, `HighErrors` after it."""
    begin = 10 * BLOCK + 20
    always = [(10 * BLOCK - 300 + second, "1") for second in range(0, 600, 1)]
    later = [(begin + minute * MINUTE, "1") for minute in range(4)]
    answers: dict[str, list[Series]] = {"up == 0": [({}, always)], "job:errors:ratio > 0.05": [({}, later)]}
    replace(past, ask=answering(answers)).make(lambda *_: None, 0)
    kept = [line for line in (tmp_path / "kept").read_text().splitlines() if line != "# EOF"]
    assert {line.partition('alertname="')[2].partition('"')[0] for line in kept} == {"HighErrors"}


def test_what_promtool_refuses_is_one_error(past: Past) -> None:
    refusing = replace(past, tools=Tools(("false",), {"PATH": "/bin"}, {}))
    with pytest.raises(StackError, match="promtool could not read the past of the graphs"):
        refusing.make(lambda *_: None, 1)


def test_what_prometheus_never_reads_is_one_error(past: Past) -> None:
    blind = replace(past, holds=lambda _expr, _moment: False, seen_seconds=0.0)
    with pytest.raises(StackError, match="has not read the past of job:errors:ratio"):
        blind.make(lambda *_: None, 0)
