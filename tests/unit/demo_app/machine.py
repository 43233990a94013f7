"""A process with invented figures, to which the loads report what they take: its runs repeat."""

from collections.abc import Callable

from demo_app.clock import Clock

MEMORY_AT_REST = 60 * 2**20
CPU_AT_REST = 0.01


class FakeBlock:
    """Memory that is only counted."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


class FakeMachine:
    """Uses 60 MiB, a hundredth of a core and 20 files, and what it is made to use beside that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self.held = 0
        self.burnt = 0.0
        self.bursts: list[float] = []
        self.exhausted = False

    def memory_bytes(self) -> int:
        return MEMORY_AT_REST + self.held

    def cpu_seconds(self) -> float:
        return CPU_AT_REST * (self._clock.monotonic() - self._began) + self.burnt

    def open_files(self) -> int:
        return 20

    def allocate(self, size: int) -> FakeBlock:
        if self.exhausted:
            raise OSError(12, "Cannot allocate memory")
        self.held += size
        return FakeBlock(lambda: self._give_back(size))

    def burn(self, seconds: float) -> None:
        self.burnt += seconds
        self.bursts.append(seconds)

    def _give_back(self, size: int) -> None:
        self.held -= size
