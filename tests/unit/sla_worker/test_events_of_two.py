"""Events: two of total, good and bad say the third."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import pytest

from sla_worker.model import Comparison, Definition
from sla_worker.needs import Asked, Counts, Need
from sla_worker.selectors import Selector
from sla_worker.sli.events import EventsSli

RISES: dict[str, dict[str, list[float]]] = {
    "all": {"a": [10, 20], "b": [5, 0]},
    "hits": {"a": [9, 20]},
    "misses": {"a": [1, 0], "c": [2, 2]},
}


class Stub:
    """Counts of two slots, all covered."""

    slots = range(300, 601, 300)

    def increases(self, need: Need) -> Mapping[str, Sequence[float]]:
        return RISES[need.selector.name]

    def coverage(self, _needs: Iterable[Need], _component: str) -> Sequence[float]:
        return [1.0, 1.0]


@pytest.mark.parametrize(
    ("sli", "counted"),
    [
        # b has no good series: none of its events was good; c has no total: it is none of its components
        (
            EventsSli(total=Selector("all"), good=Selector("hits")),
            {"a": [(9, 10), (20, 20)], "b": [(0, 5), (0, 0)]},
        ),
        (
            EventsSli(total=Selector("all"), bad=Selector("misses")),
            {"a": [(9, 10), (20, 20)], "b": [(5, 5), (0, 0)]},
        ),
        # without a total, what has either of the two is there: 9 + 1, 20 + 0; c has misses alone
        (
            EventsSli(good=Selector("hits"), bad=Selector("misses")),
            {"a": [(9, 10), (20, 20)], "c": [(0, 2), (0, 2)]},
        ),
    ],
)
def test_two_of_three_say_the_third(sli: EventsSli, counted: dict[str, list[tuple[float, float]]]) -> None:
    definition = Definition(
        "k", "K", "efficiency", "d", Comparison.AT_LEAST, 0.8, "ratio", "low", sli, by=("cache",)
    )
    asked = Asked(sli.needs(definition), ())
    found = sli.measure(definition, asked, cast("Counts", cast("Any", Stub())))
    assert {name: [(each.good, each.total) for each in figures] for name, figures in found.items()} == counted
