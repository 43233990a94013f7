"""What the application does in a stretch of time, group of metrics by group.

Every duration is a binary fraction, so that sums of them are exact whatever the order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping

from simulation.counters import Exposed, Histogram
from simulation.series import counter, gauge
from simulation.world import MetricGroup, World

_DURATION = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60)
_QUERY = (0.001, 0.01, 0.1, 0.5, 1, 3, 10, 30)
_PROCESSING = (0.01, 0.1, 0.5, 1, 2, 5, 10, 30)
_BACKUP_SECONDS = 3600
_SESSION = (30, 60, 120, 300, 600, 1200)

_USUAL = ((0.03125, 15), (0.25, 25), (0.75, 30), (1.75, 18), (2, 4), (3.5, 5), (5, 1), (7.5, 0.6), (12, 0.2))
_SLOW = ((0.25, 5), (1.75, 20), (3.5, 20), (5, 5), (7.5, 20), (12, 15), (20, 10), (75, 5))
_FAST_QUERY = ((0.0009765625, 40), (0.0078125, 40), (0.0625, 15), (0.5, 4), (0.75, 0.7), (2, 0.2), (4, 0.05))
_SLOW_QUERY = ((0.0625, 20), (0.75, 40), (2, 25), (4, 15))
_SESSIONS = ((20, 5), (100, 15), (240, 20), (300, 10), (480, 30), (900, 15), (1500, 5))

Active = Mapping[str, bool]
Doing = Callable[[float, float, Active], None]


class _Values:
    """Values with weights, drawn many at a time."""

    def __init__(self, weighted: tuple[tuple[float, float], ...]) -> None:
        self._values = [value for value, _ in weighted]
        self._weights = [weight for _, weight in weighted]

    def draw(self, chance: random.Random, times: int) -> Counter[float]:
        return Counter(chance.choices(self._values, self._weights, k=times))


class Activity:
    """The behaviour of one process. `advance(seconds, load, faults)` is called for each stretch of time."""

    def __init__(self, world: World, exposed: Exposed, chance: random.Random) -> None:
        self._world = world
        self._exposed = exposed
        self._chance = chance
        makers: dict[MetricGroup, Callable[[], Doing]] = {
            MetricGroup.REQUESTS: self._requests,
            MetricGroup.WORKERS: self._workers,
            MetricGroup.CACHES: self._caches,
            MetricGroup.BREAKERS: self._breakers,
            MetricGroup.RETRIES: self._retries,
            MetricGroup.DEAD_LETTERS: self._dead_letters,
            MetricGroup.DATABASE: self._database,
            MetricGroup.BUS: self._bus,
            MetricGroup.SESSIONS: self._sessions,
            MetricGroup.COMPLIANCE: self._compliance,
        }
        self._doing = [makers[group]() for group in world.groups]

    def advance(self, seconds: float, load: float, faults: Active) -> None:
        """Let the time pass at this load, with what is wrong meanwhile."""
        load = 0.0 if faults["quiet"] else load
        for doing in self._doing:
            doing(seconds, load, faults)

    def _times(self, mean: float) -> int:
        """How many events there are where so many are to be expected."""
        if mean <= 0:
            return 0
        return max(0, int(self._chance.gauss(mean, mean**0.5) + self._chance.random()))

    def _share(self, times: int, ratio: float) -> int:
        """How many of so many events are of a kind that has this share."""
        return min(times, self._times(times * ratio))

    def _requests(self) -> Doing:
        world, exposed, chance = self._world, self._exposed, self._chance
        usual, slow = _Values(_USUAL), _Values(_SLOW)
        statuses = {
            (agent, status): counter("insa_agent_requests_total", ("agent", agent), ("status", status))
            for agent in world.agents
            for status in ("success", "error", "timeout")
        }
        durations = {
            agent: Histogram(exposed, "insa_agent_request_duration_seconds", _DURATION, ("agent", agent))
            for agent in world.agents
        }
        for (_, status), metric in statuses.items():
            if status == "success" or not world.lazy:
                exposed.create(metric)
        for each in durations.values():
            each.create()

        def doing(seconds: float, load: float, faults: Active) -> None:
            errors = 0.2 if faults["errors"] or faults["database_down"] else 0.0006
            timeouts = 0.1 if faults["timeouts"] else 0.002
            for agent in world.agents:
                times = self._times(world.requests_per_second / len(world.agents) * load * seconds)
                if not times:
                    continue
                failed = self._share(times, errors)
                late = self._share(times - failed, timeouts)
                for status, number in (
                    ("error", failed),
                    ("timeout", late),
                    ("success", times - failed - late),
                ):
                    if number:
                        exposed.add(statuses[agent, status], number)
                for value, number in (slow if faults["slow"] else usual).draw(chance, times).items():
                    durations[agent].observe(value, number)

        return doing

    def _workers(self) -> Doing:
        world, exposed, chance = self._world, self._exposed, self._chance
        names = [
            tuple(
                gauge(f"insa_worker_{what}", ("worker_name", name))
                for what in ("health_status", "queue_depth", "utilization_ratio")
            )
            for name in world.workers
        ]

        def doing(_: float, load: float, faults: Active) -> None:
            for number, (health, depth, utilization) in enumerate(names):
                down = number == 0 and faults["worker_down"]
                flood = down or (number == len(names) - 1 and faults["queue_flood"])
                exposed.set(health, 0 if down else 1)
                exposed.set(depth, chance.randrange(45, 140) if flood else int(chance.random() * 30 * load))
                exposed.set(utilization, 0 if down else min(1.0, chance.randrange(65) / 64 * load))

        return doing

    def _caches(self) -> Doing:
        exposed = self._exposed
        hits, misses, evictions = (
            counter(f"insa_cache_{what}_total", ("cache", "customers"))
            for what in ("hits", "misses", "evictions")
        )
        up = gauge("insa_cache_up", ("cache", "customers"))
        for metric in (hits, misses, evictions):
            exposed.create(metric)

        def doing(seconds: float, load: float, faults: Active) -> None:
            exposed.set(up, 0 if faults["cache_down"] else 1)
            times = self._times(2 * self._world.requests_per_second * load * seconds)
            missed = self._share(times, 0.5 if faults["cache_cold"] else 0.12)
            for metric, number in (
                (misses, missed),
                (hits, times - missed),
                (evictions, self._share(missed, 0.1)),
            ):
                if number:
                    exposed.add(metric, number)

        return doing

    def _breakers(self) -> Doing:
        exposed, chance = self._exposed, self._chance
        states = [gauge("insa_circuit_breaker_state", ("breaker", name)) for name in ("crm_api", "llm")]

        def doing(_: float, __: float, faults: Active) -> None:
            exposed.set(states[0], chance.choice((1, 2, 2, 2)) if faults["breaker_open"] else 0)
            exposed.set(states[1], 0)

        return doing

    def _retries(self) -> Doing:
        exposed = self._exposed
        success, exhausted = (
            counter("insa_retry_outcomes_total", ("operation", "crm_api"), ("outcome", outcome))
            for outcome in ("success", "exhausted")
        )
        if not self._world.lazy:
            exposed.create(success)
            exposed.create(exhausted)

        def doing(seconds: float, load: float, faults: Active) -> None:
            times = self._times(0.02 * load * seconds)
            failed = self._share(times, 0.6 if faults["breaker_open"] else 0.1)
            if times > failed:
                exposed.add(success, times - failed)
            if failed:
                exposed.add(exhausted, failed)

        return doing

    def _dead_letters(self) -> Doing:
        exposed = self._exposed
        results = {
            result: counter("insa_dlq_replayed_total", ("result", result))
            for result in ("success", "failure")
        }
        for metric in results.values():
            exposed.create(metric)

        def doing(seconds: float, load: float, _: Active) -> None:
            times = self._times(0.004 * load * seconds)
            failed = self._share(times, 0.05)
            for result, number in (("failure", failed), ("success", times - failed)):
                if number:
                    exposed.add(results[result], number)

        return doing

    def _database(self) -> Doing:
        exposed, chance = self._exposed, self._chance
        up = gauge("insa_database_up")
        success, error = (
            counter("insa_database_queries_total", ("operation", "select"), ("status", status))
            for status in ("success", "error")
        )
        duration = Histogram(exposed, "insa_database_query_duration_seconds", _QUERY, ("operation", "select"))
        fast, slow = _Values(_FAST_QUERY), _Values(_SLOW_QUERY)
        exposed.create(success)
        exposed.create(error)
        duration.create()

        def doing(seconds: float, load: float, faults: Active) -> None:
            down = faults["database_down"]
            exposed.set(up, 0 if down else 1)
            times = self._times(self._world.requests_per_second * load * seconds)
            failed = self._share(times, 0.9 if down else 0.00008)
            if times > failed:
                exposed.add(success, times - failed)
            if failed:
                exposed.add(error, failed)
            for value, number in (slow if faults["database_slow"] else fast).draw(chance, times).items():
                duration.observe(value, number)

        return doing

    def _bus(self) -> Doing:
        exposed, chance = self._exposed, self._chance
        up = gauge("insa_message_bus_up")
        # Nothing on the bus before its first message: a whole histogram that is born late.
        family = "insa_message_bus_processing_duration_seconds"
        duration = Histogram(exposed, family, _PROCESSING, ("topic", "orders"))
        usual = _Values(_FAST_QUERY)

        def doing(seconds: float, load: float, faults: Active) -> None:
            exposed.set(up, 0 if faults["bus_down"] else 1)
            if not faults["bus_down"]:
                times = self._times(0.2 * self._world.requests_per_second * load * seconds)
                for value, number in usual.draw(chance, times).items():
                    duration.observe(value, number)

        return doing

    def _sessions(self) -> Doing:
        exposed, chance = self._exposed, self._chance
        active = gauge("insa_sessions_active")
        duration = Histogram(exposed, "insa_session_duration_seconds", _SESSION)
        lengths = _Values(_SESSIONS)
        duration.create()

        def doing(seconds: float, load: float, _: Active) -> None:
            exposed.set(active, int(load * chance.randrange(5, 30)))
            for value, number in lengths.draw(chance, self._times(0.02 * load * seconds)).items():
                duration.observe(value, number)

        return doing

    def _compliance(self) -> Doing:
        exposed, chance = self._exposed, self._chance
        success, failure = (
            counter("insa_backup_runs_total", ("result", result)) for result in ("success", "failure")
        )
        scanned, there = gauge("insa_scan_components_scanned"), gauge("insa_scan_components")
        retention = gauge("insa_metrics_retention_seconds")
        exposed.create(success)
        exposed.create(failure)
        exposed.set(retention, 15 * 86400)
        waited = chance.random() * _BACKUP_SECONDS

        def doing(seconds: float, _: float, faults: Active) -> None:
            nonlocal waited
            waited += seconds
            if waited >= _BACKUP_SECONDS:
                waited = 0.0
                exposed.add(failure if faults["backup_failure"] else success, 1)
            exposed.set(there, 12)
            exposed.set(scanned, 9 if faults["scan_gap"] else 12)

        return doing
