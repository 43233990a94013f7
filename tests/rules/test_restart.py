"""An alert that fires during a dip of its gauge fires on through a restart of Prometheus: real programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from compression.files import rules_tree
from ports import free_port
from rules.binaries import each_version_of, required
from rules.cases import shipped_alerts
from rules.chain import Prometheus, running_prometheus, serving_application
from rules.mails import Post, Sink
from waiting import patience, poll

FACTOR = 5
"""Five minutes become one: a restart must be over before the hold is, on a slow machine too."""

ALERT = "WorkerHighQueueDepth"
QUEUE = 'insa_worker_queue_depth{worker_name="worker-1"}'


def found(prometheus: Prometheus) -> dict[str, Any] | None:
    """The alert as Prometheus has it now; None when it is inactive."""
    answer = (
        httpx.get(f"{prometheus.url}/api/v1/alerts", trust_env=False, timeout=patience(5))
        .raise_for_status()
        .json()
    )
    return next((each for each in answer["data"]["alerts"] if each["labels"]["alertname"] == ALERT), None)


def value(prometheus: Prometheus) -> float | None:
    """The newest sample of the queue."""
    answer = httpx.get(
        f"{prometheus.url}/api/v1/query", params={"query": QUEUE}, trust_env=False, timeout=patience(5)
    )
    result = answer.raise_for_status().json()["data"]["result"]
    return float(result[0]["value"][1]) if result else None


@each_version_of("prometheus")
def test_a_dip_over_a_restart_does_not_end_the_alert(program: Path | None, tmp_path: Path) -> None:
    group = {"name": "restart", "rules": [shipped_alerts()[ALERT].rule | {"for": "10s"}]}
    rules = rules_tree({"groups": [group]}, FACTOR)  # `for` 2 s, the hold a minute
    nobody = Post(f"http://127.0.0.1:{free_port()}", Sink(), Path("none"))
    with (
        serving_application() as application,
        running_prometheus(
            required(program, "prometheus"),
            tmp_path,
            rules=rules,
            post=nobody,
            targets={"shop": application.address},
        ) as prometheus,
    ):
        application.samples[QUEUE] = 150
        before = poll(
            lambda: found(prometheus), "the alert to fire", until=lambda each: each["state"] == "firing"
        )
        application.samples[QUEUE] = 0
        poll(lambda: value(prometheus), "the dip to be scraped", until=lambda seen: seen == 0)
        prometheus.kill()
        prometheus.start()
        after = poll(
            lambda: found(prometheus),
            "the alert to fire again after the restart",
            until=lambda each: each["state"] == "firing",
        )
        assert value(prometheus) == 0
        # Prometheus stores when it became active in whole seconds.
        assert after["activeAt"][:19] == before["activeAt"][:19]
