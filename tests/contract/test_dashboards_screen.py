"""What a title and a legend have room for, beside what was seen in a Grafana 1600 pixels wide."""

from __future__ import annotations

from typing import Any

import pytest

from contract.made_up_dashboard import panel
from dashboards import screen


def titled(title: str, columns: int, **more: object) -> dict[str, Any]:
    return {**panel(1, "stat", (columns, 5, 0, 0)), "title": title, **more}


@pytest.mark.parametrize(
    ("title", "columns", "more", "seen_whole"),
    [
        ("Active breaches", 4, {}, False),  # seen: Active breac…
        ("Last measurement", 3, {}, False),  # seen: Last …
        ("SLAs meeting target", 5, {}, True),
        ("Overall compliance", 5, {}, True),
        ("Breach trend, 24 h", 7, {"timeFrom": "24h"}, True),
        ("Error budget remaining", 8, {}, True),
        ("Message Processing Time P95 (target ≤ 2 s)", 12, {}, True),
    ],
)
def test_titles_that_were_seen(
    title: str, columns: int, more: dict[str, object], *, seen_whole: bool
) -> None:
    assert (not list(screen.title_problems(titled(title, columns, **more)))) is seen_whole


def test_a_badge_and_an_icon_take_room_from_the_title() -> None:
    # 7 columns: 7 * 45.2 + 6 * 8 = 364.4 pixels; less 96, over 7.5: 35.8. Less 130: 18.5, less 32: 31.5.
    assert screen.letters(titled("", 7)) == 35
    assert screen.letters(titled("", 7, timeFrom="24h")) == 18
    assert screen.letters(titled("", 7, timeFrom="24h", hideTimeOverride=True)) == 35
    assert screen.letters(titled("", 7, links=[{}])) == 31
    # A variable counts as 24 letters: 24 and " SLA" are 28, as many as 6 columns show.
    assert not list(screen.title_problems(titled("${sla:text} SLA", 6)))
    assert list(screen.title_problems(titled("$sla SLAs", 6)))


def with_legend(high: int, legends: list[str], **legend: object) -> dict[str, Any]:
    options = {"legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", **legend}}
    made = panel(1, "timeseries", (7, high, 0, 0), options=options)
    made["targets"] = [{"legendFormat": text} for text in legends]
    return made


@pytest.mark.parametrize(
    ("high", "legends", "legend", "seen_whole"),
    [
        # Seen: critical, high and low in the first line, the half of medium below it.
        (5, ["{{severity}}"], {"calcs": ["max"]}, False),
        (6, ["{{severity}}"], {"calcs": ["max"]}, True),  # (170 * 0.35 - 8) / 21.5 = 2.4
        (5, ["P95"], {}, True),
        # Seen: the head, error, success, and the half of timeout.
        (8, ["error", "success"], {"displayMode": "table"}, True),
        (8, ["error", "success", "timeout"], {"displayMode": "table"}, False),
        (10, ["error", "success", "timeout"], {"displayMode": "table"}, True),  # (322 * 0.35 - 32) / 23 = 3.5
        # At the right it has the panel's whole height: (246 - 24) / 23 = 9.7 rows.
        (8, ["{{a}}", "{{b}}"], {"displayMode": "table", "placement": "right"}, True),
        (8, ["{{a}}", "{{b}}", "{{c}}"], {"displayMode": "table", "placement": "right"}, False),
        (5, ["{{severity}}", "b", "c"], {"showLegend": False}, True),
    ],
)
def test_legends(high: int, legends: list[str], legend: dict[str, object], *, seen_whole: bool) -> None:
    assert (not list(screen.legend_problems(with_legend(high, legends, **legend)))) is seen_whole
