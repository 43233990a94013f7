"""The file of definitions: what it accepts, and what it says when it does not."""

from pathlib import Path

import pytest

from sla_worker.definitions import read_definitions
from sla_worker.errors import DefinitionError
from sla_worker.grid import Grid
from sla_worker.model.definition import title
from sla_worker.sli import FORMS

SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
GOOD = """\
slas:
  - key: errors
    name: Errors
    category: reliability
    severity: high
    comparison: "<="
    target: 0.001
    unit: ratio
    description: What users do not get.
    sli:
      kind: events
      total: requests_total
      bad: requests_total{status="error"}
"""


def complaint(tmp_path: Path, text: str) -> str:
    file = tmp_path / "slas.yml"
    file.write_text(text)
    with pytest.raises(DefinitionError) as caught:
        read_definitions(file)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(str(tmp_path) + "/")


PROMISED = """
availability  Platform Uptime               >= 0.999   ratio
availability  Agent Worker Uptime           >= 0.999   ratio         worker_name
availability  Database Uptime               >= 0.9995  ratio
availability  Message Bus Uptime            >= 0.999   ratio
availability  Cache Uptime                  >= 0.995   ratio
performance   API Response Time P50         <= 2       seconds
performance   API Response Time P95         <= 5       seconds
performance   API Response Time P99         <= 15      seconds
performance   Database Query Time P95       <= 1       seconds
performance   Database Query Time P99       <= 3       seconds
performance   Message Processing Time P95   <= 2       seconds
reliability   API Error Rate                <= 0.001   ratio
reliability   API Timeout Rate              <= 0.005   ratio
reliability   Database Error Rate           <= 0.0001  ratio
reliability   Retry Success Rate            >= 0.7     ratio
reliability   Circuit Breaker Stability     >= 0.99    ratio         breaker
reliability   DLQ Processing Rate           >= 0.9     ratio
efficiency    Cache Hit Rate                >= 0.8     ratio         cache
efficiency    Cache Eviction Rate           <= 0.05    ratio
efficiency    Worker Queue Depth            <= 50      tasks         worker_name
efficiency    Worker Utilization            <= 0.8     ratio
business      Request Throughput            >= 100     requests/min
business      Average Session Duration      >= 300     seconds
business      Concurrent Active Sessions    >= 10      sessions
compliance    Metrics Retention             >= 15      days
compliance    Backup Success Rate           >= 1       ratio
compliance    Security Scan Coverage        >= 1       ratio
composite     Overall Service Health Score  >= 0.95    ratio
composite     Customer Experience Score     >= 0.9     ratio
"""


def test_the_shipped_file_promises_what_users_were_told() -> None:
    shipped = read_definitions(SHIPPED, Grid(300, 15))
    lines = {
        f"{each.category:<13} {each.name:<29} {each.comparison} {each.target:<7g} {each.unit:<13} "
        f"{','.join(each.by)}".rstrip()
        for each in shipped
    }
    missing = set(PROMISED.strip().splitlines()) - lines
    assert not missing
    assert len(shipped) == 36
    assert {each.sli.kind for each in shipped} == set(FORMS)
    weights = {
        each.key: [member.weight for member in each.sli.members] for each in shipped if each.sli.members
    }
    assert weights == {"overall-service-health": [40, 30, 20, 10], "customer-experience": [40, 30, 20, 10]}
    hours = {each.key: each.policy.service_hours for each in shipped if each.policy.service_hours}
    assert list(hours) == ["request-throughput"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("target: 0.001", "target: 1.5", "7: SLA errors: target is `1.5`; give a ratio from 0 to 1"),
        ("target: 0.001", "target: high", "7: SLA errors: target is `high`; give a ratio"),
        ("target: 0.001", "target: .nan", "7: SLA errors: target is `.nan`; give a ratio"),
        ("target: 0.001", "target: [1]", "7: SLA errors: target is a list; give a ratio"),
        ("    unit: ratio", "    unti: ratio", "8: SLA errors has the unknown key `unti`; did you mean"),
        ("    unit: ratio", "    unit: ratio\n    owner: me", "9: SLA errors has the unknown key `owner`"),
        ("unit: ratio", "unit: seconds", "8: SLA errors: unit is seconds, but its kind is events; give"),
        ("severity: high", "severity: loud", "5: SLA errors: severity is `loud`; give one of"),
        ("key: errors", "key: My Errors", "2: SLA number 1: key is `My Errors`; give lower"),
        ("name: Errors", "name: 5", "3: SLA errors: name is `5`; give a name for people, in one line"),
        ("name: Errors", "name:", "3: SLA errors: name is empty; give a name for people, in one line"),
        ("name: Errors", "name: A\n    name: B", "4: SLA number 1 has `name` twice; keep one"),
        ('{status="error"}', "{status=error}", "13: SLA errors: sli: bad is `requests_total{status"),
        ("      bad:", "      worse:", "11: SLA errors: sli needs two of `total`"),
        ("kind: events", "kind: magic", "11: SLA errors: sli: kind is `magic`; give one of uptime, events"),
        ("slas:", "sla:", "1: the file has the unknown key `sla`; did you mean `slas`?"),
        ("slas:", "promises:", "1: the file has the unknown key `promises`; known are slas"),
        ("  - key", "  - key: [", ""),
    ],
)  # fmt: skip
def test_it_names_file_line_value_and_fix(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert complaint(tmp_path, GOOD.replace(old, new, 1)).startswith(f"slas.yml:{expected}")


def test_a_name_that_stands_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    second = GOOD.replace("slas:\n", "").replace("key: errors", "key: other")
    assert complaint(tmp_path, GOOD + second) == (
        "slas.yml:15: SLA other: name is `Errors`; line 3 has it already, give another"
    )


@pytest.mark.parametrize("text", ["", "slas: []", "slas:", "- a", "slas: [1]"])
def test_a_file_without_slas_is_refused(tmp_path: Path, text: str) -> None:
    assert complaint(tmp_path, text).startswith("slas.yml:1: ")


def test_a_file_that_is_not_there_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="set SLA_DEFINITIONS"):
        read_definitions(tmp_path / "none.yml")


@pytest.mark.parametrize(
    ("component", "shown"),
    [
        ("all", "Errors"),
        ("crm/7", "Errors / crm/7"),
        ("a\r\nBcc: x@example.com", "Errors / a\ufffd\ufffdBcc: x@example.com #92395eaa"),
        ("\x1b[31mred\0", "Errors / \ufffd[31mred\ufffd #796430d6"),
        ("x" * 3000, f"Errors / {'x' * 99}… #98ee17e7"),
    ],
)
def test_a_label_is_shown_but_not_obeyed(component: str, shown: str) -> None:
    assert title("Errors", component) == shown


def test_components_that_are_not_shown_whole_have_titles_of_their_own() -> None:
    """Prometheus takes one of two series with the same labels: an alert on the other one would be lost."""
    names = ["x" * 99 + "one", "x" * 99 + "two", "a\tb", "a\nb", "a\ufffdb"]
    assert len({title("Errors", name) for name in names}) == len(names)
