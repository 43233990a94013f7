"""The daily mail, the API and with it the status page say the same of change and error budget."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from e2e.daily import compared_with_the_ledger
from e2e.live import Mail
from e2e.report_tables import day_table_of_text
from sla_worker.delivery.kinds import Sources, daily
from unit.sla_worker.fake_prometheus import GOOD, THREE
from unit.sla_worker.setting import Setting

NAMES = {"API Error Rate", "API Response Time P95", "Platform Uptime"}


@dataclass
class Answers:
    """A worker's answers, as those of a running stack."""

    setting: Setting
    sla_worker: str = ""

    def get(self, url: str, **params: Any) -> Any:
        """The answer as JSON."""
        return json.loads(self.setting.ask(f"{url}?{urlencode(params)}")[1])


def sent(setting: Setting) -> Mail:
    made = daily(Sources(setting.service.database, setting.service.settings, int(setting.now)))
    files = {each.name: each.content for each in made.attachments}
    return Mail(setting.now, ("owner@example.com",), made.subject, made.html, made.text, files)


def test_change_and_budget_are_those_of_the_api(tmp_path: Path) -> None:
    """One day of 10 errors in 1,000 requests a slot, then one of none: 99 % good, then 100 %.

    Of the month's requests 0.1 % may fail: half of the time 1 % did, which is five times as much in all.
    """
    setting = Setting(tmp_path)
    setting.prometheus.values[GOOD] = 990.0
    setting.step()
    mail = sent(setting)
    compared_with_the_ledger(Answers(setting), mail)
    assert {cells[5] for cells in day_table_of_text(mail.text, NAMES).values()} == {"— (not there before)"}
    for errors in (10, 0):
        setting.prometheus.values[GOOD] = 1000.0 - errors
        setting.now += 86_400
        setting.step()
    mail = sent(setting)
    table = day_table_of_text(mail.text, NAMES)
    compared_with_the_ledger(Answers(setting), mail)
    assert table["API Error Rate"][5] == "+1.00 points"
    assert table["API Error Rate"][6].startswith("−4")
    wrong = replace(mail, text=mail.text.replace("+1.00 points", "+1.01 points"))
    with pytest.raises(AssertionError):
        compared_with_the_ledger(Answers(setting), wrong)
    setting.close()


SCORE = """
  - key: health
    name: Health Score
    category: composite
    severity: high
    comparison: ">="
    target: 0.95
    unit: ratio
    description: Two of the three.
    sli:
      kind: composite
      members: [{sla: api-error-rate, weight: 60}, {category: availability, weight: 40}]
"""


@pytest.mark.parametrize(
    ("was", "becomes", "whose"),
    [
        ("target: 0.001", "target: 0.002", "API Error Rate"),
        ("target: 0.999", "target: 0.99", "Platform Uptime"),
    ],
)
def test_a_composite_is_not_compared_across_a_new_version_of_a_member(
    tmp_path: Path, was: str, becomes: str, whose: str
) -> None:
    """One of its members is an SLA, the other one a category."""
    file, content = tmp_path / "slas.yml", THREE.read_text(encoding="utf-8").rstrip() + SCORE
    file.write_text(content, encoding="utf-8")
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(file))
    names = NAMES | {"Health Score"}

    def changes() -> dict[str, str]:
        return {title: cells[5] for title, cells in day_table_of_text(sent(setting).text, names).items()}

    for _ in range(3):
        setting.step()
        setting.now += 86_400
    setting.step()
    assert set(changes().values()) == {"no change"}
    setting.close()
    file.write_text(content.replace(was, becomes), encoding="utf-8")
    setting.start()
    setting.now += 3600
    setting.step()
    known = changes()
    assert {title for title, change in known.items() if change == "— (new version)"} == {
        whose,
        "Health Score",
    }
    assert set(known.values()) == {"— (new version)", "no change"}
    setting.close()
