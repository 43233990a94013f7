"""Where a ledger is that is compared with the truth: a file, or a schema of the tests' PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from truth.places import Place
from unit.sla_worker.databases import PostgreSQLPlace

_NUMBERS = itertools.count(1)


@pytest.fixture
def place_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """The place of a kind: `sqlite` or `postgresql`, whose server runs once something asks for it."""
    made: list[PostgreSQLPlace] = []

    def place(kind: str) -> Place:
        if kind == "sqlite":
            return tmp_path / "sla.db"
        server = request.getfixturevalue("postgresql")
        made.append(PostgreSQLPlace(server, f"truth_{next(_NUMBERS)}"))
        return made[-1].location

    yield place
    for each in made:
        each.drop()
