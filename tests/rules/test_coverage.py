"""No alert without its tests, its annotations and its runbook."""

from __future__ import annotations

import re

import pytest

from rules.cases import ROOT, Case, shipped_alerts
from rules.scrapes import all_cases

RUNBOOKS = ROOT / "runbooks"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
SEVERITIES = {"critical", "warning", "none"}
WITHOUT_QUIET_CASES = {"Watchdog": "it always fires"}
WITHOUT_ABSENT_CASE = {"Watchdog": "it reads no series"}


def needed_kinds(alert: str) -> set[str]:
    """The kinds of cases that an alert must have, by what its rule does."""
    rule = shipped_alerts()[alert].rule
    expression = rule["expr"]
    needed = {"fires"}
    about_absence = "absent(" in expression or alert.endswith("MetricsAbsent")
    if alert not in WITHOUT_QUIET_CASES:
        needed.add("quiet" if about_absence else "at_threshold")
    if alert not in WITHOUT_ABSENT_CASE and not about_absence:
        needed.add("absent")
    if "for" in rule:
        needed.add("too_short")
    if re.search(r"\b(rate|increase)\(", expression):
        needed.add("reset")
    if "/" in expression or "histogram_quantile(" in expression:
        needed.add("low_traffic")
    return needed


@pytest.mark.parametrize("alert", shipped_alerts())
def test_the_alert_has_every_kind_of_case_that_it_needs(alert: str) -> None:
    kinds = {case.kind for case in all_cases() if case.alert == alert}
    assert needed_kinds(alert) <= kinds, f"{alert} lacks cases in tests/rules/cases"


@pytest.mark.parametrize("alert", shipped_alerts())
def test_its_cases_show_it_firing_and_silent(alert: str) -> None:
    cases = [case for case in all_cases() if case.alert == alert]
    fires = [case for case in cases if any("firing" in each.states for each in case.expected)]
    silent = [case for case in cases if not any("firing" in each.states for each in case.expected)]
    resolves = [case for case in fires if any("inactive" in each.states for each in case.expected)]
    assert fires
    if alert not in WITHOUT_QUIET_CASES:
        assert silent
        assert resolves


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.alert}: {case.name}")
def test_a_case_expects_what_its_kind_says(case: Case) -> None:
    kind, expected = case.kind, case.expected
    fires = any("firing" in each.states for each in expected)
    if kind in ("fires", "missed", "rare"):
        assert fires
    elif kind == "gone":
        assert expected
    elif kind in ("too_short", "over"):
        assert expected
        assert not fires
    elif kind != "reset":  # an alert may go on through a reset, or be silent about it
        assert not expected


@pytest.mark.parametrize("alert", shipped_alerts())
def test_the_alert_has_the_labels_that_routing_needs(alert: str) -> None:
    labels = shipped_alerts()[alert].rule["labels"]
    assert labels.keys() == {"severity", "component", "team"}
    assert labels["severity"] in SEVERITIES


@pytest.mark.parametrize("alert", shipped_alerts())
def test_no_alert_relies_on_what_a_restart_forgets(alert: str) -> None:
    assert "keep_firing_for" not in shipped_alerts()[alert].rule, "hold by an expression that reads ALERTS"


def test_the_rules_about_programs_are_about_no_program_in_particular() -> None:
    of_programs = {
        name: shipped for name, shipped in shipped_alerts().items() if shipped.file.stem != "monitoring"
    }
    assert {name for name, shipped in of_programs.items() if "demo-app" in shipped.rule["expr"]} == set()
    assert {name for name, shipped in of_programs.items() if "absent(" in shipped.rule["expr"]} == set()


@pytest.mark.parametrize("alert", shipped_alerts())
def test_the_annotations_tell_what_to_do(alert: str) -> None:
    annotations = shipped_alerts()[alert].rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    lines = annotations["description"].split("\n")
    assert [line.partition(":")[0] for line in lines] == ["Impact", "Likely causes", "First steps"]
    assert all(line.removesuffix("{{ end }}").endswith(".") for line in lines)
    assert annotations["runbook_url"] == f"{{{{ $externalLabels.sla_worker_url }}}}/runbooks/{alert}"
    assert annotations["dashboard_url"].startswith("{{ $externalLabels.grafana_url }}/d/")
    assert not re.search(
        r"\$value\s*}}\s*%|\{\{[^}]*query ", " ".join(annotations.values())
    )  # humanised, no own queries


def test_every_runbook_has_its_alert_and_every_alert_its_runbook() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == shipped_alerts().keys()


@pytest.mark.parametrize("alert", shipped_alerts())
def test_the_runbook_has_its_four_sections(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(len(part.strip()) > 80 for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:])
    assert "```promql\n" in text, "the queries to run belong into Diagnosis"
