"""The matrix of scenarios.yml: for every alert its cause, in waves and lanes.

What is wrong in the file is a MatrixError that names the scenario.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("scenarios.yml")
BEFORE, DURING, AFTER = "before", "during", "after"
MAIL, WEBHOOK = "mail", "webhook"
_KEYS = {"title", "alerts", "faults", "special", "sees", "later", "after", "sla"}


class MatrixError(Exception):
    """The matrix is not what it must be; the message names the scenario."""


@dataclasses.dataclass(frozen=True)
class Sight:
    """Something beside the alert that must be seen: a query which has a result at some time.

    `when` is `before` (the cause waits for it), `during` (before the cause ends) or `after`.
    """

    when: str
    what: str
    query: str


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A cause, and the alerts that must notice it.

    `faults` are those of the demo-app with their intensities, `special` is a cause of another kind (see
    causes.py). `later` names what can arrive only once the cause is over: `mail` when mail is refused,
    `webhook` when the sla-worker is held. `after` is the title of a scenario of its wave whose cause must
    be over first. `sla` has the SLA of each of its alerts that is about SLAs.
    """

    title: str
    alerts: tuple[str, ...]
    faults: Mapping[str, float]
    special: str | None
    sees: tuple[Sight, ...]
    later: frozenset[str]
    after: str | None
    sla: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Wave:
    """Lanes that run at the same time; the scenarios of a lane run one after the other."""

    name: str
    lanes: Mapping[str, tuple[Scenario, ...]]

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """Those of all lanes."""
        return tuple(scenario for lane in self.lanes.values() for scenario in lane)


def load(path: Path = PATH) -> tuple[Wave, ...]:
    """Read the matrix."""
    waves = yaml.safe_load(path.read_text(encoding="utf-8"))["waves"]
    found = tuple(
        Wave(
            wave["name"],
            {lane: tuple(map(_scenario, scenarios)) for lane, scenarios in wave["lanes"].items()},
        )
        for wave in waves
    )
    for wave in found:
        _no_dangling(wave)
    _no_doubles("title", [scenario.title for wave in found for scenario in wave.scenarios])
    _no_doubles("alert", covered(found))
    return found


def _scenario(tree: dict[str, Any]) -> Scenario:
    title = tree.get("title", "a scenario without a title")
    if unknown := tree.keys() - _KEYS:
        raise MatrixError(f"{title}: {', '.join(sorted(unknown))}: not known")
    later = frozenset(tree.get("later", ()))
    if not tree.get("alerts") or not (tree.get("faults") or tree.get("special")):
        raise MatrixError(f"{title}: needs alerts, and faults or a special cause")
    if later - {MAIL, WEBHOOK}:
        raise MatrixError(f"{title}: later knows {MAIL} and {WEBHOOK} only")
    sees = tuple(Sight(**each) for each in tree.get("sees", ()))
    if any(sight.when not in (BEFORE, DURING, AFTER) for sight in sees):
        raise MatrixError(f"{title}: a sight is {BEFORE}, {DURING} or {AFTER}")
    if others := sorted(tree.get("sla", {}).keys() - set(tree["alerts"])):
        raise MatrixError(f"{title}: sla names {', '.join(others)}, which is none of its alerts")
    return Scenario(
        title=title,
        alerts=tuple(tree["alerts"]),
        faults={name: float(intensity) for name, intensity in tree.get("faults", {}).items()},
        special=tree.get("special"),
        sees=sees,
        later=later,
        after=tree.get("after"),
        sla=tree.get("sla", {}),
    )


def _no_dangling(wave: Wave) -> None:
    titles = {scenario.title for scenario in wave.scenarios}
    for scenario in wave.scenarios:
        if scenario.after is not None and (scenario.after not in titles or scenario.after == scenario.title):
            raise MatrixError(f"{scenario.title}: its wave has no other scenario {scenario.after!r}")


def _no_doubles(what: str, names: Collection[str]) -> None:
    if doubles := sorted({name for name in names if list(names).count(name) > 1}):
        raise MatrixError(f"{what} {', '.join(doubles)} stands in more than one scenario")


def covered(waves: Iterable[Wave]) -> list[str]:
    """The names of all alerts that have a scenario."""
    return [alert for wave in waves for scenario in wave.scenarios for alert in scenario.alerts]


def selected(waves: Iterable[Wave], words: Collection[str]) -> tuple[Wave, ...]:
    """The waves with those scenarios alone whose title, or one of whose alerts, holds one of the words.

    All of them without words. The other alerts of a chosen scenario stay: they have the same cause.
    """

    def wanted(scenario: Scenario) -> bool:
        names = [scenario.title.lower(), *(alert.lower() for alert in scenario.alerts)]
        return not words or any(word.lower() in name for word in words for name in names)

    left = (
        Wave(wave.name, {lane: kept for lane, all_ in wave.lanes.items() if (kept := _kept(all_, wanted))})
        for wave in waves
    )
    return tuple(wave for wave in left if wave.lanes)


def _kept(scenarios: Iterable[Scenario], wanted: Any) -> tuple[Scenario, ...]:
    return tuple(scenario for scenario in scenarios if wanted(scenario))
