"""The guide to the instruments holds: its program runs, and what it exports is what the bundle looks at."""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import promql_parser as promql
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

import insa_instruments
from contract.exported import ROOT
from contract.promql_names import parse, selectors
from demo_app.catalogue import SPECS
from demo_app.metrics import Metrics, add_runtime_collectors
from insa_instruments import Recorder
from ports import free_port
from rules.binaries import each_version_of, required
from waiting import patience, poll

PACKAGE = Path(insa_instruments.__file__).parent
GUIDE = (ROOT / "docs" / "instruments.md").read_text()
GROUPS = {"worker_health": "insa_worker_", "request_performance": "insa_agent_"}
"""The groups of alerts that the functions serve, and how the names of their metrics start."""
PORT = "8100"
"""The port of the guide's program, and of the example of a drop-in file."""


def blocks(language: str, section: str = "From nothing to a watched program") -> list[str]:
    """The code blocks of a section of the guide in a language."""
    text = GUIDE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    assert text, f"the guide has no section {section!r}"
    return re.findall(rf"^```{language}\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What the guide's program answers to a scrape, after its first request; made as the guide says."""
    directory = tmp_path_factory.mktemp("my-program")
    shutil.copytree(PACKAGE, directory / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    port = str(free_port())
    (program,) = blocks("python")
    assert program.count(PORT) == 1
    (directory / "program.py").write_text(program.replace(PORT, port))
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "program.py"], cwd=directory, env={}, stdout=output, stderr=output
        )
    try:

        def scraped() -> str:
            assert process.poll() is None, f"the guide's program has ended: {log.read_text()}"
            return _scrape(port)

        yield poll(scraped, "a request in its metrics", seconds=30, until=_requests)
    finally:
        process.terminate()
        process.wait(timeout=patience(20))


def _scrape(port: str) -> str:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=patience(5)).text
    return ""


def _requests(text: str) -> float:
    labels = {"agent": "assistant", "status": "success"}
    return sum(
        sample.value for sample in samples_of(text, "insa_agent_requests_total") if sample.labels == labels
    )


def samples_of(text: str, name: str) -> list[Sample]:
    """The samples of one name in an answer to a scrape."""
    families = text_string_to_metric_families(text)
    return [sample for family in families for sample in family.samples if sample.name == name]


def test_the_guides_program_is_of_ten_lines_at_most() -> None:
    (program,) = blocks("python")

    assert len([line for line in program.splitlines() if line.strip()]) <= 10


def test_the_guides_program_exports_its_requests(scraped: str) -> None:
    ended = {
        sample.labels["status"]: sample.value for sample in samples_of(scraped, "insa_agent_requests_total")
    }
    (count,) = samples_of(scraped, "insa_agent_request_duration_seconds_count")
    (total,) = samples_of(scraped, "insa_agent_request_duration_seconds_sum")
    (in_flight,) = samples_of(scraped, "insa_agent_requests_in_flight")

    assert ended["success"] >= 1
    assert (ended["error"], ended["timeout"]) == (0, 0)
    # It sleeps for 0.2 s a request, and does nothing between two.
    assert total.value >= 0.2 * count.value
    assert in_flight.value in {0, 1}


def test_the_guides_drop_in_is_that_of_the_example() -> None:
    (drop_in,) = blocks("yaml")
    example = (ROOT / "prometheus" / "targets" / "example.yml.txt").read_text()

    assert yaml.safe_load(drop_in) == yaml.safe_load(example)


def test_the_guide_lists_every_function_with_its_parameters() -> None:
    rows = [line for line in GUIDE.splitlines() if line.startswith("| `")]
    listed = {call for row in rows for call in re.findall(r"`(\w+\([^`]*\))`", row.split(" | ")[0])}

    assert listed == {_call(name) for name in insa_instruments.__all__}


def _call(name: str) -> str:
    """A call of a function as the guide writes it: `name(a, *, b=1)`."""
    parameters = inspect.signature(getattr(insa_instruments, name)).parameters.values()
    words = [
        parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={_DEFAULTS.get(parameter.name, parameter.default)}"
        for parameter in parameters
    ]
    only_by_name = [parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters]
    if any(only_by_name):
        words.insert(only_by_name.index(True), "*")
    return f"{name}({', '.join(words)})"


