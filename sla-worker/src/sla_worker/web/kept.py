"""Answers that are made once for many who ask: kept for seconds, and only while nothing has changed.

What an answer depends on is its stamp: all changes of the ledger with what the worker says of its health, and
PERIOD seconds of the clock. When the first is another one, it is made again before anybody gets it. When only
the clock went on, who asks while one thread makes it again gets the one of the period before: no figure of it
has changed, and it says of which time it is.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

from sla_worker.web.http import Answer

PERIOD = 5
"""Seconds of the clock in which an answer stays as it is; so it is never older than two of them."""

Stamp = tuple[int, Hashable]
"""The number of the period, and what else an answer depends on."""

_MOST = 64  # answers at once; those of another period go first
_WAIT_SECONDS = 5.0


@dataclass
class _Entry:
    stamp: Stamp
    before: Answer | None  # of the period before, while this one is made
    made: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None


class Kept:
    """Answers by what was asked for."""

    def __init__(self, stamp: Callable[[], Stamp]) -> None:
        self._stamp = stamp
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def known(self, key: Hashable) -> Answer | None:
        """An answer that still holds; None: it has to be made."""
        stamp = self._stamp()
        with self._lock:
            entry = self._entries.get(key)
        return entry.answer or entry.before if entry is not None and entry.stamp == stamp else None

    def answer(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer that still holds, else one that is made, by one thread for all that ask meanwhile."""
        stamp = self._stamp()
        with self._lock:
            entry = self._entries.get(key)
            mine = entry is None or entry.stamp != stamp
            if entry is None or mine:
                entry = _Entry(stamp, _before(entry, stamp))
                if len(self._entries) >= _MOST:
                    self._entries = {
                        name: each for name, each in self._entries.items() if each.stamp == stamp
                    }
                if len(self._entries) < _MOST:
                    self._entries[key] = entry
        if not mine:
            if entry.before is None:
                entry.made.wait(_WAIT_SECONDS)
            return entry.answer or entry.before or make()  # who made it has failed, or takes long
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


def _before(entry: _Entry | None, stamp: Stamp) -> Answer | None:
    """What may be given while it is made again: that of the period before, of which nothing has changed."""
    return entry.answer if entry is not None and entry.stamp == (stamp[0] - 1, stamp[1]) else None


def tagged(answer: Answer, asked: str) -> Answer:
    """The answer with its tag, or that it is still the one `asked` for (If-None-Match)."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {**answer.headers, "ETag": tag, "Cache-Control": "no-cache"}
    if tag in (each.strip().removeprefix("W/") for each in asked.split(",")):
        return replace(answer, body=b"", status=304, headers=headers)
    return replace(answer, headers=headers)
