"""A process with invented figures, to which the loads report what they take: its runs repeat."""

from history.app import CPU_AT_REST, MEMORY_AT_REST
from history.app import InventedMachine as FakeMachine

__all__ = ["CPU_AT_REST", "MEMORY_AT_REST", "FakeMachine"]
