"""The daily mail beside the ledger: its change from the day before, and what is left of the budget."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any, Protocol

from e2e.live import Mail
from e2e.report_tables import DAY_COLUMNS, NOTHING, day_table_of_text

_HALF_A_DIGIT = 0.005
_CHANGE, _LEFT = DAY_COLUMNS.index("change"), DAY_COLUMNS.index("budget left")


class Ledger(Protocol):
    """Who answers for it: a running stack, or a worker in a test."""

    @property
    def sla_worker(self) -> str: ...
    def get(self, url: str, **params: Any) -> Any:
        """The answer to a question."""
        ...


def compared_with_the_ledger(stack: Ledger, mail: Mail) -> None:
    """Assert that mail and API say the same of the day, of the day before and of the month so far."""
    [content] = [json.loads(each) for name, each in mail.files.items() if name.endswith(".json")]
    start, end = (dt.datetime.fromisoformat(content[name]) for name in ("start", "end"))
    month = (end - dt.timedelta(seconds=1)).replace(day=1, hour=0, minute=0, second=0)
    day, before, so_far = (
        _over(stack, *span) for span in ((start, end), (start - (end - start), start), (month, end))
    )
    table = day_table_of_text(mail.text, {each["name"] for each in day.values()})
    assert table.keys() == day.keys()
    for title, cells in table.items():
        now, then = (found.get(title, {}).get("compliance_ratio") for found in (day, before))
        if now is None or then is None:
            assert cells[_CHANGE].startswith(NOTHING), title
        elif not cells[_CHANGE].startswith(f"{NOTHING} (new version"):
            assert abs(_points(cells[_CHANGE]) - 100 * (now - then)) <= _HALF_A_DIGIT, title
        left = so_far[title]["error_budget"]["left_ratio"]
        if left is None:
            assert cells[_LEFT] == NOTHING, title
        elif cells[_LEFT] != "none":
            assert abs(_percent(cells[_LEFT]) - 100 * left) <= _HALF_A_DIGIT, title


def _over(stack: Ledger, start: dt.datetime, end: dt.datetime) -> dict[str, dict[str, Any]]:
    """What the API says of each SLA over a period, by its title."""
    times = {"from": start.isoformat(), "to": end.isoformat()}
    found = stack.get(f"{stack.sla_worker}/api/compliance", **times)["slas"]
    return {
        each["name"] if each["component"] == "all" else f"{each['name']} / {each['component']}": each
        for each in found
    }


def _points(cell: str) -> float:
    return 0.0 if cell == "no change" or cell.startswith("less than") else _number(cell)


def _percent(cell: str) -> float:
    return _number(cell.removesuffix(" %"))


def _number(text: str) -> float:
    [found] = re.findall(r"[+−]?\d+\.\d+", text)
    return float(found.replace("−", "-"))
