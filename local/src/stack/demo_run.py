"""`make demo` and `make demo-clean`: the month is made, the stack started, and its story told."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stack import binaries, checks, console, demo_history, plan
from stack.binaries import Missing
from stack.compose_mode import ComposeStack
from stack.console import plain, say
from stack.demo import DAYS, Demo
from stack.demo_history import Tools
from stack.envfile import PASSWORD
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.settings import Instance

_BUILT = ("mailhog", "demo-app", "sla-worker")
_WORTH_A_LOOK = (
    ("SLA_WORKER_PORT", "/", "status page: every SLA, breaches, budgets"),
    ("GRAFANA_PORT", "/", "dashboards (user admin)"),
    ("MAILHOG_PORT", "/", "the daily report; two minutes later, the breaches of the month in one mail"),
    ("PROMETHEUS_PORT", "/", "the month itself"),
    ("DEMO_API_PORT", "/", "the demo-app: switch a fault on"),
)


def run(demo: Demo, instance: Instance, stack: ComposeStack | LocalStack) -> None:
    """Make the month and start the stack, or only start it when it has its month."""
    began = time.monotonic()
    story = demo.story()
    if story is None:
        plain(f"Making a month of history for the stack {demo.name}: {DAYS} days, one scrape a minute")
        tools = _compose(instance, stack) if isinstance(stack, ComposeStack) else _local(instance, stack)
        story = demo_history.make(instance, demo.directory, tools, say)
    else:
        plain("The demonstration is there already; make demo-clean removes it, for a month that ends now")
    plain(f"Starting the stack {demo.name}")
    notes = stack.up()
    demo_history.wait(instance, say, first=True)
    say(f"the newest day is there after {time.monotonic() - began:.0f} s, the rest of the month follows")
    tell(demo, instance, story, without=[name for name, note in notes.items() if note == "missing"])
    plain()
    demo_history.wait(instance, say)
    demo.tell(story)
    say(f"the whole month is in the ledger after {time.monotonic() - began:.0f} s")


def tell(demo: Demo, instance: Instance, story: Mapping[str, Any], without: list[str]) -> None:
    """Say what there is to see, where, and how it ends."""
    began = dt.datetime.fromtimestamp(story["begin"], dt.UTC)
    plain()
    plain(f"What went wrong since {began:%d %B} (times are UTC):")
    console.table(("when", "length", "what", "SLAs that show it"), demo_history.incidents(story))
    plain()
    rows = [
        (f"http://localhost:{instance.env[variable]}{page}", what)
        for variable, page, what in _WORTH_A_LOOK
        if instance.ports[variable] not in without
    ]
    console.table(("open", "what is there"), rows)
    plain()
    if "grafana" not in without:
        where = checks.shown(demo.env_file, Path.cwd())
        plain(f"Grafana's password (user admin) is in {where}: {PASSWORD}")
    plain("docs/demo.md says where each incident shows; make demo-clean ends it and removes all of it")


def clean(demo: Demo, *, docker: bool, images_too: bool = True) -> None:
    """Stop the demonstration and remove its data, in both modes; with `docker` an engine answers."""
    instance = demo.to_stop()
    if docker:
        ComposeStack(instance).clean()
    if docker and images_too:
        images = [f"{demo.name}/{each}:local" for each in _BUILT]
        subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=False)  # noqa: S603, S607  # its own; those that are not there are none
    LocalStack(instance).clean()


def _compose(instance: Instance, stack: ComposeStack) -> Tools:
    stack.build()
    words, environment = stack.foreign(
        "run",
        "--rm",
        "--no-deps",
        "--no-TTY",
        "--volume",
        "{directory}:/history:ro",
        "--entrypoint",
        "promtool",
        "prometheus",
        "{words}",
        "/history/{file}",
        "/prometheus",
    )
    return Tools(
        words, environment, demo_history.targets(instance.path(instance.env["PROMETHEUS_CONFIG_DIR"]))
    )


def _local(instance: Instance, stack: LocalStack) -> Tools:
    for name in ("prometheus", "alertmanager", "mailhog", "grafana"):
        binaries.get(name, instance, plain)
    promtool = binaries.get("prometheus", instance, plain)
    tool = binaries.look("promtool", instance)
    if isinstance(promtool, Missing) or tool is None:
        raise StackError("promtool is missing, which writes the month", "make doctor says how to get it")
    definitions = stack.definitions()
    where = plan.places("prometheus", definitions, instance, instance.directory / "config")
    data = Path(where.paths["/prometheus"])
    instance.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    there = {job for job in ("prometheus", "alertmanager", "grafana") if binaries.look(job, instance)}
    found = demo_history.targets(instance.path(instance.env["PROMETHEUS_CONFIG_DIR"]))
    targets = {
        job: where.addresses.get(address, address)
        for job, address in found.items()
        if job in there or job in ("demo-app", "sla-worker")
    }
    words = (str(tool.path), "{words}", "{directory}/{file}", str(data))
    return Tools(words, checks.bare_environment(), targets)
