"""The metrics endpoint: as the client library serves it, but for what the faults take away."""

import gzip
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from demo_app.catalogue import SPECS
from demo_app.exposition import FAMILIES, Exposed, MetricsServer
from demo_app.faults import Faults
from demo_app.metrics import Metrics, add_runtime_collectors
from insa_instruments.message_bus import MessageBusInstruments
from ports import listening
from unit.demo_app.simulation import FakeClock
from waiting import NEW_CONNECTIONS, patience


class Bench:
    """A served registry with every instrument of the app, and the faults."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        add_runtime_collectors(self.registry)
        self.metrics = Metrics(self.registry, [spec.name for spec in SPECS])
        self.faults = Faults(self.clock, self.metrics)
        self.server = MetricsServer("127.0.0.1", 0, Exposed(self.registry, self.faults), self.faults)
        self.server.start()
        self.client = httpx.Client(
            trust_env=False,
            timeout=patience(5),
            base_url=f"http://127.0.0.1:{self.server.port}",
            limits=NEW_CONNECTIONS,
        )

    def names(self, query: str = "") -> set[str]:
        text = self.client.get(f"/metrics{query}").text
        families = {family.name for family in text_string_to_metric_families(text)}
        return {name for name in families if not name.endswith("_created")}  # off in the app itself


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    try:
        yield bench
    finally:
        bench.client.close()
        bench.server.stop()


def test_every_family_of_the_registry_is_exposed(bench: Bench) -> None:
    assert bench.names() == {family.name for family in bench.registry.collect()}


@pytest.mark.parametrize("families", [1, 2, 8, 10])
def test_the_first_families_are_gone_and_come_back_with_what_they_counted_meanwhile(
    bench: Bench, families: int
) -> None:
    everything = bench.names()
    gone = {
        name
        for name in everything
        if name.startswith(tuple(prefix for prefixes in FAMILIES[:families] for prefix in prefixes))
    }
    bench.faults.start("series_gone", families, 30)

    assert bench.names() == everything - gone
    assert len(gone) >= families
    bench.metrics.request_started("crm")
    bench.clock.now += 30
    assert bench.names() == everything
    assert 'insa_agent_requests_in_flight{agent="crm"} 1.0' in bench.client.get("/metrics").text


def test_every_prefix_hides_something_and_all_of_them_all_but_sessions_and_faults(bench: Bench) -> None:
    bus = CollectorRegistry()
    MessageBusInstruments(bus, ["requests"])
    names = bench.names() | {family.name for family in bus.collect()}
    for prefix in (prefix for prefixes in FAMILIES for prefix in prefixes):
        assert any(name.startswith(prefix) for name in names), prefix
    bench.faults.start("series_gone", 10)

    left = {name.split("_")[1] for name in bench.names() if name.startswith("insa_")}

    assert left <= {"fault", "session", "sessions"}
    assert "fault" in left


def test_a_question_for_names_gets_them_but_not_those_that_are_gone(bench: Bench) -> None:
    query = "?name[]=insa_database_up&name[]=insa_agent_requests_total"
    assert bench.names(query) == {"insa_database_up", "insa_agent_requests"}
    bench.faults.start("series_gone", 1)

    assert bench.names(query) == {"insa_database_up"}


def test_without_the_endpoint_there_is_one_clear_line_until_the_fault_ends(bench: Bench) -> None:
    bench.faults.start("metrics_gone", None, 30)

    answer = bench.client.get("/metrics")

    assert answer.status_code == 503
    assert answer.text == "the fault metrics_gone is active: no metrics until it ends\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    bench.clock.now += 30
    assert bench.client.get("/metrics").status_code == 200


def test_format_and_compression_follow_what_the_reader_accepts(bench: Bench) -> None:
    plain = bench.client.get("/metrics", headers={"accept-encoding": "identity"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "content-encoding" not in plain.headers

    with bench.client.stream("GET", "/metrics", headers={"accept-encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert b"insa_database_up" in gzip.decompress(b"".join(packed.iter_raw()))

    modern = bench.client.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert modern.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert modern.text.endswith("# EOF\n")


def test_other_methods_are_refused(bench: Bench) -> None:
    assert bench.client.post("/metrics").status_code == 405
    assert bench.client.options("/metrics").headers["allow"] == "OPTIONS,GET"


def test_a_port_in_use_is_an_error_of_the_system(bench: Bench) -> None:
    with listening() as taken, pytest.raises(OSError, match="Address already in use"):
        MetricsServer(
            "127.0.0.1", taken.getsockname()[1], Exposed(bench.registry, bench.faults), bench.faults
        )