def test_the_guides_programs_listen_on_this_machine_alone_and_on_no_port_of_another_exporter() -> None:
    addresses = set(re.findall(r"(?:127\.0\.0\.1|host\.docker\.internal):(\d+)", GUIDE))

    assert addresses == {PORT}
    assert re.findall(r'"0\.0\.0\.0"|--host 0\.0\.0\.0|start_http_server\(\d+\)', GUIDE) == []


_DEFAULTS = {"registry": "REGISTRY", "clock": "time.perf_counter"}
"""Defaults that are objects, as one writes them."""


def test_the_package_needs_prometheus_client_alone() -> None:
    imported = {
        name.partition(".")[0]
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
    }

    assert imported - sys.stdlib_module_names == {"insa_instruments", "prometheus_client"}


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            return [node.module or ""]
    return []


def recorded_by_functions() -> list[Sample]:
    """What there is after one call of each public function."""
    registry = CollectorRegistry()
    recorder = Recorder(registry)
    recorder.track_request_metrics("crm")(lambda: None)()
    recorder.record_request("crm", "success", 1.0, size_bytes=100)
    recorder.track_database_operation("read")(lambda: None)()
    recorder.record_cache_hit("customer")
    recorder.record_cache_miss("customer")
    recorder.update_worker_health("w-1", healthy=True, queue_depth=1)
    recorder.record_worker_restart("w-1")
    return [sample for family in registry.collect() for sample in family.samples]


def selectors_of(group: str) -> list[promql.VectorSelector]:
    """Every selector of the group's own metrics, in its alerts and in what these read recorded."""
    tree = yaml.safe_load((ROOT / "prometheus" / "rules" / f"{group}.yml").read_text())
    return [
        selector
        for each in tree["groups"]
        for rule in each["rules"]
        for selector in selectors(parse(rule["expr"]))
        if (selector.name or "").startswith(GROUPS[group])
    ]


def selects(selector: promql.VectorSelector, sample: Sample) -> bool:
    """Whether the selector takes the sample; it may match by equality only."""
    matchers = selector.matchers.matchers
    assert all(matcher.op == promql.MatchOp.Equal for matcher in matchers), selector.prettify()
    return selector.name == sample.name and all(
        sample.labels.get(matcher.name) == matcher.value for matcher in matchers
    )


@pytest.mark.parametrize("group", GROUPS)
def test_each_series_that_the_alerts_ask_for_can_be_made_by_the_functions(group: str) -> None:
    made = recorded_by_functions()
    asked = selectors_of(group)

    missing = {
        selector.prettify() for selector in asked if not any(selects(selector, sample) for sample in made)
    }
    assert len(asked) >= 6
    assert missing == set()


def test_what_the_functions_make_are_metrics_of_the_demo_app() -> None:
    registry = CollectorRegistry()
    Metrics(registry, [spec.name for spec in SPECS])
    known = {
        (sample.name, *sorted(sample.labels)) for family in registry.collect() for sample in family.samples
    }

    assert {(sample.name, *sorted(sample.labels)) for sample in recorded_by_functions()} <= known


def findings(promtool: Path, exposition: str) -> tuple[int, str]:
    """The exit code and the words of Prometheus' own linter of metrics."""
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=exposition,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    return done.returncode, done.stdout + done.stderr


@each_version_of("promtool")
def test_promtool_finds_nothing_in_the_metrics_of_the_guides_program(
    program: Path | None, scraped: str
) -> None:
    assert findings(required(program, "promtool"), scraped) == (0, "")


@each_version_of("promtool")
def test_promtool_finds_nothing_in_the_metrics_of_the_demo_app(program: Path | None) -> None:
    registry = CollectorRegistry()
    add_runtime_collectors(registry)
    Metrics(registry, [spec.name for spec in SPECS])

    assert findings(required(program, "promtool"), generate_latest(registry).decode()) == (0, "")


@each_version_of("promtool")
def test_promtool_would_report_a_counter_with_a_wrong_name(program: Path | None) -> None:
    exposition = "# HELP insa_things Things.\n# TYPE insa_things counter\ninsa_things 1\n"

    code, words = findings(required(program, "promtool"), exposition)

    assert code != 0
    assert 'insa_things counter metrics should have "_total" suffix' in words
