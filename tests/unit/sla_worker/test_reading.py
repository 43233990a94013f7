"""Every clause of the counting rule through real engines: what a pass asks, and what it makes of it.

One world holds all cases, each in a metric of its own; its counts are derived beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logged import lines
from sla_worker.grid import Grid
from sla_worker.measuring import Measurer
from sla_worker.model import Comparison, Definition, Measurement, Member, NewSeries, Policy, Sli, State
from sla_worker.needs import UNDIVIDED, component, label_values
from sla_worker.prometheus import PrometheusClient
from sla_worker.selectors import parse_selector
from sla_worker.sli.composite import CompositeSli
from sla_worker.sli.events import EventsSli
from sla_worker.sli.form import Condition
from sla_worker.sli.latency import LatencySli
from sla_worker.sli.time import TimeSli
from sla_worker.sli.uptime import UptimeSli
from sla_worker.sli.value import ValueSli
from unit.sla_worker.engines import VICTORIA_METRICS, engines, loaded

GRID = Grid(300, 15)
BEGIN = 1_700_000_100  # a multiple of 300; slot 1 is (0, 300] after it, slot 2 is (300, 600]
SLOTS = range(BEGIN + 300, BEGIN + 601, 300)
OFFSET = 7  # seconds after BEGIN + 15 k at which scrape k happens; 0 to 19 in slot 1, 20 to 39 in slot 2
ALL = range(-8, 40)
SECOND = range(20, 40)


@dataclass
class World:
    """Samples by series, and the targets' own."""

    samples: dict[str, dict[float, float]]

    def target(self, name: str, up: Mapping[float, float], began: Mapping[float, float]) -> None:
        self.samples[f'up{{job="app",instance="{name}"}}'] = dict(up)
        if began:
            self.samples[f'process_start_time_seconds{{job="app",instance="{name}"}}'] = dict(began)

    def series(self, selector: str, values: Mapping[float, float]) -> None:
        self.samples[selector] = dict(values)

    def text(self) -> str:
        lines = []
        for family in sorted({name.partition("{")[0] for name in self.samples}):
            plain = family.removesuffix("_total")
            kind = "counter" if family != plain else "unknown"
            lines.append(f"# TYPE {plain} {kind}")
            for name, values in self.samples.items():
                if name.partition("{")[0] == family:
                    lines += [f"{name} {value} {BEGIN + at:.3f}" for at, value in sorted(values.items())]
        return "\n".join([*lines, "# EOF", ""])


def at(scrapes: Iterator[int] | range, value: float = 1.0, step: float = 0.0) -> dict[float, float]:
    """Values at these scrapes: the first one `value`, then `step` more each time."""
    return {15.0 * scrape + OFFSET: value + step * number for number, scrape in enumerate(scrapes)}


