"""Durations as Prometheus and Alertmanager write them, divided without a rest."""

from __future__ import annotations

import re
from datetime import timedelta

import promql_parser

from compression.errors import CompressionError

_FORM = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
_NOTHING = re.compile(r"0|(?:0+(?:ms|[smhdwy]))+")


def parsed(text: str) -> timedelta:
    """A duration such as `1h30m`, or none such as `0s`; raises CompressionError for anything else."""
    if _NOTHING.fullmatch(text):
        return timedelta()
    try:
        if _FORM.fullmatch(text):
            return promql_parser.parse_duration(text)
    except ValueError:
        pass  # its parts stand in another order than Prometheus allows
    raise CompressionError(f"invalid duration: {text!r}; write it like 5m or 1h30m")


def divided(duration: timedelta, factor: int) -> timedelta:
    """The duration ÷ `factor`; negative ones too, as offsets can be.

    Raises CompressionError when a rest below one millisecond, the finest of Prometheus, would be lost.
    """
    milliseconds, rest = divmod(duration, timedelta(milliseconds=1))
    if rest or milliseconds % factor:
        raise CompressionError(
            f"{written(duration)} cannot be divided by {factor} in whole milliseconds: "
            "choose another duration"
        )
    return timedelta(milliseconds=milliseconds // factor)


def written(duration: timedelta) -> str:
    """The duration as Prometheus writes it, `0s` for none."""
    if duration < timedelta():
        return f"-{written(-duration)}"
    return promql_parser.display_duration(duration) if duration else "0s"


def divided_text(text: str, factor: int) -> str:
    """A written duration ÷ `factor`, written."""
    return written(divided(parsed(text), factor))
