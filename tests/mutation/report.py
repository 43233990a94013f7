"""What became of the mutants: counted, as tables for people, and as JSON for machines."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mutation.run import Outcome

COLUMNS = ("mutants", "killed", "survived", "equivalent", "stillborn", "kill rate")


@dataclasses.dataclass(frozen=True)
class Tally:
    """How many of some mutants ended how."""

    killed: int = 0
    survived: int = 0
    equivalent: int = 0
    stillborn: int = 0

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + self.survived + self.equivalent + self.stillborn

    @property
    def kill_ratio(self) -> float | None:
        """killed ÷ (killed + survived), 0 to 1; None when there was none that a case could have killed."""
        judged = self.killed + self.survived
        return self.killed / judged if judged else None

    @property
    def cells(self) -> list[str]:
        """The columns of a table, as COLUMNS names them."""
        ratio = self.kill_ratio
        counts = (self.mutants, self.killed, self.survived, self.equivalent, self.stillborn)
        return [*(str(count) for count in counts), "none to kill" if ratio is None else f"{ratio:.1%}"]


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """Count some outcomes."""
    return Tally(**Counter(outcome.word for outcome in outcomes))


def by(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, Tally]:
    """Count outcomes by alert, group or operator, in the order in which these first occur."""
    parts: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        parts.setdefault(key(outcome), []).append(outcome)
    return {name: tally(part) for name, part in parts.items()}


def of_word(outcomes: Iterable[Outcome], word: str) -> list[Outcome]:
    """Those that ended in one way."""
    return [outcome for outcome in outcomes if outcome.word == word]


def show(outcomes: list[Outcome], seconds: float, bar: float, console: Console) -> None:
    """Print the tables, the survivors one by one, and the end: whether the bar is reached, and the time."""
    table = Table("group / alert", *COLUMNS)
    for column in table.columns[1:]:
        column.justify = "right"
    for group, total in by(outcomes, lambda each: each.mutant.group).items():
        table.add_row(f"[bold]{group}", *(f"[bold]{cell}" for cell in total.cells), style="on grey15")
        of_group = [each for each in outcomes if each.mutant.group == group]
        for alert, part in by(of_group, lambda each: each.mutant.name).items():
            table.add_row(f"  {alert}", *part.cells)
    total = tally(outcomes)
    table.add_section()
    table.add_row("[bold]all", *(f"[bold]{cell}" for cell in total.cells))
    console.print(table)
    for number, outcome in enumerate(of_word(outcomes, "survived"), 1):
        mutant = outcome.mutant
        console.print(f"\n[bold red]survivor {number}[/] {mutant.name} ({mutant.operator})")
        console.print(f"  {escape(mutant.change)}", highlight=False, soft_wrap=True)
        for line in mutant.diff.splitlines():
            colour = "red" if line.startswith("-") else "green"
            console.print(f"  [{colour}]{escape(line)}", highlight=False, soft_wrap=True)
    console.print(
        f"\n{verdict(total, bar)} ({total.mutants} mutants in {seconds:.0f} s)",
        highlight=False,
        soft_wrap=True,
    )


def reached(total: Tally, bar: float) -> bool:
    """Whether at least so many percent were killed; yes where there was none to kill."""
    return total.kill_ratio is None or total.kill_ratio * 100 >= bar


def verdict(total: Tally, bar: float) -> str:
    """One sentence on the bar."""
    if total.kill_ratio is None:
        return "no mutant could have been killed"
    where = "reaches" if reached(total, bar) else "is BELOW"
    return f"kill rate {total.kill_ratio:.2%} {where} the bar of {bar:g} %"


def as_json(outcomes: list[Outcome], seconds: float, bar: float) -> dict[str, Any]:
    """Everything, for machines: totals, and each mutant with what became of it."""
    total = tally(outcomes)
    return {
        "bar_percent": bar,
        "reached": reached(total, bar),
        "wall_seconds": round(seconds, 1),
        "total": _tally_json(total),
        "rules": {
            name: _tally_json(part) for name, part in by(outcomes, lambda each: each.mutant.name).items()
        },
        "mutants": [
            {
                "rule": each.mutant.name,
                "group": each.mutant.group,
                "operator": each.mutant.operator,
                "change": each.mutant.change,
                "outcome": each.word,
                "killed_by": each.finding.case or None,
                "reason": each.reason or None,
                "diff": each.mutant.diff,
            }
            for each in outcomes
        ],
    }


def _tally_json(counted: Tally) -> dict[str, Any]:
    return dataclasses.asdict(counted) | {"mutants": counted.mutants, "kill_ratio": counted.kill_ratio}
