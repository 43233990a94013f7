"""Every metric and label that a rule, dashboard, SLA definition or runbook asks for is exported."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from contract.exported import ROOT, SCRAPED, exported_by_the_worker, known_metrics, others
from contract.promql_names import parse, problems
from ports import free_port
from rules.binaries import each_version_of, required
from rules.mails import runnable
from waiting import patience, wait_for

LABEL_VALUES = re.compile(r"label_values\((?:(?P<metric>.+),\s*)?(?P<label>\w+)\)")


def expressions_in(node: Any) -> Iterator[str]:  # a JSON or YAML tree
    """The values of every key `expr`, however deep, and the metrics of Grafana's variables."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "expr" and isinstance(value, str):
                yield value
            elif key == "query" and isinstance(value, str) and (match := LABEL_VALUES.fullmatch(value)):
                if match["metric"]:
                    yield f"count by ({match['label']}) ({match['metric']})"
            else:
                yield from expressions_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from expressions_in(each)


def expressions_of_definitions(tree: Any) -> Iterator[str]:  # a YAML tree
    """The selectors and expressions of the SLAs' definitions, split as the SLA is."""
    for sla in tree["slas"]:
        sli, by = sla["sli"], ", ".join(sla.get("by", ()))
        found = [sli[key] for key in ("selector", "good", "bad", "total") if key in sli]
        if "histogram" in sli:
            found += [
                f"{sli['histogram']}{end}{{{sli.get('matchers', '')}}}" for end in ("_bucket", "_count")
            ]
        if "expression" in sli:
            found.append(sli["expression"].replace("$slot", "5m"))
        yield from (f"sum by ({by}) ({each})" if by else each for each in found)


def expressions_of_runbook(text: str) -> Iterator[str]:
    """The queries in a runbook."""
    yield from re.findall(r"^```promql\n(.+?)\n```$", text, re.MULTILINE | re.DOTALL)


def sources() -> list[Path]:
    """Every file that holds expressions."""
    found = [
        *(ROOT / "prometheus" / "rules").rglob("*.yml"),
        *(ROOT / "grafana" / "dashboards" / "json").glob("*.json"),
        *(ROOT / "grafana" / "provisioning" / "alerting").glob("*.yml"),
        ROOT / "sla-worker" / "sla_thresholds.yml",
        *(ROOT / "runbooks").glob("*.md"),
    ]
    return sorted(found)


def expressions_of(path: Path) -> list[str]:
    """The expressions of a file, by its kind."""
    text = path.read_text()
    if path.suffix == ".md":
        return list(expressions_of_runbook(text))
    tree = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    return list(
        expressions_of_definitions(tree) if path.name == "sla_thresholds.yml" else expressions_in(tree)
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_the_file_asks_for_is_exported(path: Path) -> None:
    found = {each for text in expressions_of(path) for each in problems(parse(text), known_metrics())}
    assert not found, f"{path.relative_to(ROOT)}: " + "; ".join(sorted(found))


def test_every_kind_of_file_was_found_and_read() -> None:
    read = {path: len(expressions_of(path)) for path in sources()}
    for place, least in (
        ("prometheus/rules", 13),  # 5 + 5 + 2 alerts, and one record
        ("grafana/dashboards/json", 10),
        ("sla-worker", 3),
        ("runbooks", 12),
    ):
        count = sum(number for path, number in read.items() if path.is_relative_to(ROOT / place))
        assert count >= least, f"only {count} expressions below {place}"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(insa_agent_request_total[5m])", "nobody exports insa_agent_request_total"),
        ('up{worker_name="a"}', "up has no label worker_name"),
        ("sum by (agent) (rate(insa_worker_restarts_total[5m]))", "has the label agent"),
        ("sum(up) / on (agent) sum(up)", "has the label agent"),
        ('{__name__=~"insa_nothing_.*"}', "nobody exports {__name__=~'insa_nothing_.*'}"),
        ("histogram_quantile(0.9, sum by (le) (rate(up[5m])))", "has the label le"),
    ],
)
def test_a_wrong_name_is_found(expression: str, problem: str) -> None:
    assert [each for each in problems(parse(expression), known_metrics()) if problem in each]


