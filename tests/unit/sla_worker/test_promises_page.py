"""docs/slas.md: made from the definitions, and what it says of a policy."""

from pathlib import Path

import pytest

from sla_worker import cli
from sla_worker.definitions import read_definitions
from sla_worker.render.promises import page, policy_words

ROOT = Path(__file__).parents[3]
GOOD = Path(__file__).parent / "definitions" / "good.yml"


def test_the_committed_page_is_what_the_definitions_give(capsys: pytest.CaptureFixture[str]) -> None:
    file = ROOT / "docs" / "slas.md"
    assert file.read_text(encoding="utf-8") == page(
        read_definitions(ROOT / "sla-worker" / "sla_thresholds.yml")
    )
    alerts = ROOT / "prometheus" / "rules" / "sla" / "error_budgets.yml"
    assert generate(file, alerts, "--check") == 0
    assert capsys.readouterr().out == f"{file}: is up to date\n{alerts}: is up to date\n"


def generate(page: Path, alerts: Path, *more: str) -> int:
    return cli.main(["generate", "--output", str(page), "--rules", str(alerts), *more])


def test_files_of_other_definitions_are_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLA_DEFINITIONS", str(GOOD))
    file, alerts = tmp_path / "slas.md", tmp_path / "alerts.yml"
    assert generate(file, alerts, "--check") == 1
    assert capsys.readouterr().err == f"error: {file}: stale; run `make generate`\n"
    assert generate(file, alerts) == 0
    assert generate(file, alerts, "--check") == 0
    assert (
        "| **Latency**<br>It answers soon. | ≤ 5 s for 95 % of events | medium | latency: histogram"
        ' `request_duration_seconds{job="shop", path!="/health"}` |'
    ) in file.read_text(encoding="utf-8")
    alerts.write_text("groups: []\n")
    assert generate(file, alerts, "--check") == 1
    assert f"error: {alerts}: stale" in capsys.readouterr().err
    assert generate(tmp_path, alerts) == 1
    assert "give another file" in capsys.readouterr().err


def test_a_policy_says_what_departs_from_the_defaults() -> None:
    words = {each.key: policy_words(each.policy) for each in read_definitions(GOOD)}
    assert words == {
        "errors": "at least 20 events a slot; maintenance counts as good; breached after 3 bad slots;"
        " over after 2 good ones; new series count from their first value; over month, 30d, quarter; public",
        "platform-uptime": "breached after 2 bad slots",
        "latency": "Mon to Fri, 09:00 to 17:00 Europe/Berlin, without 2 holidays; breached after 2 bad slots",
        "breaker": "Mon, Wed, Fri, Sat, Sun, 22:00 to 06:00 UTC, without 1 holiday; breached after 2"
        " bad slots",
        "sessions": "no data is bad; breached after 2 bad slots",
        "health": "breached after 2 bad slots; credits 10 % below 99.9 %, 25.5 % below 99 %",
    }
