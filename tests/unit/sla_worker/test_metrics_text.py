"""Metric families written by hand: the same bytes as the library makes of them."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sla_worker.metrics_text import Families

LABELS = {"b_ratio": ("sla", "component"), "a_total": ("sla",), "bare": ()}
TEXTS = {"b_ratio": 'Share of "good"', "a_total": "All\\of\nthem", "bare": "Nothing"}
VALUES = st.floats() | st.integers(-(2**53), 2**53) | st.booleans()
SAMPLES = st.lists(
    st.tuples(st.just("b_ratio"), VALUES, st.tuples(st.text(), st.text()))
    | st.tuples(st.just("a_total"), VALUES, st.tuples(st.text()))
    | st.tuples(st.just("bare"), VALUES, st.just(()))
)


class Given(Collector):
    """The families, as the library has them."""

    def __init__(self, samples: list[tuple[str, float, tuple[str, ...]]]) -> None:
        self.families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
            "b_ratio": GaugeMetricFamily("b_ratio", TEXTS["b_ratio"], labels=LABELS["b_ratio"]),
            "a_total": CounterMetricFamily("a_total", TEXTS["a_total"], labels=LABELS["a_total"]),
            "bare": GaugeMetricFamily("bare", TEXTS["bare"], labels=()),
        }
        for name, value, labels in samples:
            self.families[name].add_metric(labels, value)

    def collect(self) -> Iterable[Metric]:
        return self.families.values()


@given(SAMPLES)
@example([("b_ratio", 1e22, ("x", 'a"b\\c\nd')), ("b_ratio", True, ("x", "y")), ("bare", -0.0, ())])
@example([("a_total", 1_700_000_100, ("x",)), ("bare", float("nan"), ()), ("bare", float("inf"), ())])
def test_it_writes_what_the_library_writes(samples: list[tuple[str, float, tuple[str, ...]]]) -> None:
    registry = CollectorRegistry()
    registry.register(Given(samples))
    families = Families(LABELS, TEXTS, ["a_total"])
    for name, value, labels in samples:
        families.add(name, value, *labels)
    assert families.text() == generate_latest(registry)


@given(st.sampled_from(["", "a", "b"]), st.text(), st.text())
@example("a", "%s", "value\0")
def test_one_of_several_values_is_written_as_each_by_itself(chosen: str, sla: str, component: str) -> None:
    several, single = (Families({"f": ("sla", "component", "state")}, {"f": ""}) for _ in range(2))
    several.add_one_of("f", chosen, ["a", "b", "c"], sla, component)
    for value in ("a", "b", "c"):
        single.add("f", float(value == chosen), sla, component, value)
    assert several.text() == single.text()


def test_what_is_none_has_no_sample() -> None:
    families = Families({"bare": ()}, {"bare": "Nothing"})
    families.add("bare", None)
    assert families.text() == b"# HELP bare Nothing\n# TYPE bare gauge\n"
