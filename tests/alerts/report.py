"""What stays of a proof: the summary table, a Markdown report, JUnit XML."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.floors import Floors
from alerts.proof import Proof, State
from alerts.view import seconds

COLUMNS = (
    "alert",
    "scenario",
    "condition",
    "firing",
    "told",
    "floor",
    "over it",
    "resolved",
    "result",
)
MEANING = """\
*condition*: from the cause until the rule's condition held (its range had to fill first); *firing*: from the
cause; *told*: from the cause to the first mail, or the webhook of an alert without mail; *floor*: the rule's
`for`, its route's group_wait, one scrape and one evaluation; *over it*: how much later than the floor it was
told, counted from the condition on; *resolved*: from the end of the cause to the last resolved mail."""


@dataclasses.dataclass(frozen=True)
class Row:
    """The times of one alert in seconds, None where there is none."""

    alert: str
    scenario: str
    condition: float | None
    firing: float | None
    told: float | None
    floor: float
    over: float | None
    resolved: float | None
    result: str

    @property
    def cells(self) -> tuple[str, ...]:
        """As the tables write them."""
        times = (self.condition, self.firing, self.told, self.floor, self.over, self.resolved)
        return (self.alert, self.scenario, *map(seconds, times), self.result)


def row(proof: Proof, floors: Floors) -> Row:
    """The times of an alert; one that always fires has none."""
    since, over = proof.caused_at, proof.ended_at

    def after(begin: float | None, at: float | None) -> float | None:
        return at - begin if begin and at is not None else None

    ends = [mail.received_at for mail in proof.resolved_mails.values()]
    return Row(
        alert=proof.alert.name,
        scenario=proof.title,
        condition=after(since, proof.condition_at),
        firing=after(since, proof.firing_at),
        told=after(since, proof.told_at),
        floor=floors.floor_seconds(proof.alert),
        over=floors.overrun_seconds(proof) if since else None,
        resolved=after(over, max(ends, default=proof.resolved_webhook_at)),
        result=str(proof.state),
    )


def print_summary(console: Console, proofs: Sequence[Proof], floors: Floors) -> None:
    """Print the table, and what did not show."""
    table = Table(box=None, title="Summary", title_justify="left")
    for column in COLUMNS:
        numeric = column not in ("alert", "scenario", "result")
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    for proof in proofs:
        style = "" if proof.state is State.PROVEN else "red"
        table.add_row(*row(proof, floors).cells, style=style)
    console.print(table)
    for proof in failures(proofs):
        console.print(Text(f"✗ {proof.alert.name}: {proof.problem or 'not reached'}", "red"))
    for proof in remarked(proofs):
        console.print(Text(f"! {proof.alert.name}: {proof.remark}", "yellow"))


def failures(proofs: Sequence[Proof]) -> list[Proof]:
    """Those that are not proven."""
    return [proof for proof in proofs if proof.state is not State.PROVEN]


def remarked(proofs: Sequence[Proof]) -> list[Proof]:
    """Those that are proven, with something to know beside."""
    return [proof for proof in proofs if proof.remark and proof.state is State.PROVEN]


def write_markdown(path: Path, proofs: Sequence[Proof], floors: Floors, took_seconds: float) -> None:
    """Write the report for people."""
    proven = len(proofs) - len(failures(proofs))
    lines = [
        "# Live proof of the alerts",
        "",
        f"{proven} of {len(proofs)} alerts proven in {took_seconds:.0f} s; "
        f"durations are the shipped ones ÷ {floors.factor:g}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(f"| {' | '.join(row(proof, floors).cells)} |" for proof in proofs),
        "",
        MEANING,
        *(f"\n- **{proof.alert.name}**: {proof.problem or 'not reached'}" for proof in failures(proofs)),
        *(f"\n- {proof.alert.name}: {proof.remark}" for proof in remarked(proofs)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_junit(path: Path, proofs: Sequence[Proof], took_seconds: float) -> None:
    """Write the report for machines: a test case an alert, in a class a scenario."""
    suite = ET.Element(
        "testsuite",
        name="alerts",
        tests=str(len(proofs)),
        failures=str(len(failures(proofs))),
        time=f"{took_seconds:.1f}",
    )
    for proof in proofs:
        took = (proof.state_at - proof.caused_at) if proof.caused_at else 0.0
        case = ET.SubElement(
            suite, "testcase", classname=proof.title, name=proof.alert.name, time=f"{took:.1f}"
        )
        if proof.state is not State.PROVEN:
            ET.SubElement(case, "failure", message=proof.problem or "not reached").text = proof.problem
    ET.indent(suite)
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
