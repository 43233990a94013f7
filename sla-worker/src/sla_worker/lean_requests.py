"""The package requests, without what it guesses the encoding of texts with: 2.7 MB of memory.

requests does without it. The worker reads JSON, as bytes, and never asks for a guess.
"""

from __future__ import annotations

import sys
import warnings

_GUESSING = "charset_normalizer"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # requests says that it cannot guess
    _hidden = _GUESSING not in sys.modules
    if _hidden:
        sys.modules[_GUESSING] = None  # type: ignore[assignment]  # importing it fails
    try:
        import requests
    finally:
        if _hidden:
            del sys.modules[_GUESSING]

__all__ = ["requests"]