def world() -> World:
    """All series; what they count in slots 1 and 2 stands in COUNTS."""
    made = World({})
    old = BEGIN - 200_000.0  # a process that is older than two days
    made.target("a", {-90_000: 1, -3600: 1} | at(ALL), {-90_000: old, -3600: old} | at(ALL, old))
    made.series('born_total{job="app",instance="a"}', at(SECOND, 4, 2))
    made.series('back_total{job="app",instance="a"}', {-3600: 10} | at(SECOND, 25))
    made.series('gone_total{job="app",instance="a"}', {-90_000: 50} | at(SECOND, 60, 3))
    made.series('float_total{job="app",instance="a"}', at(ALL, 0.5, 0.25))
    # b: down for 50 minutes, another process since 100 s, seen again at scrape 20.
    down = {15.0 * scrape + OFFSET: 0.0 for scrape in range(-199, 20)}
    made.target("b", {-3000: 1} | down | at(SECOND), {-3000: old} | at(SECOND, BEGIN + 100.0))
    made.series('hidden_total{job="app",instance="b"}', {-3000: 40} | at(SECOND, 70, 1))
    made.series('healthy{job="app",instance="b",worker="w1"}', {-3000: 1} | at(SECOND, 1))
    # c: a replica 17 s old. d: an old program that was added. e: one that does not tell its age.
    made.target("c", at(SECOND), at(SECOND, BEGIN + 290.0))
    made.series('replica_total{job="app",instance="c"}', at(SECOND, 12, 1))
    made.target("d", at(SECOND), at(SECOND, BEGIN - 5000.0))
    made.series('added_total{job="app",instance="d"}', at(SECOND, 500, 1))
    made.target("e", at(SECOND), {})
    made.series('ageless_total{job="app",instance="e"}', at(SECOND, 500, 1))
    # f: another process since -2000 s; up all the time.
    steady = {15.0 * scrape + OFFSET: 1.0 for scrape in range(-150, 40)}
    began = {moment: (old if moment < -2000 else BEGIN - 2000.0) for moment in steady}
    made.target("f", steady, began)
    made.series('reborn_total{job="app",instance="f"}', {-2093: 30} | at(SECOND, 45))
    made.series('resumed_total{job="app",instance="f"}', {-2093: 30, -1898: 32} | at(SECOND, 45))
    # Label values that look like two.
    for number, (one, two) in enumerate((("u/v", "w"), ("u", "v/w"), ("u\\\\", "/"))):
        series = f'odd_total{{job="app",instance="a",one="{one}",two="{two}"}}'
        made.series(series, at(range(-8, 40), 0, number + 1))
    # Values that are names of something else: of a label that is not there, and of what is not split.
    for number, kind in enumerate(("", "none", "\\\\none", "all")):
        made.series(f'taken_total{{job="app",instance="a",kind="{kind}",two="b"}}', at(ALL, 0, number + 1))
    made.series('paths_total{job="app",instance="a",path="/p/q"}', at(ALL, 0, 1))
    made.series('paths_total{job="app",instance="b",path="/p/q"}', {-3000: 1} | at(SECOND, 1, 1))
    # Without any `up`.
    made.series('pushed_total{job="push"}', {-8: 5} | at(SECOND, 9))
    made.series('fresh_total{job="push"}', at(SECOND, 9, 1))
    # A bucket whose spelling changes, and a histogram of which one series shows that it began again.
    made.series('h_count{job="app",instance="a"}', at(range(-8, 20), 20) | at(SECOND, 26))
    made.series('h_bucket{job="app",instance="a",le="5"}', at(range(-8, 20), 10))
    made.series('h_bucket{job="app",instance="a",le="5.0"}', at(SECOND, 14))
    made.series('h_bucket{job="app",instance="a",le="1e+01"}', at(ALL, 20))
    made.series('r_count{job="app",instance="a"}', at(range(-8, 20), 10) | at(SECOND, 12))
    made.series('r_bucket{job="app",instance="a",le="1.0"}', at(range(-8, 20), 9) | at(SECOND, 3))
    made.series(
        'depth{job="app",instance="a",queue="q"}', at(range(-8, 40, 2), 40) | at(range(-7, 40, 2), 60)
    )
    return made


def sla(key: str, sli: Sli, *, by: tuple[str, ...] = (), target: float = 0.9, **policy: object) -> Definition:
    return Definition(
        key=key, name=key, category="reliability", description="", comparison=Comparison.AT_LEAST,
        target=target, unit="ratio", severity="low", sli=sli, by=by,
        policy=Policy(**policy),  # type: ignore[arg-type]
    )  # fmt: skip


def events(name: str, **policy: object) -> Definition:
    selector = parse_selector(f"{name}_total")
    return sla(name, EventsSli(total=selector, good=selector), **policy)


