"""Where a composite is shown, its lowest member stands beside it: page, report, mail and API."""

from __future__ import annotations

import json
from pathlib import Path

from sla_worker.delivery.kinds import Sources, daily
from unit.sla_worker.fake_prometheus import GOOD, SLOT, THREE
from unit.sla_worker.setting import Setting

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
      members: [{sla: api-error-rate, weight: 60}, {sla: platform-uptime, weight: 40}]
"""


def test_the_lowest_member_is_named_with_its_compliance(tmp_path: Path) -> None:
    """930 of 1,000 requests are good, 93 %; of 20 scrapes round(18.6) = 19, 95 %."""
    file = tmp_path / "slas.yml"
    file.write_text(THREE.read_text(encoding="utf-8").rstrip() + SCORE, encoding="utf-8")
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(file))
    setting.prometheus.values[GOOD] = 930.0
    setting.step()
    words = "lowest: API Error Rate 93.00 %"
    assert words in setting.ask("/")[1].replace("\N{NO-BREAK SPACE}", " ")
    mail = daily(Sources(setting.service.database, setting.service.settings, SLOT + 45))
    assert f"\nHealth Score: {words}\n" in mail.text
    assert words in mail.html.replace("\N{NO-BREAK SPACE}", " ")
    answer = json.loads(setting.ask("/api/measurements?sla=health")[1])
    assert answer["measurements"][0]["actual"] == 0.938  # 0.6 x 0.93 + 0.4 x 0.95
    assert answer["lowest"] == {
        "sla": "api-error-rate", "name": "API Error Rate", "compliance_ratio": 0.93, "hours": 24,
    }  # fmt: skip
    assert "lowest" not in json.loads(setting.ask("/api/measurements?sla=api-error-rate")[1])

    setting.prometheus.values[GOOD] = 1000.0
    setting.now += 48 * 3600
    setting.step()
    assert "lowest" not in setting.ask("/")[1]  # all members are at 100 % over these 24 hours
    setting.close()