def test_every_dashboard_that_an_alert_links_is_there() -> None:
    uids = {
        json.loads(path.read_text())["uid"]
        for path in (ROOT / "grafana" / "dashboards" / "json").glob("*.json")
    }
    files = (ROOT / "prometheus" / "rules").rglob("*.yml")
    linked = {uid for path in files for uid in re.findall(r"grafana_url }}/d/([\w-]+)", path.read_text())}
    assert linked
    assert linked <= uids


def assert_exports(listed: Mapping[str, list[str]], program: Path, directory: Path, *arguments: str) -> None:
    """Start Prometheus or Alertmanager and wait until its /metrics has all the listed metrics and labels."""
    address = f"127.0.0.1:{free_port()}"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, f"--web.listen-address={address}", *arguments], cwd=directory, stdout=log, stderr=log
        )
    try:

        def missing() -> list[str]:
            assert process.poll() is None, f"{program} has ended: {(directory / 'log').read_text()}"
            return _missing(listed, f"http://{address}/metrics")

        wait_for([], missing, f"what {program} does not export", seconds=30)
    finally:
        process.terminate()
        process.wait(timeout=patience(20))


def _missing(listed: Mapping[str, list[str]], url: str) -> list[str]:
    """The metrics without a sample that has all their labels; all of them as long as nobody answers."""
    text = ""
    with contextlib.suppress(httpx.TransportError):
        text = httpx.get(url, trust_env=False, timeout=patience(5)).text
    samples = {name: re.findall(rf"^{name}(?:\{{(.*)\}})? ", text, re.MULTILINE) for name in listed}
    return [
        name
        for name, labels in listed.items()
        if not any(all(f'{label}="' in sample for label in labels) for sample in samples[name])
    ]


@each_version_of("prometheus")
def test_prometheus_exports_what_is_relied_upon(program: Path | None, tmp_path: Path) -> None:
    prometheus = required(program, "prometheus")
    # A metric of deliveries is there from the first Alertmanager on, one of rules from the first group on.
    # Nothing is sent to this Alertmanager.
    alertmanagers = [{"static_configs": [{"targets": ["127.0.0.1:9"]}]}]
    config = {
        "alerting": {"alertmanagers": alertmanagers},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "any", "static_configs": [{"targets": ["127.0.0.1:9"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    groups = [{"name": "any", "rules": [{"record": "any:thing:one", "expr": "vector(1)"}]}]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    arguments = ("--config.file=prometheus.yml", f"--storage.tsdb.path={tmp_path / 'data'}")
    assert_exports(others()["prometheus"], prometheus, tmp_path, *arguments)


@each_version_of("alertmanager")
def test_alertmanager_exports_what_is_relied_upon(program: Path | None, tmp_path: Path) -> None:
    alertmanager = runnable(required(program, "alertmanager"), tmp_path)
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    arguments = ("--config.file=alertmanager.yml", f"--storage.path={tmp_path / 'data'}")
    assert_exports(others()["alertmanager"], alertmanager, tmp_path, *arguments, "--cluster.listen-address=")


def test_the_page_of_the_workers_metrics_has_each_with_its_labels() -> None:
    page = (ROOT / "docs" / "worker-metrics.md").read_text(encoding="utf-8")
    listed = {
        name: frozenset() if labels == "-" else frozenset(labels.split(", "))
        for name, labels in re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE)
    }
    own = {
        re.sub("_(bucket|count|sum)$", "", name): labels - SCRAPED - {"le"}
        for name, labels in exported_by_the_worker().items()
        if name.startswith("sla_")
    }
    assert listed == own
