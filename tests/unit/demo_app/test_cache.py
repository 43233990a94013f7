"""The cache by itself, and the faults of the agents' caches in the whole app."""

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from demo_app.cache import Cache
from demo_app.metrics import Metrics
from demo_app.model import CACHES
from unit.demo_app.simulation import FakeClock, Simulation
from unit.demo_app.test_fault_effects import assert_calm


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def make(clock: FakeClock, registry: CollectorRegistry, capacity: int = 2) -> Cache[int, str]:
    return Cache("customer", capacity=capacity, ttl_seconds=60, clock=clock, events=Metrics(registry, []))


def count(registry: CollectorRegistry, what: str) -> float | None:
    return registry.get_sample_value(f"insa_cache_{what}", {"cache": "customer"})


def test_what_was_used_longest_ago_goes_first(clock: FakeClock, registry: CollectorRegistry) -> None:
    cache = make(clock, registry)
    cache.put(1, "a")
    cache.put(2, "b")
    cache.get(1)

    cache.put(3, "c")

    assert [cache.get(key) for key in (1, 2, 3)] == ["a", None, "c"]
    assert (count(registry, "hits_total"), count(registry, "misses_total")) == (3, 1)
    assert (count(registry, "evictions_total"), count(registry, "entries")) == (1, 2)
    assert count(registry, "capacity_entries") == 2
    assert count(registry, "lookup_duration_seconds_count") == 4


def test_an_entry_expires_after_its_lifetime_and_that_is_not_an_eviction(
    clock: FakeClock, registry: CollectorRegistry
) -> None:
    cache = make(clock, registry)
    cache.put(1, "young")
    cache.put(2, "old", age_seconds=50)
    clock.now += 10

    assert [cache.get(1), cache.get(2)] == ["young", None]
    assert (count(registry, "evictions_total"), count(registry, "entries")) == (0, 1)


def test_a_cache_that_is_down_keeps_nothing_and_comes_back_empty(
    clock: FakeClock, registry: CollectorRegistry
) -> None:
    cache = make(clock, registry)
    cache.put(1, "a")
    cache.set_up(up=False)
    cache.put(2, "b")
    assert (count(registry, "up"), count(registry, "entries")) == (0, 0)

    cache.set_up(up=True)

    assert [cache.get(1), cache.get(2)] == [None, None]
    assert count(registry, "up") == 1


@given(
    orders=st.lists(st.tuples(st.sampled_from(["get", "put", "invalidate"]), st.integers(0, 6)), max_size=80),
    capacity=st.integers(1, 4),
)
def test_it_holds_what_a_list_of_the_last_used_would(orders: list[tuple[str, int]], capacity: int) -> None:
    cache = make(FakeClock(), CollectorRegistry(), capacity)
    model: OrderedDict[int, str] = OrderedDict()
    for order, key in orders:
        if order == "put":
            cache.put(key, str(key))
            model.pop(key, None)
            model[key] = str(key)
            if len(model) > capacity:
                model.popitem(last=False)
        elif order == "invalidate":
            cache.invalidate(key)
            model.pop(key, None)
        else:
            assert cache.get(key) == model.get(key)
            if key in model:
                model.move_to_end(key)
        assert len(cache) == len(model) <= capacity


class Window:
    """The use of one cache from now on."""

    def __init__(self, simulation: Simulation, cache: str) -> None:
        self._simulation = simulation
        self._cache = cache
        self._start = self._totals()

    def _totals(self) -> tuple[float, ...]:
        return tuple(
            self._simulation.value(f"insa_cache_{what}_total", cache=self._cache)
            for what in ("hits", "misses", "evictions")
        )

    def ratios(self) -> tuple[float, float]:
        """Return hits and evictions, both as shares of the lookups."""
        hits, misses, evictions = (now - then for now, then in zip(self._totals(), self._start, strict=True))
        return hits / (hits + misses), evictions / (hits + misses)


def test_at_rest_most_lookups_hit_and_few_evict_at_any_time(simulation: Simulation) -> None:
    for _ in range(6):
        windows = [Window(simulation, cache) for cache in CACHES]
        simulation.run(300)
        for window in windows:
            hit_ratio, eviction_ratio = window.ratios()
            assert hit_ratio >= 0.85
            assert eviction_ratio <= 0.05


@pytest.mark.parametrize(
    ("fault", "hits_at_most", "evictions_at_least", "evictions_at_most"),
    [
        ("cache_miss_storm", 0.25, 0, 0.05),
        ("eviction_storm", 0.7, 4, 6),
        ("cache_down", 0, 0, 0),
    ],
)
def test_a_fault_of_the_cache_shows_there_and_fails_no_request(
    simulation: Simulation,
    fault: str,
    hits_at_most: float,
    evictions_at_least: float,
    evictions_at_most: float,
) -> None:
    assert_calm(simulation.figures(60))
    simulation.faults.start(fault, None, 300)
    simulation.run(5)
    window = Window(simulation, "customer")

    during = simulation.figures(290)

    hit_ratio, eviction_ratio = window.ratios()
    assert hit_ratio <= hits_at_most
    assert evictions_at_least <= eviction_ratio <= evictions_at_most
    assert (during.error, during.timeout, during.over_5s) == (0, 0, 0)
    assert simulation.value("insa_cache_up", cache="customer") == (fault != "cache_down")
    assert simulation.value("insa_cache_up", cache="knowledge") == 1
    simulation.run(180)  # to be filled again
    window = Window(simulation, "customer")
    assert_calm(simulation.figures(60))
    assert window.ratios()[0] >= 0.8
