"""Whether Prometheus holds what the definitions ask for. Only a look: nothing is counted here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sla_worker.definitions.slas import Read
from sla_worker.errors import PrometheusError
from sla_worker.lint.finding import ERROR, WARNING, Finding, or_near, some
from sla_worker.lint.series import Asked
from sla_worker.lint.summed import summed
from sla_worker.model import Definition, Input, MetricType
from sla_worker.selectors import LABEL, Matcher, Selector

_LOOSE = 1.02  # increase() extrapolates either side a little
_NEAR = 0.85  # metrics resemble one another; a slip of the keyboard is nearer than that
_FALLS = 10  # a counter falls when its program starts again
_FEW = 2.0  # events


class Live:
    """Looks at the series of one file's SLAs, in one Prometheus, at one time."""

    def __init__(self, read: Read, asked: Asked, slot_seconds: int) -> None:
        self._read = read
        self._asked = asked
        self._slot_seconds = slot_seconds

    def findings(self) -> Iterator[Finding]:
        """Those of all SLAs that are enabled. Raises PrometheusError when Prometheus is gone."""
        for definition in self._read.definitions:
            if definition.enabled:
                yield from self._of(definition)

    def _of(self, definition: Definition) -> Iterator[Finding]:
        there = True
        for each in definition.sli.inputs:
            found = list(self._series(definition, each))
            there = there and not found
            yield from found
        if there:
            yield from self._too_many(definition)
        expression = definition.sli.asked(self._slot_seconds)
        if expression is not None:
            yield from self._value(definition, expression)

    def _say(self, level: str, definition: Definition, field: str, what: str, fix: str) -> Finding:
        return Finding(level, self._read.place(definition.key, field), f"SLA {definition.key}: {what}", fix)

    # --- series

    def _series(self, definition: Definition, each: Input) -> Iterator[Finding]:
        """That they exist, are of the right type, and have the labels that split the SLA."""
        selector = each.selector
        if each.type is MetricType.HISTOGRAM:
            selector = selector.renamed(f"{selector.name}_count")
        if not self._asked.count(selector):
            yield self._missing(definition, each)
            return
        yield from self._wrong_type(definition, each)
        yield from self._replicas(definition, each.key, f"{each.key} finds series", selector)
        for label in definition.by:
            without = self._asked.count(selector.plus(Matcher(label, "=", "")))
            if without:
                what = f"{without} series of {each.key} have no label {label}"
                labels = some(self._asked.labels(selector)) or "leave out those without it"
                yield self._say(ERROR, definition, "by", what, f"split by a label that all have: {labels}")
        if each.type is MetricType.HISTOGRAM:
            yield from self._bucket(definition, each)

    def _replicas(self, definition: Definition, key: str, does: str, selector: Selector) -> Iterator[Finding]:
        """That replicas of Prometheus, which scrape the same targets, do not all count."""
        for label, count in self._asked.doubled(selector).items():
            if label in definition.by:
                continue
            values = sorted(self._asked.values(selector.name, label)) or [""]
            named = some([value or "(none)" for value in values])
            what = f"{does} {count} times, differing in {label} alone: {named}"
            fix = f'have the engine leave one out (docs/scale.md), or select one: {label}="{values[0]}"'
            yield self._say(WARNING, definition, f"sli.{key}", what, fix)

    def _wrong_type(self, definition: Definition, each: Input) -> Iterator[Finding]:
        name, field = each.selector.name, f"sli.{each.key}"
        if each.type is not MetricType.HISTOGRAM and self._asked.is_native(each.selector):
            what = f"{each.key}: {name} is a native histogram, whose samples are no numbers"
            fix = f"scrape its classic series too (always_scrape_classic_histograms), and give {name}_count"
            yield self._say(ERROR, definition, field, what, fix)
        if each.type is MetricType.COUNTER and (falls := self._asked.falls(each.selector)) > _FALLS:
            what = f"{each.key} fell {falls} times within an hour, as a gauge does: {each.selector}"
            yield self._say(WARNING, definition, field, what, "give a counter, or the kind time or value")
        if each.type is MetricType.GAUGE and name.endswith("_total"):
            what = f"{each.key} looks like a counter, whose value is no state: {name}"
            yield self._say(WARNING, definition, field, what, "give a gauge, or the kind events or value")

    def _missing(self, definition: Definition, each: Input) -> Finding:
        """Why a selector matches nothing."""
        field, selector, name = f"sli.{each.key}", each.selector, each.selector.name
        if each.type is MetricType.HISTOGRAM:
            if self._asked.is_native(selector):
                what = f"{name} is a native histogram, whose buckets move: it cannot be counted exactly"
                fix = "have Prometheus scrape its classic buckets too: always_scrape_classic_histograms"
                return self._say(ERROR, definition, field, what, fix)
            selector = selector.renamed(f"{name}_count")
        if not self._asked.count(selector.bare()):
            what = f"{each.key}: there is no metric {selector.name}"
            if self._asked.was_there(selector.name):
                what = f"{each.key}: {selector.name} has no series now, though it had some"
                return self._say(
                    ERROR, definition, field, what, "see whether its program runs and is scraped"
                )
            names: Iterable[str] = self._asked.names
            if each.type is MetricType.HISTOGRAM:
                names = {one.removesuffix("_bucket") for one in names if one.endswith("_bucket")}
            fix = or_near(name, names, "see what is scraped", cutoff=_NEAR)
            return self._say(ERROR, definition, field, what, fix)
        level = WARNING if each.key == "bad" else ERROR
        what = f"{each.key} matches nothing: {each.selector}"
        fix = self._values(selector.name, each)
        if each.key == "bad":
            what = f"bad has never been seen, so that nothing counts as bad: {each.selector}"
            fix += "; if it is right, create it at zero when the program starts"
        return self._say(level, definition, field, what, fix)

    def _values(self, name: str, each: Input) -> str:
        """What the labels have, of which the selector wants something else."""
        told = []
        for matcher in each.selector.matchers:
            values = self._asked.values(name, matcher.label)
            if not any(matcher.matches({matcher.label: value}) for value in values):
                told.append(
                    f"{matcher.label} has {some(values)}" if any(values) else f"no {matcher.label} is there"
                )
        return f"give labels that are there: {'; '.join(told) or 'no series has all of these'}"

    def _bucket(self, definition: Definition, each: Input) -> Iterator[Finding]:
        """A bucket stands at the target, on every target that is scraped."""
        bounds = self._asked.bounds(each.selector)
        lacking = {where: have for where, have in bounds.items() if definition.target not in have}
        if not lacking:
            return
        where, have = min(lacking.items())
        below = max((one for one in have if one < definition.target), default=None)
        above = min((one for one in have if one > definition.target), default=None)
        nearest = " or ".join(f"{one:g}" for one in (below, above) if one is not None)
        place = "" if len(lacking) == len(bounds) else f" on {where}"
        what = f"{each.selector.name} has no bucket at {definition.target:g}{place}"
        fix = f"give a target that is one ({nearest or 'there is none'}), or add it to the histogram"
        yield self._say(ERROR, definition, "target", what, fix)

    def _too_many(self, definition: Definition) -> Iterator[Finding]:
        """A part of the events is not more than all of them."""
        inputs = {each.key: each for each in definition.sli.inputs}
        if "total" not in inputs:
            return
        total = self._asked.increase(inputs["total"].selector)
        for key, each in inputs.items():
            part = self._asked.increase(each.selector) if key != "total" else None
            if part is not None and total is not None and part > total * _LOOSE + _FEW:
                what = f"{key} rose by {part:.0f} in the last hour, but total by {total:.0f} only"
                fix = f"give a total that counts everything that {key} counts"
                yield self._say(ERROR, definition, f"sli.{key}", what, fix)

    # --- expressions

    def _value(self, definition: Definition, expression: str) -> Iterator[Finding]:
        """An expression gives one value a component."""
        field = "sli.expression"
        try:
            answer = self._asked.evaluate(expression)
        except PrometheusError as error:
            self._asked.check()
            yield self._say(ERROR, definition, field, str(error), "put the expression right")
            return
        for each in summed(expression):
            yield from self._replicas(definition, "expression", f"expression adds up {each.name}", each)
        if not answer:
            fix = "see whether its series are there, and its comparisons are right"
            yield self._say(WARNING, definition, field, "expression has no value now", fix)
            return
        for label in definition.by:
            if not all(each.get(label) for each in answer):
                there = some({name for each in answer for name in each if LABEL.fullmatch(name)})
                what = f"expression gives series without the label {label}"
                yield self._say(
                    ERROR, definition, "by", what, f"keep it: … by ({label}) (…); now it has {there}"
                )
                return
        parts = {tuple(each.get(label, "") for label in definition.by) for each in answer}
        if len(parts) < len(answer):
            differ = {name for each in answer for name in each if len({one.get(name) for one in answer}) > 1}
            what = f"expression gives {len(answer)} series for {len(parts)} component{'s' * (len(parts) > 1)}"
            fix = f"aggregate it, as in sum(…), or split it: by: [{', '.join(sorted(differ))}]"
            yield self._say(ERROR, definition, field, what, fix)
