"""What the day before a series' first sample held: asked for the few series that need it, and their targets.

A series that appears within a stretch was away, was born, or has moved to another process. Which of these
it was decides what its first sample counts, so its last sample before, the last start of its process and
whether its target answered are looked for at that very moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sla_worker.counting import DAY, Earlier
from sla_worker.errors import PrometheusError
from sla_worker.prometheus import PrometheusClient
from sla_worker.reading.patterns import one_of, same_number
from sla_worker.reading.plan import BOUND, NAME, STARTED, UP, Target, identified
from sla_worker.reading.targets import Targets
from sla_worker.reading.window import Samples
from sla_worker.selectors import Matcher

_GROUPS = 100  # so many moments of targets are asked for in one request
_GROUP = "sla_group"
_JUST_BEFORE = "offset 1ms"


_Parts = Callable[["_Group"], Iterable[tuple[str, str]]]
"""What is asked of a group: a letter that says what it is, and the expression."""


@dataclass(slots=True)
class _Group:
    """Series of one target that have their first sample at the same time."""

    target: Target
    at: float
    series: list[Samples] = field(default_factory=list)
    last: dict[tuple[object, ...], float] = field(default_factory=dict)
    answered: bool = False
    began: float | None = None  # by the last sample before, not by the first one
    same: set[tuple[object, ...]] = field(default_factory=set)
    gone: set[tuple[object, ...]] = field(default_factory=set)

    def selectors(self) -> Iterator[str]:
        """The series, as few selectors: those of buckets, and the others."""
        bounds = {float(each.known.labels[BOUND]) for each in self.series if BOUND in each.known.labels}
        where = [Matcher("job", "=", self.target[0]), Matcher("instance", "=", self.target[1])]
        plain = [each.known.name for each in self.series if BOUND not in each.known.labels]
        if plain:
            yield _selector([one_of(NAME, plain), *where])
        if bounds:
            names = one_of(NAME, [each.known.name for each in self.series if BOUND in each.known.labels])
            pattern = "|".join(same_number(each) for each in sorted(bounds))
            yield _selector([names, *where, Matcher(BOUND, "=~", pattern)])

    def known(self, name: str) -> str:
        """A selector of a metric of the target itself."""
        where = [Matcher("job", "=", self.target[0]), Matcher("instance", "=", self.target[1])]
        return _selector([Matcher(NAME, "=", name), *where])


def look_back(client: PrometheusClient, orphans: Iterable[Samples], targets: Targets) -> int:
    """Set `earlier` of each of these series; says how many requests that took. Raises PrometheusError."""
    found: dict[tuple[Target, float], _Group] = {}
    for each in orphans:
        key = (each.known.target, each.times[0])
        found.setdefault(key, _Group(*key)).series.append(each)
    groups = list(found.values())
    asked = sum(_ask(client, batch, _last) for batch in _batches(groups))
    unsure = [group for group in groups if _since(group, targets) is not None and group.last]
    asked += sum(
        _ask(client, batch, lambda group: _since_began(group, targets)) for batch in _batches(unsure)
    )
    old = [group for group in groups if group.answered and _may_be_gone(group, targets)]
    asked += sum(_ask(client, batch, lambda group: _long_ago(group, targets)) for batch in _batches(old))
    for group in groups:
        _settle(group, targets)
    return asked


def _batches(groups: Sequence[_Group]) -> Iterator[Sequence[_Group]]:
    for start in range(0, len(groups), _GROUPS):
        yield groups[start : start + _GROUPS]


def _ask(client: PrometheusClient, groups: Sequence[_Group], parts: _Parts) -> int:
    """One request for these groups, or more if the engine refuses so much; says how many were answered.

    The tag of each series says what it is of which group.
    """
    texts = []
    for number, group in enumerate(groups):
        for what, text in parts(group):
            texts.append(f'label_replace({text}, "{_GROUP}", "{what}{number}", "", "")')
    if not texts:
        return 0
    try:
        answer = client.query("\nor ".join(texts), max(group.at for group in groups))
    except PrometheusError as error:
        if not error.refused or len(groups) == 1:
            raise
        half = len(groups) // 2
        return _ask(client, groups[:half], parts) + _ask(client, groups[half:], parts)
    for series in answer.series:
        tag = series.labels.get(_GROUP, "")
        if len(tag) < 2 or not series.values:  # noqa: PLR2004 - a letter and a number
            continue
        labels = {label: value for label, value in series.labels.items() if label != _GROUP}
        _take(groups[int(tag[1:])], tag[0], labels, series.values[-1])
    return 1


def _take(group: _Group, what: str, labels: Mapping[str, str], value: float) -> None:
    if what == "u":
        group.answered = group.answered or value == 1
    elif what == "p":
        group.began = value if group.began is None else max(group.began, value)
    else:
        key = identified(labels).key
        if what == "s":
            group.last[key] = value
        elif what == "n":
            group.same.add(key)
        else:
            group.gone.add(key)


def _last(group: _Group) -> Iterator[tuple[str, str]]:
    at = f"[{DAY}s] @ {group.at:.3f} {_JUST_BEFORE}"
    for selector in group.selectors():
        yield "s", f"last_over_time({selector}{at})"
    yield "u", f"max by (job, instance) (max_over_time({group.known(UP)}{at}))"
    yield "p", f"max by (job, instance) (last_over_time({group.known(STARTED)}{at}))"


def _since(group: _Group, targets: Targets) -> float | None:
    """For how long the process of the first sample had run, in seconds; None when that is no help."""
    age = _age(group, targets)
    return age if 0 < age < DAY else None


def _since_began(group: _Group, targets: Targets) -> Iterator[tuple[str, str]]:
    """The series that this very process has shown before."""
    for selector in group.selectors():
        seconds = _since(group, targets) or 0.0
        milliseconds = max(int(seconds * 1000), 2)
        yield "n", f"last_over_time({selector}[{milliseconds}ms] @ {group.at:.3f} {_JUST_BEFORE})"


def _may_be_gone(group: _Group, targets: Targets) -> bool:
    """Whether a series without a sample in the day before may have been shown earlier by this very process.

    Whatever another process has shown was counted by that one.
    """
    return _age(group, targets) > DAY and any(each.known.key not in group.last for each in group.series)


def _age(group: _Group, targets: Targets) -> float:
    """How long the process of the first sample had run, in seconds; 0 when that is not known."""
    target = targets.by_key.get(group.target)
    began = None if target is None else target.began_at(group.at)
    return 0.0 if began is None else group.at - began


def _long_ago(group: _Group, targets: Targets) -> Iterator[tuple[str, str]]:
    """The series that this very process has shown, longer ago than a day."""
    for selector in group.selectors():
        seconds = max(int(_age(group, targets)) - DAY, 1)
        yield "g", f"last_over_time({selector}[{seconds}s] @ {group.at:.3f} offset 1d)"


def _settle(group: _Group, targets: Targets) -> None:
    target = targets.by_key.get(group.target)
    answered = group.answered or (target is not None and target.answered_before(group.at))
    began = None if target is None else target.began_at(group.at)
    other = began is not None and group.began is not None and began - group.began > 1
    young = _since(group, targets) is not None
    for each in group.series:
        key = each.known.key
        each.earlier = Earlier(
            value=group.last.get(key),
            same_process=not other and (not young or key in group.same),
            answered=answered,
            gone=key in group.gone and key not in group.last,
        )


def _selector(matchers: Iterable[Matcher]) -> str:
    return f"{{{', '.join(str(each) for each in matchers)}}}"
