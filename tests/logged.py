"""What one logger and those below it have logged: others may speak up at any time, from their own threads."""

from __future__ import annotations

import logging

import pytest


def records(
    caplog: pytest.LogCaptureFixture, logger: str, level: int = logging.NOTSET
) -> list[logging.LogRecord]:
    """The records of a logger and of those below it, of that level or above, in their order."""
    return [
        each
        for each in caplog.records
        if (each.name == logger or each.name.startswith(f"{logger}.")) and each.levelno >= level
    ]


def lines(caplog: pytest.LogCaptureFixture, logger: str, level: int = logging.NOTSET) -> list[str]:
    """Their messages."""
    return [each.getMessage() for each in records(caplog, logger, level)]
