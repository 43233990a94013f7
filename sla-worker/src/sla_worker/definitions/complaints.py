"""What is wrong with a file of definitions: every mistake with its line, its value and its fix."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from sla_worker.errors import DefinitionError, Mistake


class Complaints:
    """The mistakes of one file, gathered while it is read; `thorough`: expressions are parsed too."""

    def __init__(self, file: Path, *, thorough: bool = True) -> None:
        self.file = file
        self.thorough = thorough
        self._found: dict[tuple[int, str], Mistake] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: yaml.Node | int, what: str, fix: str) -> None:
        """Note a mistake at a node or a line; the same one is noted once."""
        line = place if isinstance(place, int) else line_of(place)
        mistake = Mistake(f"{self.file}:{line}", " ".join(what.split()), " ".join(fix.split()))
        self._found.setdefault((line, mistake.what), mistake)

    def found(self) -> tuple[Mistake, ...]:
        """All mistakes, in the order of their lines."""
        return tuple(self._found[each] for each in sorted(self._found, key=lambda place: place[0]))

    def stop(self) -> None:
        """Raise DefinitionError if there is any mistake."""
        if self._found:
            raise DefinitionError(self.found())


def line_of(node: yaml.Node) -> int:
    """The line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def listed(words: Iterable[str]) -> str:
    """Words as a sentence names them: `a, b or c`."""
    *before, last = words
    return f"{', '.join(before)} or {last}" if before else last
