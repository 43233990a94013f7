"""The real promtool: only it says what a rule does, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.binaries import newest


@pytest.fixture
def promtool() -> Path:
    """The newest there is."""
    return newest("promtool")
