"""Answers that are made once for many who ask: kept within one second, and while nothing has changed.

What an answer depends on is its stamp: the second, every change of the ledger, and what the worker says of
its health. With another stamp it is made again, so what is kept is never older than what it says of its time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from sla_worker.web.http import Answer

_MOST = 64  # answers at once; those of another second go first
_WAIT_SECONDS = 5.0


@dataclass
class _Entry:
    stamp: Hashable
    made: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class Kept:
    """Answers by what was asked for."""

    def __init__(self, stamp: Callable[[], Hashable]) -> None:
        self._stamp = stamp
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def known(self, key: Hashable) -> Answer | None:
        """An answer that still holds; None: it has to be made."""
        stamp = self._stamp()
        with self._lock:
            entry = self._entries.get(key)
        return entry.answer if entry is not None and entry.stamp == stamp else None

    def answer(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer that still holds, else one that is made, by one thread for all that ask meanwhile."""
        stamp = self._stamp()
        with self._lock:
            entry = self._entries.get(key)
            mine = entry is None or entry.stamp != stamp
            if entry is None or mine:
                entry = _Entry(stamp)
                if len(self._entries) >= _MOST:
                    self._entries = {
                        name: each for name, each in self._entries.items() if each.stamp == stamp
                    }
                if len(self._entries) < _MOST:
                    self._entries[key] = entry
        if not mine:
            entry.made.wait(_WAIT_SECONDS)
            return entry.answer or make()  # who made it has failed, or takes long
        try:
            entry.answer = make()
        except BaseException:
            with self._lock:
                if self._entries.get(key) is entry:
                    del self._entries[key]
            raise
        finally:
            entry.made.set()
        return entry.answer


def tagged(answer: Answer, asked: str) -> Answer:
    """The answer with its tag, or that it is still the one `asked` for (If-None-Match)."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "no-cache"}
    if tag in (each.strip().removeprefix("W/") for each in asked.split(",")):
        return replace(answer, body=b"", status=304, headers=headers)
    return replace(answer, headers=headers)
