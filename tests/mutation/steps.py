"""Durations, one step of evaluation longer and shorter."""

from __future__ import annotations

from datetime import timedelta

from rules.cases import STEP_SECONDS

STEP = timedelta(seconds=STEP_SECONDS)


def moved(duration: timedelta) -> tuple[timedelta, timedelta]:
    """A step longer and a step shorter; the shorter one can be nothing or less."""
    return duration + STEP, duration - STEP
