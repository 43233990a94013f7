"""Nothing starts while rules, settings and configuration disagree; alerts without runbooks are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stack import agreement, runbooks
from stack.errors import StackError
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def with_worker(instance: Instance) -> Instance:
    """The miniature with the shipped sla-worker, its definitions and the rules made for 300 s and 15 s."""
    shutil.rmtree(instance.root / "sla-worker")
    shutil.copytree(
        ROOT / "sla-worker", instance.root / "sla-worker", ignore=shutil.ignore_patterns("__pycache__")
    )
    (instance.root / "prometheus" / "rules" / "sla").mkdir(parents=True)
    agreement.generate(instance)
    return instance


def test_shipped_settings_rules_and_configuration_agree(with_worker: Instance) -> None:
    agreement.check_intervals(with_worker)
    assert agreement.check_rules(with_worker)
    made = agreement.file_of_rules(with_worker.root / "prometheus")
    assert made.read_bytes() == agreement.file_of_rules(ROOT / "prometheus").read_bytes()


def test_without_the_sla_worker_there_is_nothing_to_ask(instance: Instance) -> None:
    assert not agreement.check_rules(instance)


@pytest.mark.parametrize(
    ("name", "value"), [("SLA_INTERVAL_SECONDS", "60"), ("SLA_SCRAPE_INTERVAL_SECONDS", "30")]
)
def test_rules_made_for_other_settings_are_refused_until_they_are_made_again(
    with_worker: Instance, name: str, value: str
) -> None:
    with_worker.env[name] = value
    with pytest.raises(StackError, match=r"recording\.yml") as caught:
        agreement.check_rules(with_worker)
    assert "make generate" in str(caught.value.fix)
    agreement.generate(with_worker)
    assert agreement.check_rules(with_worker)


def test_rules_made_from_other_definitions_are_refused(with_worker: Instance) -> None:
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text(path.read_text().replace("api-error-rate", "api-failure-rate"))
    with pytest.raises(StackError, match=r"recording\.yml") as caught:
        agreement.check_rules(with_worker)

    assert caught.value.message.endswith("gives for api-error-rate, api-failure-rate")
    assert caught.value.fix == "make generate, then the same again"


def test_a_wrong_definition_is_said_once_with_its_fix(with_worker: Instance) -> None:
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text(path.read_text().replace("category: reliability", "category: reliable", 1))
    with pytest.raises(StackError, match=r"sla_thresholds\.yml:\d+: ") as caught:
        agreement.check_rules(with_worker)
    assert ";" not in caught.value.message
    assert caught.value.fix is not None
    assert "reliability" in caught.value.fix


def test_dashboards_made_from_other_definitions_are_refused(with_worker: Instance) -> None:
    assert not agreement.check_dashboards(with_worker)  # the miniature has none
    shutil.copytree(ROOT / "grafana" / "dashboards", with_worker.root / "grafana" / "dashboards")
    assert agreement.check_dashboards(with_worker)
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text("# A comment changes nothing.\n" + path.read_text())
    assert agreement.check_dashboards(with_worker)
    # The rules do not hold this target, but the dashboards do.
    path.write_text(path.read_text().replace("target: 0.999", "target: 0.998", 1))
    assert agreement.check_rules(with_worker)
    with pytest.raises(StackError, match=r"dashboards are stale: sla-worker/sla_thresholds\.yml has changed"):
        agreement.check_dashboards(with_worker)
    # Where others are used, nobody makes dashboards from them.
    with_worker.env["SLA_DEFINITIONS_DIR"] = "elsewhere"
    assert not agreement.check_dashboards(with_worker)


def test_a_setting_that_the_worker_refuses_is_said_in_its_words(with_worker: Instance) -> None:
    with_worker.env["SLA_INTERVAL_SECONDS"] = "100"  # not a multiple of 15
    with pytest.raises(StackError, match=r"^SLA_INTERVAL_SECONDS=100"):
        agreement.generate(with_worker)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("global:\n  scrape_interval: 30s\n  evaluation_interval: 15s\n", [":2: scrape_interval is 30s"]),
        ("global:\n  scrape_interval: 15s\n  evaluation_interval: 1m\n", [":3: evaluation_interval is 1m"]),
        ("global: {}\n", [": scrape_interval is 1m", ": evaluation_interval is 1m"]),  # Prometheus' default
        ("global:\n  scrape_interval: 15s\n  evaluation_interval: 15000ms\n", []),
    ],
)
def test_prometheus_must_scrape_and_evaluate_as_the_settings_say(
    instance: Instance, text: str, lines: list[str]
) -> None:
    (instance.root / "prometheus" / "prometheus.yml").write_text(text)
    if not lines:
        agreement.check_intervals(instance)
        return
    with pytest.raises(StackError) as caught:
        agreement.check_intervals(instance)
    assert caught.value.message.splitlines() == [
        f"prometheus/prometheus.yml{line}, but SLA_SCRAPE_INTERVAL_SECONDS=15" for line in lines
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("15", None), ("", None)]
)
def test_durations_are_those_of_prometheus(text: str, seconds: float | None) -> None:
    assert agreement.seconds(text) == seconds


def test_an_alert_without_a_runbook_is_named_with_file_and_line(instance: Instance) -> None:
    prometheus = instance.root / "prometheus"
    (prometheus / "prometheus.yml").write_text("rule_files: [rules/*.yml]\n")
    (prometheus / "rules").mkdir()
    (prometheus / "rules" / "a.yml").write_text(
        "groups:\n  - name: a\n    rules:\n      - {record: x, expr: y}\n"
        "      - alert: HasOne\n        expr: up\n      - alert: HasNone\n        expr: up\n"
        "      - alert: HasADirectory\n        expr: up\n"
    )
    (instance.root / "runbooks" / "HasOne.md").write_text("# HasOne\n")
    (instance.root / "runbooks" / "HasADirectory.md").mkdir()
    with pytest.raises(StackError) as caught:
        runbooks.check(instance)
    assert caught.value.message.splitlines() == [
        "prometheus/rules/a.yml:7: HasNone has no runbook: no file runbooks/HasNone.md",
        "prometheus/rules/a.yml:9: HasADirectory has no runbook: no file runbooks/HasADirectory.md",
    ]
    (instance.root / "runbooks" / "HasNone.md").write_text("# HasNone\n")
    (instance.root / "runbooks" / "HasADirectory.md").rmdir()
    (instance.root / "runbooks" / "HasADirectory.md").write_text("# HasADirectory\n")
    assert runbooks.check(instance) == 3
