"""A fire drill neither delays nor renames a real alert: a real Alertmanager with the shipped routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rules.binaries import required, versions
from rules.mail_parts import DRILL, alert
from rules.mails import Post, part, running_alertmanager, shipped

GROUP_WAIT_SECONDS = 2
GROUP_INTERVAL = "1h"
"""Far longer than a test waits: what needs a second look at its group does not come."""


def slow_to_repeat(smtp_port: int) -> dict[str, Any]:
    """The shipped routes: new groups are mailed at once, news of a group after a long time."""
    tree = shipped(smtp_port)
    for route in (tree["route"], *tree["route"]["routes"]):
        if "group_wait" in route:
            route |= {"group_wait": f"{GROUP_WAIT_SECONDS}s", "group_interval": GROUP_INTERVAL}
    return tree


@pytest.fixture(scope="module", params=versions("alertmanager"))
def post(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    directory = tmp_path_factory.mktemp("groups")
    with running_alertmanager(required(request.param, "alertmanager"), directory, slow_to_repeat) as running:
        yield running


@pytest.mark.parametrize("to", ["critical-alerts@example.com", "worker-alerts@example.com"])
def test_a_drill_does_not_delay_the_real_alert_of_another_worker(post: Post, to: str) -> None:
    job = to.partition("@")[0]
    post.send([alert(f"Drilled {job}", job=job, worker_name="worker-1", **DRILL)])
    drilled = post.mail_with(f"Drilled {job}", to=to)
    assert drilled["Subject"] == f"[DRILL] [FIRING:1] CRITICAL Drilled {job}"

    seen = len(post.sink.mails)
    post.send([alert(f"Drilled {job}", job=job, worker_name="worker-2")])
    real = post.mail_with(f"Drilled {job}", to=to, seen=seen)
    assert real["Subject"] == f"[FIRING:1] CRITICAL Drilled {job}"
    assert "DRILL" not in part(real, "plain")
    assert "exercise" not in part(real, "plain") + part(real, "html")
    assert "worker-2" in part(real, "plain")


def test_a_real_alert_is_not_told_again_because_of_a_drill(post: Post) -> None:
    to = "critical-alerts@example.com"
    post.send([alert("Both", job="both", worker_name="worker-2")])
    post.mail_with("Both", to=to)
    seen = len(post.sink.mails)
    post.send([alert("Both", job="both", worker_name="worker-2", **DRILL)])
    mail = post.mail_with("Both", to=to, seen=seen)
    assert mail["Subject"] == "[DRILL] [FIRING:1] CRITICAL Both"
    assert part(mail, "plain").count("FIRING: ") == 1
