"""Many SLAs are read in portions: no answer is too much for the engine, and the figures are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.counting import GRID, NEWEST, definitions, openmetrics
from logged import lines
from sla_worker.errors import PrometheusError
from sla_worker.measuring import Measured, Measurer
from sla_worker.model import Comparison, Definition, Member
from sla_worker.needs import Kind, Need
from sla_worker.portions import Limits, Portions
from sla_worker.prometheus import HTTPTransport, PrometheusClient
from sla_worker.reading.plan import Plan
from sla_worker.selectors import parse_selector
from sla_worker.settings import read_settings
from sla_worker.sli.composite import CompositeSli
from unit.sla_worker.prometheus_server import directories, load, serving

PLAIN = definitions(40)
SCORE = replace(
    PLAIN[0],
    key="score",
    category="composite",
    comparison=Comparison.AT_LEAST,
    target=0.5,
    sli=CompositeSli((Member(1, category="reliability"),)),
)
ALL: tuple[Definition, ...] = (*PLAIN, SCORE)
SLOT = range(NEWEST, NEWEST + 1, 300)
MISSING = {each.key: {NEWEST} for each in ALL}
FIGURES = [(each.key, 120, 160) for each in PLAIN] + [("score", 1, 1)]
"""Two instances with 20 scrapes each, of which 3 events succeed and 1 fails: 75 %, which is a good score."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus whose queries may load 1,000 samples: 40 SLAs of 4 series are 3,680 in 345 s."""
    data = tmp_path_factory.mktemp("portions") / "data"
    directory = directories()[-1]
    load(directory, data, "".join(openmetrics(len(PLAIN))))
    with serving(directory, data, "global: {}\n", "--query.max-samples=1000") as found:
        yield found


def measurer(url: str, limits: Limits, most_bytes: int | None = None) -> Measurer:
    transport = HTTPTransport(read_settings({"PROMETHEUS_URL": url}).prometheus)
    return Measurer(ALL, PrometheusClient(transport, most_bytes), GRID, limits=limits)


def figures(measured: Measured) -> list[tuple[str, float, float]]:
    return [(row.key, row.good, row.total) for row in measured.rows]


def test_an_engine_that_refuses_so_much_is_asked_for_less_from_then_on(url: str) -> None:
    """40, 20 and 20 are refused, 10 are 920 samples. Each portion takes two queries: targets and counters.

    The first query of 40 has both, so it is refused at once; the others ask for the targets first.
    """
    made = measurer(url, Limits())
    first = made.measure(ALL, SLOT, MISSING, NEWEST)
    assert figures(first) == FIGURES
    again = made.measure(ALL, SLOT, MISSING, NEWEST)
    assert again.rows == first.rows
    assert again.requests == 4 * 2
    assert {row.coverage for row in again.rows} == {1}
    assert again.rows[-1].actual == 0.75


def test_with_a_limit_of_our_own_nothing_is_refused(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """40 series are what 10 SLAs of 4 have."""
    caplog.set_level("INFO", "sla_worker.measuring")
    assert figures(measurer(url, Limits(series=40)).measure(ALL, SLOT, MISSING, NEWEST)) == FIGURES
    assert lines(caplog, "sla_worker.measuring") == []


def test_a_query_that_is_too_long_is_not_sent(url: str) -> None:
    """Of 10 SLAs the list of services alone has over 20 letters, of 5 fewer; the rest is some 90."""
    made = measurer(url, Limits(series=40), most_bytes=110)
    found = made.measure(ALL, SLOT, MISSING, NEWEST)
    assert figures(found) == FIGURES
    with pytest.raises(PrometheusError, match="longer than SLA_QUERY_MAX_BYTES=20"):
        measurer(url, Limits(), most_bytes=20).measure(ALL, SLOT, MISSING, NEWEST)


def test_a_portion_asks_for_its_own_series_alone() -> None:
    needs = [Need(parse_selector(f'a{{job="x",path="/{number}"}}'), Kind.COUNTER) for number in range(60)]
    [_, text] = [str(each) for each in Plan(needs, portion=True).queries]
    assert text.startswith('{__name__="a", job="x", path=~"/0|/1|/10|')
    assert text.count("|") == 59


def test_portions_shrink_and_grow_again_after_an_hour() -> None:
    """20,000 series are 5,000 SLAs of four. Over a day a series has 5,763 samples: 43 SLAs."""
    portions = Portions(Limits(), GRID)
    assert portions.size(SLOT) == 5000
    assert portions.size(range(0, 288 * 300, 300)) == 5000 * 1_000_000 // (20_000 * 5763) == 43
    portions.shrink(5000, 0)
    portions.shrink(2500, 0)
    assert portions.size(SLOT) == 1250
    portions.read(3300)
    assert portions.size(SLOT) == 1250
    for slot, size in ((3600, 2500), (3900, 2500), (7200, 5000), (10800, 5000)):
        portions.read(slot)
        assert portions.size(SLOT) == size
    portions.shrink(1, 0)
    assert portions.size(SLOT) == 1
    portions.reset()
    assert portions.size(SLOT) == 5000
