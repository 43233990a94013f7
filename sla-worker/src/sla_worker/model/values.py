"""Values that a pass makes by the thousand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def value(cls: type[_T]) -> type[_T]:
    """A dataclass with slots that nothing may be assigned to: the type checker says so, not Python.

    Python's own way (`frozen=True`) makes one in five times the time.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
