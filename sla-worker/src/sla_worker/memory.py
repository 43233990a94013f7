"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def given_back(function: Callable[P, R]) -> Callable[P, R]:
    """After a call of the function, whatever became of it, what it freed is given back.

    The GNU C library keeps freed memory for later, which for a report is a day: 2 MB. Other C libraries have
    no such call (`malloc_trim`), and nothing is done.
    """

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
                trim(0)

    return wrapper
