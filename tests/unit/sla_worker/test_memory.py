"""What a function took and freed goes back to the system, with its result or its error."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from sla_worker.memory import given_back

KEPT_AT_ONCE = 1000
"""Bytes of a piece: small enough for the C library to keep it when it is free."""
PIECES = 40_000


def resident() -> int:
    """Anonymous memory of this process, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in status if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


def take_and_free() -> list[bytearray]:
    """Frees all but every hundredth of many pieces, so that what is free lies between what is not."""
    pieces = [bytearray(KEPT_AT_ONCE) for _ in range(PIECES)]
    return pieces[::100]


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not the GNU C library")
def test_what_is_free_between_what_is_not_goes_back() -> None:
    kept = take_and_free()
    before = resident()
    more = given_back(take_and_free)()
    assert len(kept) == len(more) == PIECES / 100
    assert before - resident() > KEPT_AT_ONCE * PIECES / 2


def test_an_error_comes_through() -> None:
    def fail() -> None:
        raise ValueError("nothing to report")

    with pytest.raises(ValueError, match="nothing to report"):
        given_back(fail)()
