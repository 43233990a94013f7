"""What is there, what is missing, what to do."""

from __future__ import annotations

import shutil
import sys

from stack import binaries, console, envfile, ports
from stack.compose_mode import ComposeStack, why_not
from stack.local_mode import LocalStack
from stack.settings import Instance

_WITHOUT = {
    "prometheus": "make up MODE=local fetches it, or install it",
    "alertmanager": "make up MODE=local fetches it, or install it",
    "mailhog": "make up MODE=local builds it with Go; without Go a stand-in takes the mail",
    "grafana": "install it; without it local mode has no dashboards",
    "promtool": "comes with prometheus; without it rules are checked by Prometheus itself, at its start",
    "amtool": "comes with alertmanager",
}


def report(instance: Instance) -> int:
    """Print the findings; return 0 when the stack can be started in one of the two modes, else 1."""
    console.plain(f"Python {sys.version.split()[0]}, {sys.executable}")
    _settings(instance)
    reason = why_not()
    if reason is None:
        console.say("Docker engine and Compose answer: make up uses them")
    else:
        console.warn(f"no Docker: {reason}; make up runs plain processes")
    missing = _programs(instance)
    running = LocalStack(instance).is_running() or (reason is None and ComposeStack(instance).is_running())
    if running:
        console.say(f"the stack {instance.name} is running (make ps shows its state)")
    else:
        _ports(instance)
    can_fetch = shutil.which("apt-get") is not None
    return 0 if reason is None or can_fetch or not {"prometheus", "alertmanager"} & missing else 1


def _settings(instance: Instance) -> None:
    if not instance.env_file.exists():
        console.plain(f"{instance.env_file} is not there yet: make up creates it")
        return
    console.say(f"settings in {instance.env_file}")
    example = instance.root / envfile.EXAMPLE
    for name, pin in envfile.read(example).items():
        if name.endswith("_IMAGE") and instance.env[name] != pin:
            console.warn(f"{name} is {instance.env[name]}; this version of the bundle is tested with {pin}")


def _programs(instance: Instance) -> set[str]:
    missing = set()
    for name in binaries.PROGRAMS:
        found = binaries.look(name, instance)
        if found:
            console.say(f"{name} for local mode: {found.words}, {found.path}")
        else:
            missing.add(name)
            console.warn(f"no {name} for local mode: {_WITHOUT[name]}")
    return missing


def _ports(instance: Instance) -> None:
    for variable, service in instance.ports.items():
        port = int(instance.env[variable])
        if not ports.is_free(port):
            console.warn(ports.taken(port, variable, service))
