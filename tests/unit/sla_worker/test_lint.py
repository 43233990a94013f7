"""sla_lint: what it says of a file alone, and against a real Prometheus."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest

from rules import binaries
from sla_worker.commands import lint
from sla_worker.definitions.slas import read_file
from sla_worker.errors import PrometheusError
from sla_worker.lint.offline import advise
from sla_worker.prometheus import PrometheusClient
from sla_worker.settings import read_settings
from unit.sla_worker.prometheus_server import load, running

HERE = Path(__file__).parent / "definitions"
NOW = 1_700_003_600
SETTINGS = read_settings({})


def samples() -> str:
    """An hour, a scrape a minute: 60 requests each, one of them in error; and what else live.yml reads."""
    families: dict[str, list[str]] = {}

    def add(family: str, kind: str, series: str, value: object, minute: int) -> None:
        families.setdefault(f"# TYPE {family} {kind}", []).append(
            f"{series} {value} {NOW - 3600 + minute * 60}"
        )

    for minute in range(61):
        for status, value in (("success", 59 * minute), ("error", minute)):
            add("requests", "counter", f'requests_total{{job="shop",status="{status}"}}', value, minute)
        add("worker_healthy", "gauge", 'worker_healthy{worker="w1"}', 1, minute)
        add("worker_healthy", "gauge", "worker_healthy", 1, minute)
        add("jumpy", "gauge", "jumpy", minute % 2, minute)
        if minute < 30:
            add("gone", "counter", 'gone_total{status="ok"}', minute, minute)
        for instance, bounds in (("a", (1, 2, 5)), ("b", (1, 10))):
            for bound in (*bounds, "+Inf"):
                series = f'duration_seconds_bucket{{job="shop",instance="{instance}",le="{bound}"}}'
                add("duration_seconds", "histogram", series, minute, minute)
            for part in ("count", "sum"):
                series = f'duration_seconds_{part}{{job="shop",instance="{instance}"}}'
                add("duration_seconds", "histogram", series, minute, minute)
    return (
        "\n".join([line for head, lines in families.items() for line in (head, *sorted(lines, key=_series))])
        + "\n# EOF\n"
    )


def _series(line: str) -> str:
    return line.rpartition(" ")[0].rpartition(" ")[0]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    directory = str(binaries.newest("prometheus").parent)
    data = tmp_path_factory.mktemp("prometheus") / "data"
    load(directory, data, samples())
    with running(directory, data) as client:
        yield client


def said(file: Path, client: PrometheusClient | None) -> tuple[int, list[str]]:
    lines: list[str] = []
    code = lint.report(file, SETTINGS, client, lambda: NOW, lines.append)
    return code, [each.replace(f"{file.parent}/", "") for each in lines]


def test_what_prometheus_lacks_is_said_with_line_and_fix(client: PrometheusClient) -> None:
    code, lines = said(HERE / "live.yml", client)
    assert code == 1
    refused = next(each for each in lines if "SLA refused" in each)
    assert "many-to-many matching not allowed" in refused  # Prometheus' own words
    expected = (HERE / "live.txt").read_text(encoding="utf-8")
    assert "\n".join(each for each in lines if each != refused) + "\n" == expected


def test_the_file_alone(tmp_path: Path) -> None:
    assert said(HERE / "good.yml", None) == (0, ["good.yml: 6 SLAs, 0 errors, 0 warnings (the file alone)"])
    file = tmp_path / "slas.yml"
    text = (HERE / "good.yml").read_text(encoding="utf-8")
    file.write_text(text.replace("target: 0.001", "target: 7").replace("weight: 60", "weight: 61"))
    assert said(file, None) == (
        1,
        [
            "error: slas.yml:12: SLA errors: target is `7`\nfix:   give a ratio from 0 to 1: 7 % is 0.07",
            "error: slas.yml:97: SLA health: sli has weights that add up to 101\n"
            "fix:   give weights that add up to 100",
            "slas.yml: 2 errors, 0 warnings (the file alone)",
        ],
    )


def test_what_is_right_in_itself_and_still_wrong(tmp_path: Path) -> None:
    file = tmp_path / "slas.yml"
    text = (HERE / "good.yml").read_text(encoding="utf-8")
    for old, new in (
        ('bad: requests_total{job="shop", status="error"}', 'bad: requests_total{job="shop"}'),
        ("target: 0.999", "target: 0"),
        ("{sla: latency, weight: 10}", "{sla: errors, weight: 10}"),
    ):
        text = text.replace(old, new, 1)
    file.write_text(text)
    found = list(advise(read_file(file), date(2027, 1, 1)))
    assert [str(each).replace(f"{file}:", "") for each in found] == [
        'error: 27: SLA errors: bad and total are the same series: requests_total{job="shop"}\n'
        "fix:   narrow bad down with a label",
        "warning: 33: SLA platform-uptime: target >= 0 is always met\n"
        "fix:     turn `comparison` round, or give another target",
        "warning: 50: SLA latency: its last holiday, 2026-12-26, is over\n"
        "fix:     add those of the next year",
        "warning: 98: SLA health: errors counts twice, in reliability too\n"
        "fix:     leave one of the two out, unless it should weigh more",
    ]


class Native:
    """A Prometheus that has a native histogram alone."""

    def post(self, _path: str, fields: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        there = "histogram_count(" in fields["query"]
        result = [{"metric": {}, "value": [NOW, "1"]}] if there else []
        answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return 200, {}, json.dumps(answer).encode()


def test_a_native_histogram_is_refused() -> None:
    _, lines = said(HERE / "good.yml", PrometheusClient(Native()))
    assert (
        "error: good.yml:53: SLA latency: request_duration_seconds is a native histogram, whose buckets move:"
        " it cannot be counted exactly\n"
        "fix:   have Prometheus scrape its classic buckets too: always_scrape_classic_histograms"
    ) in lines


class NativeAlone:
    """A Prometheus whose every metric is a native histogram, which a range function answers as one too."""

    def post(self, _path: str, fields: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        sample: dict[str, object] = {"value": [NOW, "1"]}
        if fields["query"].startswith("sum("):
            sample = {"histogram": [NOW, {"count": "1", "sum": "1"}]}
        result = [] if '""' in fields["query"] else [{"metric": {}, **sample}]
        answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
        return 200, {}, json.dumps(answer).encode()


def test_a_native_histogram_is_no_counter() -> None:
    _, lines = said(HERE / "three.yml", PrometheusClient(NativeAlone()))
    assert (
        "error: three.yml:38: SLA api-error-rate: total: insa_agent_requests_total is a native histogram,"
        " whose samples are no numbers\n"
        "fix:   scrape its classic series too (always_scrape_classic_histograms), and give"
        " insa_agent_requests_total_count"
    ) in lines


class Silent:
    """A Prometheus that does not answer."""

    def post(self, _path: str, _fields: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        raise PrometheusError("Prometheus at http://x does not answer (refused); check that it runs")


def test_without_prometheus_the_file_is_checked() -> None:
    assert said(HERE / "good.yml", PrometheusClient(Silent())) == (
        0,
        [
            "good.yml: 6 SLAs, 0 errors, 0 warnings (the file alone: Prometheus at http://x does not answer"
            " (refused); check that it runs)"
        ],
    )
