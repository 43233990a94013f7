"""What holds for all tests."""

import logging

import hypothesis
import pytest

from waiting import patience

# aiosmtpd reports every connection, from a thread that may outlive the stream which pytest captures.
logging.getLogger("mail.log").setLevel(logging.WARNING)

# An example has no time limit of its own: how long it takes is the machine's; the test's timeout bounds it.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Stretch the timeout of every test as `patience` stretches its waits."""
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
    item.add_marker(pytest.mark.timeout(patience(seconds)), append=False)
