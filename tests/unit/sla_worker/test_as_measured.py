"""Breaches without exclusions and corrections are those of a ledger that has none."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from sla_worker import cli
from sla_worker.as_measured import breaches_as_measured
from sla_worker.model import CountsAs, Planned, Policy, Scope, Wrong
from sla_worker.reports import report_between
from unit.sla_worker.month_ledger import SLOTS, START, STEP, UPTIME
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_backtest import KINDS, fill, ledger
from unit.sla_worker.test_maintenance import WHO, setting

__all__ = ["setting"]


@pytest.mark.parametrize("policy", [Policy(), Policy(breach_after=2, recover_after=3)])
def test_they_are_those_of_a_ledger_without_any(tmp_path: Path, policy: Policy) -> None:
    """300 slots by chance, the last three bad and in maintenance: counted none lasts, measured one does."""
    chance = Random(11)  # noqa: S311 - the same each time
    slots = {slot: chance.choice(KINDS) for slot in SLOTS[:297]}
    slots |= dict.fromkeys(SLOTS[297:300], (0.0, 10.0, 1.0))
    definition = replace(UPTIME, policy=policy)
    end = SLOTS[299]
    with (
        closing(ledger(tmp_path / "one.db", definition)) as one,
        closing(ledger(tmp_path / "plain.db", definition)) as plain,
    ):
        for database in (one, plain):
            fill(database, definition, slots)
        for first in (20, 40, 41, 150, 296):
            planned = Planned(Scope(), SLOTS[first], SLOTS[first + 3], "ann", "disks")
            one.maintenance.add(planned, end)
        for slot in (SLOTS[100], SLOTS[200]):
            one.corrections.add(
                Wrong(UPTIME.key, slot - STEP, slot + 5 * STEP, CountsAs.BAD, "ann", "odd"), end
            )
        told = [(each.started_at, each.ended_at, each.worst) for each in plain.breaches_between(START, end)]
        assert [
            (each.started_at, each.ended_at, each.worst) for each in breaches_as_measured(one, START, end)
        ] == told
        assert len(told) > 5
        assert told != [
            (each.started_at, each.ended_at, each.worst) for each in one.breaches_between(START, end)
        ]
        for exclusions, lasting in ((True, False), (False, True)):
            report = report_between(one, title="r", start=START, end=end, now=end, exclusions=exclusions)
            assert bool(report.active_breaches) is lasting
            assert report.statuses[0].in_breach is lasting
            assert report.period_breaches == (len(told) if lasting else len(one.breaches_between(START, end)))


def test_the_terminal_and_explain_say_both(setting: Setting, capsys: pytest.CaptureFixture[str]) -> None:
    """The bad slot, 22:20 to 22:25, is in maintenance: no breach counts, one was measured."""
    window = ("--from", "2023-11-14T22:20", "--to", "2023-11-14T22:25")
    assert cli.main(["maintenance", "add", *window, "--all", *WHO]) == 0
    capsys.readouterr()
    assert cli.main(["explain", "platform-uptime", "2023-11-14"]) == 0
    text = capsys.readouterr().out
    assert "\nBreaches\n" not in text
    assert "\nBreaches, as measured\n" in text
    setting.start()
    breaches = [
        report_between(
            setting.service.database,
            title="r",
            start=int(setting.now) - 86_400,
            end=int(setting.now),
            now=int(setting.now),
            exclusions=exclusions,
        ).period_breaches
        for exclusions in (True, False)
    ]
    setting.close()
    assert breaches[0] == 0 < breaches[1]
