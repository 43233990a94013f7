"""What the tests of the sla-worker share: both kinds of database."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgresql import Server
from unit.sla_worker.databases import Place, PostgreSQLPlace, SQLitePlace

_NUMBERS = itertools.count(1)


@pytest.fixture
def schema(postgresql: Server) -> Iterator[PostgreSQLPlace]:
    """A schema of PostgreSQL that is empty."""
    made = PostgreSQLPlace(postgresql, f"ledger_{next(_NUMBERS)}")
    yield made
    made.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a ledger may be: a test that asks for it runs once for each kind of database."""
    if request.param == "sqlite":
        return SQLitePlace(tmp_path / "sla.db")
    made: PostgreSQLPlace = request.getfixturevalue("schema")
    return made
