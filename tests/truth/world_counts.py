"""One pass over a world: counted by hand, entered into the journal, and written for Prometheus."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulation import Ended, Happened, World, run
from simulation.openmetrics import Writer
from truth.books import Books
from truth.forms import Form
from truth.journal import Journal


@dataclass(frozen=True, slots=True)
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


def count(world: World, forms: Sequence[Form], slot_seconds: int, directory: Path) -> Truth:
    """Let the world pass; its text is `world.om` in the directory."""
    books = Books(forms, slot_seconds, world.scrape_seconds)
    journal = Journal()
    file = directory / "world.om"
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        writer = Writer(Path(scratch))
        for item in run(world):
            if isinstance(item, Happened):
                journal.happened(item)
            elif isinstance(item, Ended):
                journal.ended(item)
            else:
                journal.scraped(item, books.take(item))
                writer.add(item)
        with file.open("w", encoding="ascii") as text:
            writer.write(text)
    return Truth(world, slot_seconds, books, journal, file)
