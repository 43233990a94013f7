"""What the README and the layout promise a user: places, ports, retention, settings and counts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo_app.catalogue import SPECS
from stack import envfile
from stack.services import PAGES, PORT_VARIABLES
from stack.target_files import SUFFIXES

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = envfile.read(ROOT / ".env.example")
PROMETHEUS = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
NUMBERS = dict(enumerate(("eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen"), start=8))

# The places that users' own scripts and dashboards know.
TOP_LEVEL = {
    "docker-compose.yml",
    "docker-compose.scale.yml",
    "docker-compose.public.yml",
    "prometheus/prometheus.yml",
    "prometheus/rules",
    "alertmanager/alertmanager.yml",
    "grafana/provisioning",
    "mailhog/Dockerfile",
    "victoriametrics/Dockerfile",
    "sla-worker/sla_thresholds.yml",
    "demo-app/Dockerfile",
    "Makefile",
    "tests",
    "runbooks",
    ".env.example",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
}

# Written down a second time on purpose: a port that moves breaks users' bookmarks and scripts.
PORTS = {
    "PROMETHEUS_PORT": 9090,
    "ALERTMANAGER_PORT": 9093,
    "GRAFANA_PORT": 3002,
    "MAILHOG_PORT": 8025,
    "SMTP_PORT": 1025,
    "DEMO_METRICS_PORT": 9091,
    "DEMO_API_PORT": 8000,
    "SLA_WORKER_PORT": 8080,
}


@pytest.mark.parametrize("place", sorted(TOP_LEVEL))
def test_what_users_know_is_where_it_was(place: str) -> None:
    assert (ROOT / place).exists()


def test_nothing_new_lies_at_the_top() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    top = {line.split("/")[0] for line in listed.splitlines()}
    expected = {place.split("/")[0] for place in TOP_LEVEL}
    assert top == expected | {".ci", ".github", ".gitignore", ".pint.hcl", "docs", "local", "pyproject.toml"}


def test_metrics_are_kept_for_15_days_and_at_most_10_gigabytes() -> None:
    assert PROMETHEUS["storage"]["tsdb"]["retention"] == {"time": "15d", "size": "10GB"}


def test_scrapes_and_rules_come_every_15_seconds() -> None:
    assert PROMETHEUS["global"]["scrape_interval"] == "15s"
    assert PROMETHEUS["global"]["evaluation_interval"] == "15s"


def test_targets_of_every_ending_that_the_launcher_takes_are_read_within_30_seconds() -> None:
    """A file of another ending is ignored without a word, so `make up` names it; others must be read."""
    [job] = [each for each in PROMETHEUS["scrape_configs"] if each["job_name"] == "targets"]
    [files] = job["file_sd_configs"]
    assert files == {"files": [f"targets/*{each}" for each in SUFFIXES], "refresh_interval": "30s"}
    words = (ROOT / "prometheus" / "targets" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{each}`" in words for each in SUFFIXES)
    assert "It reads the file within 30 seconds, without a restart" in README


def test_ports_are_those_that_users_know() -> None:
    assert {name: int(SETTINGS[name]) for name in PORT_VARIABLES} == PORTS


@pytest.mark.parametrize("variable", sorted(PAGES))
def test_the_readme_names_each_page_where_it_is(variable: str) -> None:
    page = f"http://localhost:{PORTS[variable]}{PAGES[variable] if variable == 'DEMO_METRICS_PORT' else ''}"
    assert re.search(rf"\| {re.escape(page)}[ |]", README)


def table_of_settings() -> dict[str, str]:
    """The rows of the README's table of settings: the variables of a row to its defaults."""
    rows = re.findall(r"(?m)^\| ((?:`[A-Z0-9_]+`(?: … )? ?)+) \| ([^|]*) \|", README)
    return dict(rows)


def test_every_setting_is_in_the_readme() -> None:
    named = set(re.findall(r"`([A-Z0-9_]+)`", " ".join(table_of_settings())))
    images = {name for name in SETTINGS if name.endswith("_IMAGE")}  # a row of its own: first … last
    assert named - images == SETTINGS.keys() - images
    assert {"PROMETHEUS_IMAGE", "ALPINE_IMAGE"} <= named


def test_defaults_in_the_readme_are_those_of_the_settings() -> None:
    for names, words in table_of_settings().items():
        variables = re.findall(r"`([A-Z0-9_]+)`", names)
        values = words.split(", ")
        if len(values) == len(variables):
            for variable, value in zip(variables, values, strict=True):
                if re.fullmatch(r"[\d.]+[smh]?|UTC", value):
                    assert SETTINGS[variable] == value, variable


def groups() -> list[tuple[Path, dict[str, Any]]]:
    """The groups of the rules that hold alerts, each with its file."""
    found = []
    for path in sorted((ROOT / "prometheus" / "rules").rglob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            if any("alert" in rule for rule in group["rules"]):
                found.append((path, group))
    return found


def test_the_readme_counts_the_alerts_and_their_files() -> None:
    alerts = sum("alert" in rule for _, group in groups() for rule in group["rules"])
    files = len({path for path, _ in groups()})
    assert f"{alerts} alerts in {NUMBERS[files]} groups" in README


def test_the_readme_counts_the_receivers_that_send_mail() -> None:
    tree = yaml.safe_load((ROOT / "alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
    mailing = [each for each in tree["receivers"] if each.get("email_configs")]
    assert len(mailing) == 7
    assert re.search(r"\bseven\s+receivers by component", README)


def test_the_readme_counts_the_faults() -> None:
    assert f"There are {len(SPECS)} faults" in README


def test_the_readme_counts_the_mutants() -> None:
    (made,) = re.findall(r"([\d,]+) changes in all", README)
    page = (ROOT / "docs" / "mutation.md").read_text(encoding="utf-8")
    assert made in page or made.replace(",", "") in page


def test_every_command_of_the_readme_is_a_target_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(" ".join(re.findall(r"(?m)^\.PHONY: (.*)$", makefile)).split())
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))
    assert named <= targets
    assert {"up", "test", "test-alerts", "restart", "generate"} <= named


def test_every_file_that_the_readme_links_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("http") or (ROOT / link).exists(), link
