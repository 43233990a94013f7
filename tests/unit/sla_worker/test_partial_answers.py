"""A store behind a real Prometheus that does not answer: rows of that time are read again when it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from ports import free_port
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.prometheus_server import directories, load, serving
from unit.sla_worker.setting import Setting
from unit.sla_worker.silent_store import REMOTE, scraped, using

SLAS = """
slas:
  - {key: errors, name: Errors, category: reliability, severity: high, comparison: "<=", target: 0.1,
     unit: ratio, description: d,
     sli: {kind: events, total: requests_total, bad: 'requests_total{code="500"}'}}
  - {key: depth, name: Depth, category: efficiency, severity: low, comparison: ">=", target: 1,
     unit: tasks, description: d,
     sli: {kind: value, expression: 'count(rate(depth[$slot]))', objective: 0.9}}
"""


def samples() -> str:
    """A target scraped every 15 s; of 10 requests a scrape one fails. `rate` of a gauge gets an info."""
    times = [SLOT - 600 + 15 * number + 7 for number in range(100)]
    lines = ["# TYPE depth gauge"]
    lines += [f'depth{{job="app",instance="a"}} 5 {at}' for at in times]
    return "\n".join([*lines, *scraped(times), "# EOF", ""])


def rows(setting: Setting) -> list[tuple[int, float, float, bool]]:
    found = setting.service.database.newest_measurements("errors", 9)
    return [((row.slot - SLOT) // 300, row.good, row.total, row.final) for row in reversed(found)]


@pytest.mark.parametrize("directory", directories())
def test_a_slot_read_in_part_is_read_again_once_the_store_answers(
    directory: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "slas.yml").write_text(SLAS)
    load(directory, tmp_path / "data", samples())
    setting = Setting(tmp_path, SLA_DEFINITIONS=str(tmp_path / "slas.yml"))
    with serving(directory, tmp_path / "data", REMOTE.format(port=free_port())) as url:
        using(setting, url)
        setting.step()
    assert rows(setting) == [(0, 180, 200, False)]
    assert caplog.text.count("prometheus warns message='remote") >= 1
    with serving(directory, tmp_path / "data") as url:
        using(setting, url)
        setting.now += 300
        setting.step()
    assert rows(setting) == [(0, 180, 200, True), (1, 180, 200, True)]
    # The value's expression is one of which Prometheus 3 gives an info each time.
    assert [row.final for row in setting.service.database.newest_measurements("depth", 9)] == [True, True]
    setting.close()
