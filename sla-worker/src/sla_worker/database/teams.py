"""The teams that the ledger knows, each with its file, its owner and whom its mails go to."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.database.engine import Engine
from sla_worker.model import Team, read_receivers, write_receivers

_UPSERT = """
INSERT INTO sla_teams (name, file, owner, receivers, enabled) VALUES (?, ?, ?, ?, 1)
ON CONFLICT (name) DO UPDATE SET
    file = excluded.file, owner = excluded.owner, receivers = excluded.receivers, enabled = 1
"""


class TeamStore:
    """The table sla_teams, which is read once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[Team, bool]] | None = None
        engine.on_reset(self.forget)

    def all(self) -> dict[str, Team]:
        """Those that have a file, by name."""
        return {name: team for name, (team, enabled) in self._all().items() if enabled}

    def former(self) -> dict[str, Team]:
        """Those whose file was removed, by name."""
        return {name: team for name, (team, enabled) in self._all().items() if not enabled}

    def sync(self, teams: Iterable[Team]) -> None:
        """Make the table agree with the files, inside the caller's transaction; one that is gone is kept."""
        self.forget()
        known, wanted = self._all(), {each.name: each for each in teams}
        changed = [each for each in wanted.values() if known.get(each.name) != (each, True)]
        gone = [name for name, (_, enabled) in known.items() if enabled and name not in wanted]
        if not (changed or gone):
            return
        rows = [(each.name, each.file, each.owner, write_receivers(each.receivers)) for each in changed]
        self._engine.executemany(_UPSERT, rows)
        self._engine.executemany(
            "UPDATE sla_teams SET enabled = 0 WHERE name = ?", [(name,) for name in gone]
        )
        self.forget()

    def forget(self) -> None:
        """Read them again when they are asked for."""
        self._known = None

    def _all(self) -> dict[str, tuple[Team, bool]]:
        found = self._known  # replaced as a whole: reading it needs no lock
        if found is not None:
            return found
        with self._engine.exclusive():
            if self._known is None:
                self._known = {
                    row["name"]: (
                        Team(row["name"], row["file"], row["owner"], read_receivers(row["receivers"])),
                        bool(row["enabled"]),
                    )
                    for row in self._engine.rows("SELECT * FROM sla_teams ORDER BY name")
                }
            return self._known
