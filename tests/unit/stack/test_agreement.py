"""Nothing starts while definitions, settings and dashboards disagree; alerts without runbooks are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stack import agreement, inputs, runbooks
from stack.errors import StackError
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def with_worker(instance: Instance) -> Instance:
    """The miniature with the shipped sla-worker and its definitions."""
    shutil.rmtree(instance.root / "sla-worker")
    shutil.copytree(
        ROOT / "sla-worker", instance.root / "sla-worker", ignore=shutil.ignore_patterns("__pycache__")
    )
    return instance


def test_the_shipped_definitions_are_taken(with_worker: Instance) -> None:
    assert agreement.check_definitions(with_worker)


def test_without_the_sla_worker_there_is_nothing_to_ask(instance: Instance) -> None:
    assert not agreement.check_definitions(instance)


def test_a_wrong_definition_is_said_once_with_its_fix(with_worker: Instance) -> None:
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text(path.read_text().replace("category: reliability", "category: reliable", 1))
    with pytest.raises(StackError, match=r"sla_thresholds\.yml:\d+: ") as caught:
        agreement.check_definitions(with_worker)
    assert ";" not in caught.value.message
    assert caught.value.fix is not None
    assert "reliability" in caught.value.fix


def test_several_wrong_definitions_are_all_said(with_worker: Instance) -> None:
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    text = path.read_text().replace("category: reliability", "category: reliable", 1)
    path.write_text(text.replace("target: 0.999", "target: 99.9", 1))
    with pytest.raises(StackError) as caught:
        agreement.check_definitions(with_worker)
    first, second = caught.value.message.splitlines()
    assert first.endswith("target is `99.9`; give a ratio from 0 to 1: 99.9 % is 0.999")
    assert second.endswith("category is `reliable`; did you mean reliability?")


def test_dashboards_made_from_other_definitions_are_refused(with_worker: Instance) -> None:
    assert not agreement.check_dashboards(with_worker)  # the miniature has none
    shutil.copytree(ROOT / "grafana" / "dashboards", with_worker.root / "grafana" / "dashboards")
    assert agreement.check_dashboards(with_worker)
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text("# A comment changes nothing.\n" + path.read_text())
    assert agreement.check_dashboards(with_worker)
    path.write_text(path.read_text().replace("target: 0.999", "target: 0.998", 1))
    assert agreement.check_definitions(with_worker)
    with pytest.raises(StackError, match=r"dashboards are stale: sla-worker/sla_thresholds\.yml has changed"):
        agreement.check_dashboards(with_worker)
    # Where others are used, nobody makes dashboards from them.
    with_worker.env["SLA_DEFINITIONS_DIR"] = "elsewhere"
    assert not agreement.check_dashboards(with_worker)


@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD\n{}\n", "[]", "5"])
def test_a_record_of_the_dashboards_that_cannot_be_read_is_made_again(
    with_worker: Instance, text: str
) -> None:
    shutil.copytree(ROOT / "grafana" / "dashboards", with_worker.root / "grafana" / "dashboards")
    (with_worker.root / "grafana" / "dashboards" / "made-from.json").write_text(text)
    with pytest.raises(StackError, match=r"^grafana/dashboards/made-from\.json cannot be read") as caught:
        agreement.check_dashboards(with_worker)
    assert str(caught.value.fix).startswith("make generate")


def test_a_setting_that_the_worker_refuses_is_said_in_its_words(with_worker: Instance) -> None:
    with_worker.env["SLA_INTERVAL_SECONDS"] = "100"  # not a multiple of 15
    with pytest.raises(StackError, match=r"^SLA_INTERVAL_SECONDS=100"):
        agreement.check_definitions(with_worker)


def test_an_alert_without_a_runbook_is_named_with_file_and_line(instance: Instance) -> None:
    prometheus = instance.root / "prometheus"
    (prometheus / "prometheus.yml").write_text("rule_files: ['', rules/**.yml]\n")
    (prometheus / "rules").mkdir()
    (prometheus / "rules" / "a.yml").write_text(
        "groups:\n  - name: a\n    rules:\n      - {record: x, expr: y}\n"
        "      - alert: HasOne\n        expr: up\n      - alert: HasNone\n        expr: up\n"
        "      - alert: HasADirectory\n        expr: up\n      - alert: [no, name]\n        expr: up\n"
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


def _put(instance: Instance, name: str, target: str) -> Path:
    directory = instance.root / "sla-worker" / "sla.d"
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(
        "team: payments\nowner: payments@example.com\nslas:\n  - key: pay-uptime\n    name: Payments up\n"
        '    category: availability\n    severity: high\n    comparison: ">="\n'
        f"    target: {target}\n    unit: ratio\n    description: It answers.\n"
        "    sli: {kind: uptime, selector: up}\n"
    )
    return path


def test_a_mistake_in_a_teams_file_fails_the_check_and_lets_the_others_start(with_worker: Instance) -> None:
    _put(with_worker, "payments.yml", "99.9")
    with pytest.raises(StackError, match=r"^sla-worker/sla\.d/payments\.yml:9: SLA pay-uptime: target is"):
        agreement.check_definitions(with_worker)
    said: list[str] = []
    assert agreement.check_definitions(with_worker, said.append)
    assert said == [
        "sla-worker/sla.d/payments.yml:9: SLA pay-uptime: target is `99.9`; give a ratio from 0 to 1:"
        " 99.9 % is 0.999. Until then what this file said before goes on"
    ]
    path = with_worker.root / "sla-worker" / "sla_thresholds.yml"
    path.write_text(path.read_text().replace("category: reliability", "category: reliable", 1))
    with pytest.raises(StackError, match="category is `reliable`"):
        agreement.check_definitions(with_worker, said.append)


def test_dashboards_are_made_from_the_files_of_teams_too(with_worker: Instance) -> None:
    shutil.copytree(ROOT / "grafana" / "dashboards", with_worker.root / "grafana" / "dashboards")
    _put(with_worker, "payments.yml", "0.999")
    with pytest.raises(StackError, match=r"stale: sla-worker/sla\.d/payments\.yml changed since"):
        agreement.check_dashboards(with_worker)
    said: list[str] = []
    assert not agreement.check_dashboards(with_worker, said.append)
    assert said == [
        "the dashboards are stale: sla-worker/sla.d/payments.yml changed since they were made;"
        " run make generate"
    ]


def test_what_the_worker_reads_at_its_start_is_each_teams_file_too(with_worker: Instance) -> None:
    before = inputs.of(with_worker)
    path = _put(with_worker, "payments.yml", "0.999")
    made = inputs.of(with_worker)
    assert {name for name in made if made[name] != before[name]} == {"sla-worker"}
    path.rename(path.with_name("pay.yml"))
    assert inputs.of(with_worker)["sla-worker"] != made["sla-worker"]
    path.with_name("pay.yml").unlink()
    assert inputs.of(with_worker) == before
