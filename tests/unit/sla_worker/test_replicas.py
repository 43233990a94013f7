"""Two replicas of Prometheus that scrape the same targets: what counts once, and what `sla_lint` says.

In a slot a counter rises by 10 between two scrapes, 1 of it errors, and there are 20 scrapes in a slot: 200
requests, 20 of them errors. The second replica scrapes three seconds after the first.
"""

from __future__ import annotations

from pathlib import Path

from sla_worker.definitions.slas import read_file
from sla_worker.lint.live import Live
from sla_worker.lint.series import Asked
from sla_worker.prometheus import PrometheusClient
from unit.sla_worker.engines import VICTORIA_METRICS, deduplicating, loaded
from unit.sla_worker.test_exactness import BEGIN, DEFINITIONS, calculate

ERRORS = tuple(each for each in DEFINITIONS if each.key == "api-error-rate")
SLA = """\
slas:
  - {key: errors, name: Errors, category: reliability, severity: high, comparison: "<=", target: 0.001,
     unit: ratio, description: Of two replicas., sli: {kind: events, total: TOTAL,
       bad: 'insa_agent_requests_total{status="error",replica="a"}'}}
"""


RATE = """\
slas:
  - {key: requests, name: Requests, category: business, severity: low, comparison: ">=", target: 100,
     unit: requests, description: Of two replicas.,
     sli: {kind: value, objective: 0.9, expression: 'EXPRESSION'}}
"""


def samples(*replicas: str) -> str:
    """Two slots, as each of these replicas writes them; an empty name: without a label of its own."""
    lines = ["# TYPE insa_agent_requests counter"]
    for status, rise in (("success", 9), ("error", 1)):
        for index, replica in enumerate(replicas):
            more = f',replica="{replica}"' if replica else ""
            for scrape in range(41):
                moment = f"{BEGIN + 15 * scrape + 7 + 3 * index}.123"
                value = rise * scrape + index
                labels = f'job="demo-app",instance="a",status="{status}"{more}'
                lines.append(f"insa_agent_requests_total{{{labels}}} {value} {moment}")
    return "\n".join([*lines, "# EOF", ""])


def counted(client: PrometheusClient, tmp_path: Path) -> tuple[float | None, float | None]:
    """Good and total of the second slot, whose samples before and in it are all there."""
    rows = calculate(client, tmp_path / "sla.db", BEGIN + 600, BEGIN + 645, ERRORS)
    (row,) = (each for each in rows if each.slot == BEGIN + 600)
    return row.good, row.total


def said(client: PrometheusClient, total: str, tmp_path: Path) -> list[str]:
    return linted(client, SLA.replace("TOTAL", f"'{total}'"), tmp_path)


def linted(client: PrometheusClient, text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "slas.yml"
    file.write_text(text)
    return [str(each) for each in Live(read_file(file), Asked(client, BEGIN + 600), 300).findings()]


def test_one_replica_is_what_is_to_be_counted(tmp_path: Path) -> None:
    with loaded(VICTORIA_METRICS, samples("a"), tmp_path) as client:
        assert counted(client, tmp_path) == (180, 200)


def test_replicas_with_a_label_of_their_own_would_count_twice_and_lint_says_so(tmp_path: Path) -> None:
    with loaded(VICTORIA_METRICS, samples("a", "b"), tmp_path) as client:
        assert counted(client, tmp_path) == (360, 400)
        assert said(client, "insa_agent_requests_total", tmp_path) == [
            f"warning: {tmp_path / 'slas.yml'}:3: SLA errors: total finds series 2 times, differing in"
            " replica alone: a, b\n"
            'fix:     have the engine leave one out (docs/scale.md), or select one: replica="a"'
        ]
        assert said(client, 'insa_agent_requests_total{replica="a"}', tmp_path) == []


def test_one_without_that_label_beside_one_with_it_would_count_twice_too(tmp_path: Path) -> None:
    """As when a second Prometheus is the first one that was given a label."""
    with loaded(VICTORIA_METRICS, samples("", "b"), tmp_path) as client:
        assert counted(client, tmp_path) == (360, 400)
        [line, _] = said(client, "insa_agent_requests_total", tmp_path)  # and that no error is of replica a
        assert "total finds series 2 times, differing in replica alone: (none), b\n" in line
        assert "differing" not in "".join(said(client, 'insa_agent_requests_total{replica=""}', tmp_path))


def test_what_an_expression_adds_up_would_be_twice_as_much(tmp_path: Path) -> None:
    """10 requests in 15 s are 40 a minute, and of two replicas 80. The most of them is not doubled."""

    def of(expression: str) -> list[str]:
        return linted(client, RATE.replace("EXPRESSION", expression), tmp_path)

    rate = "60 * sum(rate(insa_agent_requests_total[$slot]))"
    with loaded(VICTORIA_METRICS, samples("a", "b"), tmp_path) as client:
        assert of(rate) == [
            f"warning: {tmp_path / 'slas.yml'}:4: SLA requests: expression adds up insa_agent_requests_total"
            " 2 times, differing in replica alone: a, b\n"
            'fix:     have the engine leave one out (docs/scale.md), or select one: replica="a"'
        ]
        assert of(rate.replace("[", '{replica="a"}[')) == []
        assert of("max(insa_agent_requests_total)") == []
        assert of("sum(max by (status) (insa_agent_requests_total))") == []
        assert len(of("sum(max without (status) (insa_agent_requests_total))")) == 1
        assert len(of("count(topk(3, insa_agent_requests_total))")) == 1


def test_without_that_label_the_engine_leaves_one_out(tmp_path: Path) -> None:
    """What `VICTORIAMETRICS_DEDUP_INTERVAL` set to the scrape interval does."""
    with deduplicating("15s", samples("", ""), tmp_path) as client:
        found = client.query("insa_agent_requests_total[300s]", BEGIN + 600)
        assert [len(each.times) for each in found.series] == [20, 20]  # success and error, a scrape each
        assert counted(client, tmp_path) == (180, 200)


def test_the_shipped_interval_leaves_out_copies_alone(tmp_path: Path) -> None:
    """Each sample lies on both stores: 1 ms makes one of the two, and takes nothing from one Prometheus."""
    once = samples("a").splitlines(keepends=True)
    copies = "".join(line for line in once[1:-1] for _ in (1, 2))
    with deduplicating("1ms", f"{once[0]}{copies}# EOF\n", tmp_path) as client:
        found = client.query("insa_agent_requests_total[300s]", BEGIN + 600)
        assert [len(each.times) for each in found.series] == [20, 20]
        assert counted(client, tmp_path) == (180, 200)
