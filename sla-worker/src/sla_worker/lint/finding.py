"""One thing that lint says."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """An error means that figures would be wrong or missing; a warning, that somebody should look."""

    level: str
    place: str
    what: str
    fix: str

    def __str__(self) -> str:
        """Two lines: what, and below it the fix."""
        return f"{self.level}: {self.place}: {self.what}\n{'fix:':<{len(self.level) + 2}}{self.fix}"


def or_near(word: str, known: Iterable[str], otherwise: str, *, cutoff: float = 0.6) -> str:
    """The word that was meant, if one is near; else another fix."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f"did you mean {near[0]}?" if near else otherwise


def some(words: Iterable[str], most: int = 6) -> str:
    """The first few words, and how many more there are."""
    listed = sorted(words)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
