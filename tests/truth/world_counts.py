"""One pass over a world: counted by hand, entered into the journal, and written for Prometheus."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from simulation import Ended, Happened, Item, World, run
from simulation.openmetrics import Writer
from truth.books import Books
from truth.forms import Form
from truth.journal import Journal


@dataclass(frozen=True)
class Truth:
    """What a world holds, and the file with its scrapes."""

    world: World
    slot_seconds: int
    books: Books
    journal: Journal
    openmetrics: Path

    @property
    def slots(self) -> range:
        """The ends of all slots that lie wholly in the world."""
        first = -(-self.world.start // self.slot_seconds) * self.slot_seconds + self.slot_seconds
        return range(first, self.world.start + self.world.seconds + 1, self.slot_seconds)

    def parts(self, form: Form, slot: int) -> Sequence[str]:
        """The components that have events or a value in a slot."""
        return self._parts.get((form.key, slot), ())

    @cached_property
    def _parts(self) -> Mapping[tuple[str, int], Sequence[str]]:
        found: dict[tuple[str, int], list[str]] = defaultdict(list)
        for key, component, slot in {**self.books.figures, **self.books.values}:
            found[key, slot].append(component)
        return found


def count(
    world: World,
    forms: Sequence[Form],
    slot_seconds: int,
    directory: Path,
    told: Callable[[Item], None] | None = None,
) -> Truth:
    """Let the world pass; its text is `world.om` in the directory. `told` is told of every item."""
    books = Books(forms, slot_seconds, world.scrape_seconds)
    journal = Journal()
    file = directory / "world.om"
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        writer = Writer(Path(scratch))
        for item in run(world):
            if told is not None:
                told(item)
            if isinstance(item, Happened):
                journal.happened(item)
            elif isinstance(item, Ended):
                journal.ended(item)
            else:
                journal.scraped(item, books.take(item))
                writer.add(item)
        books.close(world.start + world.seconds)
        with file.open("w", encoding="ascii") as text:
            writer.write(text)
    return Truth(world, slot_seconds, books, journal, file)
