"""What holds for all tests."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from waiting import patience

if TYPE_CHECKING:
    from postgresql import Server

# aiosmtpd reports every connection, from a thread that may outlive the stream which pytest captures.
logging.getLogger("mail.log").setLevel(logging.WARNING)

# An example has no time limit of its own: how long it takes is the machine's; the test's timeout bounds it.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One PostgreSQL server for all tests of this process that ask for it."""
    from postgresql import running_postgresql  # noqa: PLC0415 - few tests need the driver

    with running_postgresql() as server:
        yield server


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What a program that runs within a test makes of logging ends with the test."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect thousands of tests without looking for garbage among them, which took a quarter of the CPU.

    They stay until the end, so the collector is never to look at them again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Stretch the timeout of every test as `patience` stretches its waits."""
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
    item.add_marker(pytest.mark.timeout(patience(seconds)), append=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the slowest files beside the slowest tests (--durations): many quick tests cost much too."""
    if not (wanted := terminalreporter.config.getoption("durations")):
        return
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.location[0]] += report.duration
    terminalreporter.section(f"slowest {wanted} files")
    for file, total in seconds.most_common(wanted):
        terminalreporter.line(f"{total:.2f}s {file}")
