"""The end of log files, and what is added to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

_SHOWN = 40
_READ_BYTES = 64 << 10


def last_lines(path: Path, count: int, since: int = 0) -> list[str]:
    """The last `count` lines of a file that came after its first `since` bytes; none when it is not there.

    A file shorter than that was rotated, and is taken whole.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(since if since <= size else 0, size - _READ_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[-count:]


def show(
    files: Mapping[str, Path], say: Callable[[str], None], *, follow: bool, wait: Callable[[], None]
) -> None:
    """Say the last lines of each file, each behind its service's name; with `follow` go on as they grow.

    A file that got shorter was rotated and is read from its start.
    """
    width = max(map(len, files))
    places = {}
    for name, path in files.items():
        places[name] = path.stat().st_size
        for line in last_lines(path, _SHOWN):
            say(f"{name:<{width}} | {line}")
    while follow:
        wait()
        for name, path in files.items():
            lines, places[name] = _added(path, places[name])
            for line in lines:
                say(f"{name:<{width}} | {line}")


def _added(path: Path, place: int) -> tuple[list[str], int]:
    """Whole lines added after `place`, and the place behind them."""
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) < place:
                place = 0
            file.seek(place)
            whole = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], 0
    return whole[0].decode("utf-8", "replace").splitlines(), place + len(whole[0]) + len(whole[1])
