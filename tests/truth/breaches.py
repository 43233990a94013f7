"""Breaches by hand, from the states of the rows of one component in the order of its slots."""

from __future__ import annotations

from collections.abc import Iterable

MET, BREACHED = 0, 1


def breaches(
    rows: Iterable[tuple[int, int]], slot_seconds: int, *, breach_after: int = 1, recover_after: int = 1
) -> list[tuple[int, int | None]]:
    """(started_at, ended_at) from (slot, state); a slot that could not be judged counts for nothing.

    So many breached slots in a row open one, at the beginning of the first of them; so many met ones close
    it, at the beginning of the first of those.
    """
    found: list[tuple[int, int | None]] = []
    judged = [(slot - slot_seconds, state) for slot, state in sorted(rows) if state in {MET, BREACHED}]
    lasts = False
    for number, (_, state) in enumerate(judged):
        needed = recover_after if lasts else breach_after
        wanted = MET if lasts else BREACHED
        last = judged[max(0, number + 1 - needed) : number + 1]
        if state != wanted or len(last) < needed or any(each != wanted for _, each in last):
            continue
        if lasts:
            found[-1] = (found[-1][0], last[0][0])
        else:
            found.append((last[0][0], None))
        lasts = not lasts
    return found