COUNTS = {
    "born": (0, 4 + 19 * 2),  # its target had answered before: it was born with 4
    "back": (0, 15),  # 25 - 10, an hour later, the same process
    "gone": (0, 19 * 3),  # this very process showed 50 more than a day ago: 60 is no birth
    "float": (20 * 0.25, 20 * 0.25),
    "hidden": (0, 70 + 19),  # another process, though 70 is above 40
    "replica": (0, 12 + 19),  # 17 s old
    "added": (0, 19),
    "ageless": (0, 19),
    "reborn": (0, 45),  # 30 was another process's
    "resumed": (0, 13),  # 45 - 32: the new process had shown 32
    "pushed": (0, 4),
    "fresh": (0, 19),  # without `up` counting starts at the first sample
}
LATENCY = Comparison.AT_MOST
FORMS = (
    *(events(name) for name in COUNTS),
    replace(events("born", new_series=NewSeries.BASELINE), key="born-baseline"),
    sla("spelling", LatencySli(parse_selector("h"), 5.0, 0.9)),
    sla("family", LatencySli(parse_selector("r"), 1.0, 0.9)),
    sla("no-bucket", LatencySli(parse_selector("h"), 7.0, 0.9)),
    sla("health", UptimeSli(parse_selector("healthy")), by=("worker",)),
    sla("b-up", UptimeSli(parse_selector('up{instance="b"}'))),
    sla("instances", UptimeSli(parse_selector('up{job=~"app|x",instance=~"a|b"}')), by=("instance",)),
    replace(events("odd"), by=("one", "two")),
    replace(events("taken"), by=("kind",)),
    replace(events("taken"), key="taken-two", by=("kind", "two")),
    replace(events("paths"), by=("instance", "path")),
    sla("depth", TimeSli(parse_selector('depth{queue="q",instance="a"}'), Condition("<=", 50))),
    sla("value", ValueSli("sum(depth)", 0.9), target=50),
    # In floating point this is 1.0999999999999999, though eleven times 0.1 is 1.1.
    sla("on-target", ValueSli(f"sum(depth) * 0 + {' + '.join(['0.1'] * 11)}", 0.9), target=1.1),
    sla("quiet", ValueSli("sum(depth) / (sum(depth) * 0) * 0", 0.9), target=50),
    sla("broken", ValueSli("sum(depth) + on (x) group_left () depth * on () group_right () up", 0.9)),
    sla("several", ValueSli("up", 0.9)),
    sla("by-instance", ValueSli("up", 0.9), by=("instance",)),
    sla("odd-strings", ValueSli('sum(depth{queue!="x\\n) #", job!=\'"\'})', 0.9), target=50),
    sla("score", CompositeSli((Member(60, sla="depth"), Member(40, sla="b-up")))),
)


@pytest.fixture(scope="module", params=engines())
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def client(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusClient]:
    with loaded(engine, world().text(), tmp_path_factory.mktemp("world")) as made:
        yield made


