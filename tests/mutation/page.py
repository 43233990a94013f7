"""The part of docs/mutation.md that a full run writes: everything between two marks."""

from __future__ import annotations

from pathlib import Path

from mutation.errors import MutationError
from mutation.report import COLUMNS, by, of_word, tally
from mutation.run import Outcome

BEGIN = "<!-- results: written by `make mutate WRITE=1` -->"
END = "<!-- end of results -->"


def write_page(path: Path, outcomes: list[Outcome]) -> None:
    """Put the results into the page; raises MutationError when it has no place for them."""
    try:
        page = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MutationError(f"{path} cannot be read: {error.strerror}") from error
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise MutationError(
            f"{path}: the lines {BEGIN!r} and {END!r} must stand there, once and in this order"
        )
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{results(outcomes)}\n{END}{after}", encoding="utf-8")


def results(outcomes: list[Outcome]) -> str:
    """The tables, the survivors and the equivalents; no times, as these differ from run to run."""
    parts = by(outcomes, lambda each: f"{each.mutant.group} / {each.mutant.name}")
    rows = [[name, *part.cells] for name, part in parts.items()]
    total = ["**all**", *(f"**{cell}**" for cell in tally(outcomes).cells)]
    operators = [[name, *part.cells] for name, part in sorted(by(outcomes, _operator).items())]
    survivors = [
        f"- `{each.mutant.name}` ({each.mutant.operator}): {_code(each.mutant.change)}"
        for each in of_word(outcomes, "survived")
    ]
    equivalents = [
        f"- `{each.mutant.name}`: {_code(each.mutant.change)}. {each.reason}"
        for each in of_word(outcomes, "equivalent")
    ]
    return "\n".join(
        [
            *_table("group / alert", [*rows, total]),
            *_table("operator", operators),
            "### Survivors\n",
            *(survivors or ["None."]),
            "",
            "### Equivalent mutants\n",
            *(equivalents or ["None."]),
            "",
        ]
    )


def _operator(outcome: Outcome) -> str:
    return outcome.mutant.operator


def _table(first: str, rows: list[list[str]]) -> list[str]:
    lines = [[first, *COLUMNS], ["---", *("---:" for _ in COLUMNS)], *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _code(change: str) -> str:
    return f"`{change}`" if "`" not in change else f"`` {change} ``"
