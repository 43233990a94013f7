"""Which queries fetch the series of all needs, and which needs a series of their answers serves.

Most SLAs read the same few metrics with other labels, so the metrics are asked for together and the worker
tells the series apart: by equality and inequality itself, while regular expressions are left to the engine,
whose they are. Needs with the same regular expressions share a query. A label that all needs of a metric
give a value narrows the query, and of a histogram only the buckets that somebody needs are asked for. Where
needs are read in portions, their queries are narrowed by long lists of values too, or each would fetch all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sla_worker.needs import Need
from sla_worker.reading.patterns import one_of, same_number
from sla_worker.selectors import LABEL, Matcher

NAME = "__name__"
BOUND = "le"
UP = "up"
STARTED = "process_start_time_seconds"
_MANY = 20  # values of a label; a longer list costs more than it spares
_HISTOGRAM = ("_bucket", "_count", "_sum")

Target = tuple[str, str]
"""A job and an instance."""


@dataclass(frozen=True, slots=True)
class Query:
    """Series of several metrics that are fetched together."""

    names: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        return f"{{{', '.join(str(each) for each in (one_of(NAME, self.names), *self.matchers))}}}"


@dataclass(slots=True, eq=False)
class Known:
    """A series as its labels tell it. `needs` are the numbers of those that it serves.

    `key` is its identity, in which the bound of a bucket is a number; `family` is shared by the series of one
    histogram.
    """

    labels: Mapping[str, str]
    name: str
    target: Target
    needs: tuple[int, ...]
    key: tuple[object, ...]
    family: tuple[object, ...] | None


@dataclass(slots=True)
class _Names:
    """The needs of one metric in one query, found by the label that tells most of them apart."""

    label: str | None
    by_value: dict[str, list[int]] = field(default_factory=dict)
    others: list[int] = field(default_factory=list)


class Plan:
    """The queries of some needs, a `portion` of all. It remembers the series that it has seen."""

    def __init__(self, needs: Sequence[Need], *, portion: bool = False) -> None:
        self.needs = tuple(needs)
        # By identity: comparing and hashing selectors would cost more than counting.
        self.number = {id(need): number for number, need in enumerate(self.needs)}
        self.queries, self._names = _queries(self.needs, portion=portion)
        self.targets = next(number for number, each in enumerate(self.queries) if UP in each.names)
        """The query whose answer says which targets there are."""
        self._exact = [
            tuple(each for each in need.selector.matchers if each.operator in {"=", "!="})
            for need in self.needs
        ]
        self._known: list[dict[tuple[tuple[str, str], ...], Known]] = [{} for _ in self.queries]
        self._target_labels: frozenset[str] = frozenset()
        self._about: list[tuple[Matcher, ...]] = [() for _ in self.needs]
        self.without_job = [
            number
            for number, need in enumerate(self.needs)
            if not any(
                each.label == "job" and each.value and each.operator in {"=", "=~"}
                for each in need.selector.matchers
            )
        ]
        """The needs whose matchers say nothing of the job that their series come from."""

    def known(self, query: int, labels: Mapping[str, str]) -> Known:
        """The series with these labels in the answer of a query."""
        key = tuple(labels.items())
        found = self._known[query].get(key)
        if found is None:
            found = self._known[query][key] = self._recognised(query, labels)
        return found

    def about_targets(self, number: int, labels: AbstractSet[str]) -> tuple[Matcher, ...]:
        """The matchers of a need that speak of labels which targets have."""
        if labels != self._target_labels:
            self._target_labels = frozenset(labels)
            told: dict[tuple[Matcher, ...], tuple[Matcher, ...]] = {}
            for place, need in enumerate(self.needs):
                about = tuple(each for each in need.selector.matchers if each.label in labels)
                self._about[place] = told.setdefault(about, about)
        return self._about[number]

    def forget(self, seen: Sequence[int]) -> None:
        """Drop what was remembered of a query when most of it is gone; `seen` is how many series it gave."""
        for known, count in zip(self._known, seen, strict=True):
            if len(known) > 2 * count + 100:
                known.clear()

    def _recognised(self, query: int, labels: Mapping[str, str]) -> Known:
        name = labels.get(NAME, "")
        group = self._names[query].get(name)
        candidates: list[int] = []
        if group is not None:
            candidates = group.others
            if group.label is not None:
                candidates = candidates + group.by_value.get(labels.get(group.label, ""), [])
        needs = tuple(sorted(number for number in candidates if self._serves(number, labels)))
        return identified(labels, needs)

    def _serves(self, number: int, labels: Mapping[str, str]) -> bool:
        bound = self.needs[number].bound
        return (bound is None or _number(labels.get(BOUND, "")) == bound) and all(
            each.matches(labels) for each in self._exact[number]
        )


def identified(labels: Mapping[str, str], needs: tuple[int, ...] = ()) -> Known:
    """A series and who it is."""
    name = labels.get(NAME, "")
    rest = tuple(sorted((label, value) for label, value in labels.items() if label not in {NAME, BOUND}))
    key: tuple[object, ...] = (name, rest, None)
    if BOUND in labels:
        key = (name, rest, _number(labels[BOUND]))
    family = next(((name.removesuffix(each), rest) for each in _HISTOGRAM if name.endswith(each)), None)
    target = (labels.get("job", ""), labels.get("instance", ""))
    return Known(labels, name, target, needs, key, family)


def _number(bound: str) -> float | str:
    try:
        return float(bound)
    except ValueError:
        return bound


@dataclass(slots=True)
class _Metric:
    """All that is asked of one metric under the same regular expressions."""

    needs: list[int] = field(default_factory=list)
    bounds: set[float] = field(default_factory=set)
    whole: bool = False  # all its series are wanted, whatever their bound


def _queries(needs: Sequence[Need], *, portion: bool) -> tuple[list[Query], list[dict[str, _Names]]]:
    metrics: dict[tuple[tuple[Matcher, ...], str], _Metric] = {((), UP): _Metric(), ((), STARTED): _Metric()}
    for number, need in enumerate(needs):
        regexes = tuple(each for each in need.selector.matchers if each.operator in {"=~", "!~"})
        metric = metrics.setdefault((tuple(sorted(regexes, key=str)), need.selector.name), _Metric())
        metric.needs.append(number)
        if need.bound is None:
            metric.whole = True
        else:
            metric.bounds.add(need.bound)
    together: dict[tuple[Matcher, ...], dict[str, _Metric]] = {}
    for (regexes, name), metric in metrics.items():
        narrow: tuple[Matcher, ...] = ()
        if name not in {UP, STARTED}:
            narrow = _narrowed([needs[each] for each in metric.needs], portion=portion)
        together.setdefault((*regexes, *narrow), {})[name] = metric
    queries: list[Query] = []
    names: list[dict[str, _Names]] = []
    for matchers, group in together.items():
        for part, bounds in _by_bounds(group):
            queries.append(Query(tuple(sorted(part)), (*matchers, *bounds)))
            names.append({name: _told_apart(needs, metric.needs) for name, metric in part.items()})
    return queries, names


def _by_bounds(
    group: Mapping[str, _Metric],
) -> Iterable[tuple[Mapping[str, _Metric], tuple[Matcher, ...]]]:
    """Buckets go with the other metrics, unless one of those is itself split by a bound."""
    bounds = sorted({bound for metric in group.values() for bound in metric.bounds})
    if not bounds:
        yield group, ()
        return
    pattern = "|".join(same_number(each) for each in bounds)
    split = {name: each for name, each in group.items() if each.whole and name.endswith("_bucket")}
    rest = {name: each for name, each in group.items() if name not in split}
    if split:
        yield split, ()
    if rest:
        yield rest, (Matcher(BOUND, "=~", f"|{pattern}"),)  # the empty alternative is for series without `le`


def _narrowed(needs: Sequence[Need], *, portion: bool) -> tuple[Matcher, ...]:
    """Matchers that hold for all these needs: the values of labels that each of them gives, if they are few.

    Of a portion also those of the label with the most values.
    """
    values: dict[str, set[str]] = {}
    for need in needs:
        for each in need.selector.matchers:
            if each.operator == "=" and each.value and LABEL.fullmatch(each.label):
                values.setdefault(each.label, set()).add(each.value)
    given = {label: found for label, found in values.items() if all(_gives(need, label) for need in needs)}
    longest = max(given, key=lambda each: len(given[each]), default=None) if portion else None
    return tuple(
        one_of(label, found)
        for label, found in sorted(given.items())
        if len(found) <= _MANY or label == longest
    )


def _gives(need: Need, label: str) -> bool:
    return any(each.label == label and each.operator == "=" and each.value for each in need.selector.matchers)


def _told_apart(needs: Sequence[Need], numbers: Sequence[int]) -> _Names:
    values: dict[str, dict[str, list[int]]] = {}
    for number in numbers:
        for each in needs[number].selector.matchers:
            if each.operator == "=":
                values.setdefault(each.label, {}).setdefault(each.value, []).append(number)
    if not values:
        return _Names(None, others=list(numbers))
    label = max(values, key=lambda each: len(values[each]))
    told = {number for found in values[label].values() for number in found}
    return _Names(label, values[label], [number for number in numbers if number not in told])
