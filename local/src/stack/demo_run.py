"""`make demo` and `make demo-clean`: the month is made, the stack started, and its story told."""

from __future__ import annotations

import datetime as dt
import functools
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from stack import binaries, checks, console, demo_history, plan, rule_history, secret_files
from stack.binaries import Missing
from stack.compose_mode import ComposeStack, why_not
from stack.console import plain, say
from stack.demo import DAYS, Demo
from stack.demo_history import Tools
from stack.demo_past import Past
from stack.envfile import PASSWORD
from stack.errors import StackError
from stack.local_mode import LocalStack
from stack.settings import Instance

_SLA = ("python", "-m", "sla_worker.cli")
_FROZEN_SECONDS, _FROZEN_POLL_SECONDS = 120.0, 5.0
_BUILT = ("mailhog", "demo-app", "sla-worker")
WORTH_A_LOOK = (
    ("SLA_WORKER_PORT", "/", "status page: every SLA, breaches, budgets"),
    ("GRAFANA_PORT", "/", "dashboards (user admin)"),
    ("MAILHOG_PORT", "/", "reports: daily, and soon after weekly, monthly, and the breaches of the month"),
    ("PROMETHEUS_PORT", "/", "the month itself"),
    ("DEMO_API_PORT", "/", "the demo-app: switch a fault on"),
)


def run(demo: Demo, instance: Instance, stack: ComposeStack | LocalStack, graph_days: int = DAYS) -> None:
    """Make the month and start the stack, or only start it when it has its month.

    The graphs of the SLAs get `graph_days` of past, when everything else is there.
    """
    began = time.monotonic()
    story = demo.story()
    if story is None:
        plain(f"Making a month of history for the stack {demo.name}: {DAYS} days, one scrape a minute")
        if isinstance(stack, ComposeStack):
            stack.build()
        tools = _tools(instance, stack)
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
    tools = _tools(instance, stack)
    prometheus = f"http://127.0.0.1:{instance.env['PROMETHEUS_PORT']}"
    past = Past(
        demo,
        story,
        tools,
        ask=rule_history.asking(prometheus),
        holds=functools.partial(rule_history.holds, prometheus),
        config=instance.path(instance.env["PROMETHEUS_CONFIG_DIR"]),
        said=say,
    )

    def replay(first: int, last: int, file: IO[Any]) -> None:
        words = ("replay", rule_history.iso(first), rule_history.iso(last))
        if stack.run_in("sla-worker", [*_SLA, *words, "--instance", tools.targets["sla-worker"]], file):
            raise StackError(
                "the sla-worker could not say what it would have exported", "see its words above"
            )

    past.make(replay, graph_days)
    say(f"the graphs of SLAs, budgets and alerts have their past after {time.monotonic() - began:.0f} s")
    archive = evidence(demo, stack)
    shown = checks.shown(archive, Path.cwd())
    say(f"the evidence of the month that is frozen: make sla-verify f={shown} {demo.words}")


def evidence(demo: Demo, stack: ComposeStack | LocalStack) -> Path:
    """Write the evidence of the newest frozen month; waits until there is one. Raises StackError."""
    deadline = time.monotonic() + _FROZEN_SECONDS
    while not (frozen := json.loads(_said_by(stack, "months", "--json"))):
        if time.monotonic() > deadline:
            raise StackError(
                "the sla-worker has frozen no month", f"its log: make logs s=sla-worker {demo.words}"
            )
        time.sleep(_FROZEN_POLL_SECONDS)
    month = max(each["month"] for each in frozen)
    path = demo.directory / f"evidence-{month}.zip"
    path.write_bytes(_said_by(stack, "evidence", month, "--output", "-"))
    return path


def _said_by(stack: ComposeStack | LocalStack, *words: str) -> bytes:
    """What a command of the sla-worker prints. Raises StackError."""
    with tempfile.TemporaryFile() as file:
        if stack.run_in("sla-worker", [*_SLA, *words], file):
            raise StackError(f"the sla-worker failed at {words[0]}", "see its words above")
        file.seek(0)
        return file.read()


def tell(demo: Demo, instance: Instance, story: Mapping[str, Any], without: list[str]) -> None:
    """Say what there is to see, where, and how it ends."""
    began = dt.datetime.fromtimestamp(story["begin"], dt.UTC)
    plain()
    plain(f"What went wrong since {began:%d %B} (times are UTC):")
    console.table(("when", "length", "what", "SLAs that show it"), demo_history.incidents(story))
    plain()
    rows = [
        (f"http://localhost:{instance.env[variable]}{page}", what)
        for variable, page, what in WORTH_A_LOOK
        if instance.ports[variable] not in without
    ]
    console.table(("open", "what is there"), rows)
    plain()
    if "grafana" not in without:
        where = checks.shown(demo.env_file, Path.cwd())
        plain(f"Grafana's password (user admin) is in {where}: {PASSWORD}")
    plain("docs/demo.md says where each incident shows; make demo-clean ends it and removes all of it")


def clean(demo: Demo, mode: str, *, images_too: bool = True) -> str | None:
    """Stop the demonstration and remove its data; `auto` is the mode in which this checkout started it.

    Returns why Docker could not be asked, where it had to be. Raises StackError when the containers of that
    name are those of another checkout.
    """
    instance, ours = demo.to_stop(), demo.mode
    chosen = {mode} if mode != "auto" else {ours} if ours else {"local", "compose"}
    if mode == "auto" and not demo.directory.exists():
        chosen = {"local"}  # containers of that name are not from here
    reason = None
    if "compose" in chosen and (reason := why_not()) is None:
        _refuse_foreign(demo)
        ComposeStack(instance).clean()
        if images_too:
            images = [f"{demo.name}/{each}:local" for each in _BUILT]
            subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=False)  # noqa: S603, S607  # its own; those that are not there are none
    if "local" in chosen:
        LocalStack(instance).clean()
    if reason is None and (ours is None or ours in chosen):
        secret_files.remove(instance)
        demo.remove()
    return reason


def _refuse_foreign(demo: Demo) -> None:
    words = ["docker", "ps", "--all", "--filter", f"label=com.docker.compose.project={demo.name}", "--format"]
    label = '{{.Label "com.docker.compose.project.working_dir"}}'
    seen = subprocess.run([*words, label], capture_output=True, text=True, check=False)  # noqa: S603  # fixed words
    others = {
        each for each in seen.stdout.splitlines() if each and Path(each).resolve() != demo.root.resolve()
    }
    if others:
        raise StackError(
            f"the containers of {demo.name} are those of {sorted(others)[0]}",
            "run make demo-clean there, or give the one here another name: STACK_NAME",
        )


def _tools(instance: Instance, stack: ComposeStack | LocalStack) -> Tools:
    return _compose(instance, stack) if isinstance(stack, ComposeStack) else _local(instance, stack)


def _compose(instance: Instance, stack: ComposeStack) -> Tools:
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
