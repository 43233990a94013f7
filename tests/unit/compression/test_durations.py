"""Durations: read, divided without a rest, written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compression.durations import divided, divided_text, parsed, written
from compression.errors import CompressionError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15s", "1s"), ("1m", "4s"), ("4h", "16m"), ("1d", "1h36m"), ("0s", "0s"), ("0", "0s")],
)
def test_a_written_duration_is_divided(text: str, expected: str) -> None:
    # 1 d = 86400 s, ÷ 15 = 5760 s = 1 h 36 min.
    assert divided_text(text, 15) == expected


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "1.5h", "1m1h", "${WAIT}"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(CompressionError, match="invalid duration"):
        parsed(text)


@given(milliseconds=st.integers(-(10**11), 10**11), factor=st.integers(1, 100))
def test_division_is_exact(milliseconds: int, factor: int) -> None:
    whole = timedelta(milliseconds=milliseconds * factor)
    assert divided(whole, factor) * factor == whole


@given(milliseconds=st.integers(1, 10**11))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parsed(written(duration)) == duration