def measured(client: PrometheusClient, slots: range) -> dict[tuple[str, str, int], Measurement]:
    missing = {each.key: set(slots) for each in FORMS}
    measurer = Measurer(FORMS, client, GRID)
    rows = measurer.measure(FORMS, slots, missing, slots[-1]).rows
    return {(row.key, row.component, (row.slot - BEGIN) // 300): row for row in rows}


def test_every_clause_of_the_rule(client: PrometheusClient) -> None:
    rows = measured(client, SLOTS)
    totals = {name: (rows[name, "all", 1].total, rows[name, "all", 2].total) for name in COUNTS}
    assert totals == COUNTS
    baseline = rows["born-baseline", "all", 2]
    assert baseline.total == 19 * 2


def test_components_are_told_apart_whatever_their_labels_hold(client: PrometheusClient) -> None:
    """Each rises by its number a scrape. Of the two paths, that of b was not scraped in slot 1."""
    rows = measured(client, SLOTS)
    found = {name: row.total for (key, name, slot), row in rows.items() if (key, slot) == ("odd", 1)}
    assert found == {r"u\/v/w": 20, r"u/v\/w": 40, r"u\\/\/": 60}
    taken = {(key, name): row.total for (key, name, slot), row in rows.items() if slot == 1}
    assert {name: total for (key, name), total in taken.items() if key == "taken"} == {
        "none": 20, r"\none": 40, r"\\none": 60, r"\all": 80,
    }  # fmt: skip
    assert {name: total for (key, name), total in taken.items() if key == "taken-two"} == {
        "none/b": 20, r"\none/b": 40, r"\\none/b": 60, "all/b": 80,
    }  # fmt: skip
    coverage = {(name, slot): row.coverage for (key, name, slot), row in rows.items() if key == "paths"}
    assert coverage == {
        (r"a/\/p\/q", 1): 1, (r"a/\/p\/q", 2): 1, (r"b/\/p\/q", 1): 0, (r"b/\/p\/q", 2): 1,
    }  # fmt: skip


VALUES = (
    st.none() | st.text("/\\an", min_size=1, max_size=4) | st.from_regex(r"\\{0,3}(none|all)", fullmatch=True)
)


@given(st.lists(VALUES, min_size=1, max_size=3), st.lists(VALUES, min_size=1, max_size=3))
def test_a_name_says_which_values_it_is_made_of(values: list[str | None], others: list[str | None]) -> None:
    by = tuple("abc"[: len(values)])
    names = [
        component(by, {label: value for label, value in zip(by, each, strict=False) if value is not None})
        for each in (values, others)
    ]
    assert label_values(by, names[0]) == values
    assert (names[0] == names[1]) == (values == [*others, None, None][: len(by)])
    assert names[0] != UNDIVIDED


def test_single_slots_count_what_a_stretch_of_slots_counts(client: PrometheusClient) -> None:
    together = measured(client, SLOTS)
    alone = [measured(client, range(slot, slot + 1, 300)) for slot in SLOTS]
    # Of series that come later nothing is known in a slot that is read alone: neither their component nor,
    # where no matcher says it, their job.
    figures = [
        {place: (row.good, row.total, row.coverage, row.actual) for place, row in each.items() if row.total}
        for each in (together, {**alone[0], **alone[1]})
    ]
    assert figures[0] == figures[1]


def test_histograms(client: PrometheusClient, caplog: pytest.LogCaptureFixture) -> None:
    rows = measured(client, SLOTS)
    spelling, family = rows["spelling", "all", 2], rows["family", "all", 2]
    assert (spelling.good, spelling.total) == (14 - 10, 26 - 20)
    assert (family.good, family.total) == (3, 12)  # the bucket fell from 9 to 3: the count began again too
    refused = rows["no-bucket", "all", 2]
    assert (refused.state, refused.total) == (State.NO_DATA, 0)
    assert "h has no bucket at 7; the nearest are 5 and 10: set the target to a bucket" in caplog.text


def test_gauges(client: PrometheusClient) -> None:
    rows = measured(client, SLOTS)
    # 20 scrapes of b failed in slot 1: 20 bad samples of what b has shown in the day before.
    assert [(rows["health", "w1", slot].good, rows["health", "w1", slot].total) for slot in (1, 2)] == [
        (0, 20),
        (20, 20),
    ]
    assert [rows["b-up", "all", slot].good for slot in (1, 2)] == [0, 20]
    assert rows["b-up", "all", 1].coverage == 1  # a scrape that failed is a measurement of uptime
    assert [(rows["instances", name, 1].good, rows["instances", name, 1].total) for name in "ab"] == [
        (20, 20),
        (0, 20),
    ]
    assert [(rows["depth", "all", slot].good, rows["depth", "all", slot].total) for slot in (1, 2)] == [
        (10, 20),
        (10, 20),
    ]


def test_expressions_and_scores(
    client: PrometheusClient, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows = measured(client, SLOTS)
    # The last scrape of each slot is an odd one: 60, which is above 50.
    assert [(rows["value", "all", slot].actual, rows["value", "all", slot].state) for slot in (1, 2)] == [
        (60, State.MET)
    ] * 2
    on_target = rows["on-target", "all", 1]
    assert (on_target.good, on_target.actual, on_target.state) == (1, 1.1, State.MET)
    # Not a number: nothing to measure. VictoriaMetrics keeps that to itself, as if there were no series.
    drops_nan = engine == VICTORIA_METRICS
    assert rows["quiet", "all", 1].state is (State.NO_DATA if drops_nan else State.NO_TRAFFIC)
    assert rows["broken", "all", 1].state is State.NO_DATA
    assert rows["odd-strings", "all", 1].actual == 60
    # A number for each instance: one of an SLA that is split by them, and no number of one that is not.
    assert rows["several", "all", 1].state is State.NO_DATA
    assert (rows["by-instance", "a", 2].actual, rows["by-instance", "b", 1].actual) == (1, 0)
    said = [line for line in lines(caplog, "sla_worker") if "expression refused" in line]
    assert len(said) == 2  # of `broken` and `several`; the others were answered
    assert "gives several series for the SLA, which is not split; wrap it in one like sum (...)" in said[1]
    # 60 % of 10 ÷ 20 and 40 % of 0 ÷ 20; then 40 % of 20 ÷ 20.
    assert [rows["score", "all", slot].actual for slot in (1, 2)] == [0.3, 0.7]


def test_coverage_is_of_the_targets_that_should_show_the_series(client: PrometheusClient) -> None:
    rows = measured(client, SLOTS)
    # Without a job matcher: the six targets of the job app. Slot 1: a and f answer, b is down.
    assert rows["born", "all", 1].coverage == 40 / 60
    assert rows["born", "all", 2].coverage == 1
    assert rows["instances", "b", 1].coverage == 1
