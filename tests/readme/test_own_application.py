"""README, "Watch your own application": a newcomer types it as it stands, in a copy of this repository.

The copy has time compressed (its shipped durations ÷ 15) and free ports; what the newcomer writes is not
touched. It runs without Docker.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.live import Stack
from e2e.stack_under_test import FACTOR, PORTS, compress, connected, read_env_file, write_env_file
from ports import free_port
from readme.walk import Walk, copy_of, following, section, steps
from waiting import poll, stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
ALERT = "ShopLosesOrders"
MAILBOXES = ("critical-alerts@example.com", "worker-alerts@example.com")
DEFAULTS = read_env_file(ROOT / ".env.example")
OURS = re.compile(r"^(STACK_|MODE$|DEMO|SLA_|REPORT_|KEEP$|TEST_STACK$|MAKE|PYTHONPATH$)")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with compressed configuration and settings; the shop goes beside it."""
    copy = tmp_path_factory.mktemp("own") / "bundle"
    copy_of(ROOT, copy)
    compress(copy)
    write_env_file(copy / ".env", copy)
    return copy


@pytest.fixture(scope="module")
def walk(copy: Path) -> Iterator[Walk]:
    text = section((ROOT / "README.md").read_text(encoding="utf-8"), "Watch your own application")
    settings = read_env_file(copy / ".env")
    moved = {f"localhost:{DEFAULTS[name]}": f"localhost:{settings[name]}" for name in PORTS}
    environment = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    made = Walk(steps(text), copy, moved | {"8100": str(free_port())}, environment | {"MODE": "local"})
    with following(made):
        yield made


@pytest.fixture(scope="module")
def stack(copy: Path) -> Iterator[Stack]:
    with connected(copy / ".env", FACTOR) as stack:
        yield stack


def states(stack: Stack) -> dict[str, set[str]]:
    """The states of each alert that is not inactive."""
    found: dict[str, set[str]] = {}
    for alert in stack.alerts():
        found.setdefault(alert["labels"]["alertname"], set()).add(alert["state"])
    return found


CALM = {"Watchdog": {"firing"}}


def test_the_text_leads_from_nothing_to_a_mail_about_ones_own_program(walk: Walk, stack: Stack) -> None:
    walk.until("make up DEMO=0")
    assert "demo-app" not in walk.type("make ps")
    wait_for(None, lambda: stack.value('max(up{job="demo-app"})'), "no target of the demo-app")

    walk.until("prometheus/targets/shop.yml")
    wait_for(1, lambda: stack.value('max(up{job="shop"})'), "the shop to be scraped", seconds=40)

    walk.until("make generate")
    walk.until("make restart")
    poll(lambda: stack.value('sum(rate(shop_orders_total{result="taken"}[10s]))'), "orders", seconds=40)
    assert "Mitigation" in stack.client.get(f"{stack.sla_worker}/runbooks/{ALERT}").raise_for_status().text
    # Of what is only in the demo-app nobody is missed: no alert but the Watchdog, for longer than the longest
    # `for` of an absent metric.
    wait_for(CALM, lambda: states(stack), "calm", seconds=60)
    stays(CALM, lambda: states(stack), "calm", for_seconds=stack.seconds(900))

    walk.until("touch ../shop/broken")
    poll(
        lambda: states(stack).get(ALERT, set()),
        f"{ALERT} firing",
        seconds=150,  # its own 1m, at true time, and the 1m of its rate
        until=lambda found: found == {"firing"},
    )
    for mailbox in MAILBOXES:
        mail = stack.wait_for_mail(mailbox, "FIRING", ALERT, since=0, seconds=60)
        assert "Customers are told that their order failed." in mail.text
        assert f"/runbooks/{ALERT}" in mail.text
    # The shipped alerts watch the same program: all of its requests fail.
    poll(lambda: "HighErrorRate" in states(stack), "HighErrorRate", seconds=60)

    lost = poll(
        lambda: [row for row in stack.measurements("shop-orders") if row["good"] < row["total"]],
        "a slot with lost orders",
        seconds=60,
    )
    assert all(row["total"] > 0 for row in lost)
    table = walk.until("make sla-report")
    row = next(line for line in table.splitlines() if line.startswith("Shop Orders"))  # then its open breach
    assert "99 %" in row  # the promise
    assert row.rstrip().endswith("fail")

    walk.until("rm ../shop/broken")
    for mailbox in MAILBOXES:
        stack.wait_for_mail(mailbox, "RESOLVED", ALERT, since=0, seconds=150)
    assert walk.is_over
