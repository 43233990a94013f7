"""The command line: reads arguments, picks the mode, prints what a person wants to know."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from stack import (
    agreement,
    checks,
    console,
    demo_run,
    doctor,
    drill,
    envfile,
    receivers,
    runbooks,
    scale,
    secret_files,
    service_settings,
    settings,
    smoke,
    target_files,
    upgrade,
)
from stack.arguments import arguments_of
from stack.binaries import Missing, get
from stack.compose_mode import ComposeStack, why_not
from stack.console import plain, say
from stack.demo import Demo
from stack.envfile import EXAMPLE, PASSWORD
from stack.errors import StackError, of_the_system
from stack.local_mode import LocalStack
from stack.services import ALL_NAMES, ALL_SERVICES, PAGES, RENDERER, SCALE_PAGES, SIGNALS
from stack.settings import REMEMBERED, Instance

ROOT = Path(__file__).resolve().parents[3]
Stack = ComposeStack | LocalStack


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 refused or failed, 130 interrupted."""
    try:
        arguments = arguments_of(argv, ROOT)
        with _alone(arguments):
            return _COMMANDS[arguments.command](arguments)
    except StackError as error:
        console.fail(error)
        return 1
    except KeyboardInterrupt:
        plain()
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        console.fail(of_the_system(error))
        return 1


@contextlib.contextmanager
def _alone(arguments: argparse.Namespace) -> Iterator[None]:
    """Let no two commands that change the same stack run at once; the lock goes with the process."""
    if arguments.command not in ("up", "down", "restart", "upgrade", "clean", "demo", "demo-clean"):
        yield
        return
    settings.check_name(arguments.name)
    of_demo = arguments.command.startswith("demo")
    name = Demo(ROOT, arguments.name).name if of_demo else arguments.name
    path = ROOT / ".run" / f"{name}.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StackError(
                f"another command is at work on the stack {name}", "wait until it has ended"
            ) from error
        yield


def _instance(arguments: argparse.Namespace) -> Instance:
    return settings.load(ROOT, arguments.name, arguments.env_file.absolute(), os.environ)


def _pick(arguments: argparse.Namespace, instance: Instance) -> Stack:
    """The stack in the mode that was asked for; `auto`: as it runs now, else Compose if an engine answers."""
    mode = arguments.mode
    local = LocalStack(instance)
    if mode == "auto":
        mode = "local" if local.is_running() else "compose" if why_not() is None else "local"
    elif mode == "compose" and (reason := why_not()):
        raise StackError(f"MODE=compose: {reason}", "start Docker, or run without it: make up MODE=local")
    return ComposeStack(instance) if mode == "compose" else local


def _services(arguments: argparse.Namespace) -> list[str]:
    for name in arguments.services:
        _known(name)
    return list(arguments.services)


def _known(name: str) -> str:
    if name not in (*ALL_NAMES, RENDERER):
        raise StackError(f"unknown service: {name!r}", f"the services are {', '.join(ALL_NAMES)}")
    return name


def _prepared(arguments: argparse.Namespace) -> Instance:
    """The instance, its `.env` complete and all its files checked, for a command that starts something."""
    env_file = arguments.env_file.absolute()
    for line in envfile.ensure(env_file, ROOT / EXAMPLE):
        say(line)
    for line in envfile.unknown(env_file, ROOT / EXAMPLE):
        console.warn(line)
    instance = _instance(arguments)
    if (words := scale.other_ledger(envfile.read(env_file), instance)) is not None:
        console.warn(words)
    for name in REMEMBERED:
        if name in os.environ:
            for line in envfile.remember(env_file, name, instance.env[name]):
                say(line)
    _check_files(instance, _pick(arguments, instance), warn=console.warn)
    return instance


def _up(arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    instance = receivers.joined(_prepared(arguments))
    stack = _pick(arguments, instance)
    _other_mode(stack, instance)
    how = "with Docker Compose" if isinstance(stack, ComposeStack) else "as processes on this machine"
    without = "" if instance.demo else ", without the demo-app"
    plain(f"Starting the stack {instance.name} {how}{without}")
    if isinstance(stack, LocalStack) and arguments.mode == "auto" and shutil.which("docker"):
        plain(f"(Docker is there, but not used: {why_not() or 'the stack runs without it already'})")
    if isinstance(stack, LocalStack) and instance.renderer:
        console.warn("Grafana's renderer runs with Docker Compose only: no PNG and PDF of dashboards here")
    notes = stack.up()
    say(f"all healthy after {time.monotonic() - started:.0f} s")
    _print_urls(instance, notes)
    return 0


def _upgrade(arguments: argparse.Namespace) -> int:
    instance = receivers.joined(_prepared(arguments))
    stack = _pick(arguments, instance)
    _other_mode(stack, instance)
    upgrade.run(upgrade.worker_of(stack, instance), lambda: _print_urls(instance, stack.up()))
    say("upgraded, and all healthy")
    return 0


def _other_mode(stack: Stack, instance: Instance) -> None:
    """Refuse to start the same stack a second time in the other mode."""
    if isinstance(stack, ComposeStack) and LocalStack(instance).is_running():
        raise StackError(
            f"the stack {instance.name} is running already, as processes",
            "stop it first: make down MODE=local",
        )
    if isinstance(stack, LocalStack) and why_not() is None and ComposeStack(instance).is_running():
        raise StackError(
            f"the stack {instance.name} is running already, with Docker Compose",
            "stop it first: make down MODE=compose",
        )


def _print_urls(instance: Instance, notes: dict[str, str]) -> None:
    port_words = {
        port.variable: (service.name, port.what) for service in ALL_SERVICES for port in service.ports
    }
    rows = []
    for variable, page in (PAGES | SCALE_PAGES).items():
        if variable not in instance.ports:
            continue
        service, what = port_words[variable]
        note = notes.get(service, "")
        address = f"localhost:{instance.env[variable]}"
        url = "-" if note == "missing" else f"http://{address}{page}" if page else address
        rows.append((service, url, what, note))
    plain()
    with_notes = any(notes.values())
    console.table(
        ("service", "address", "what is there", *(["program"] if with_notes else [])),
        [row if with_notes else row[:3] for row in rows],
    )
    plain()
    if notes.get("grafana") != "missing":
        env_file = checks.shown(instance.env_file, Path.cwd())
        plain(f"Grafana's password (user admin) is in {env_file}: {PASSWORD}")
    if instance.demo:
        page = f"http://localhost:{instance.env['DEMO_API_PORT']}"
        plain(f"Try a fault: switch one on at {page}, then watch the alerts and the mail")
    else:
        plain("The demo-app is left out (DEMO=0): prometheus/targets/README.md says how to add your program")


def _to_stop(arguments: argparse.Namespace) -> Instance:
    return settings.load_to_stop(ROOT, arguments.name, arguments.env_file.absolute(), os.environ)


def _down(arguments: argparse.Namespace) -> int:
    instance = _to_stop(arguments)
    stopped = _pick(arguments, instance).down()
    say(
        f"stopped {instance.name}; its data stays (make clean removes it)"
        if stopped
        else f"{instance.name} was not running"
    )
    return 0


def _restart(arguments: argparse.Namespace) -> int:
    services = _services(arguments)
    _pick(arguments, receivers.joined(_prepared(arguments))).restart(services)
    say("all healthy")
    return 0


def _ps(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments)
    rows = _pick(arguments, instance).ps()
    if not rows:
        plain(f"the stack {instance.name} is not running (make up starts it)")
        return 1
    console.table(("service", "state", "details"), rows)
    return 0 if all(state == "healthy" for _, state, _ in rows) else 1


def _logs(arguments: argparse.Namespace) -> int:
    services = _services(arguments)
    _pick(arguments, _instance(arguments)).logs(services, follow=arguments.follow)
    return 0


def _exec(arguments: argparse.Namespace) -> int:
    _known(arguments.service)
    if not arguments.words:
        raise StackError("no command to run", "exec SERVICE COMMAND …")
    return _pick(arguments, _instance(arguments)).run_in(arguments.service, arguments.words)


def _kill(arguments: argparse.Namespace) -> int:
    services = _services(arguments)
    stack = _pick(arguments, _instance(arguments))
    for name in services:
        stack.kill(name, arguments.signal)
        say(f"{SIGNALS[arguments.signal]} {name}")
    return 0


def _drill(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments)
    if not drill.run(instance, arguments.alert, arguments.seconds, plain):
        return 1
    say("the alert has reached everyone")
    return 0


def _smoke(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments)
    stack = _pick(arguments, instance)
    running = {name for name, _, _ in stack.ps()}
    smoke.of_stack(instance, running, lambda: stack.log_of("grafana"), _tell)
    return 0


def _tell(check: smoke.Check) -> None:
    (say if check.good else console.bad)(check.words)


def _clean(arguments: argparse.Namespace) -> int:
    instance = _to_stop(arguments)
    if not arguments.yes and not console.ask(
        f"This removes all metrics, mails and SLA records of {instance.name}."
    ):
        raise StackError("nothing was removed", "answer yes, or give --yes (make clean YES=1)")
    reason = why_not()
    if reason is None and arguments.mode != "local":
        ComposeStack(instance).clean()
    if arguments.mode != "compose":
        LocalStack(instance).clean()
    secret_files.remove(instance)
    receivers.remove(instance)
    scale.remove(instance)
    say(f"removed all data of {instance.name}; {checks.shown(instance.env_file, Path.cwd())} stays")
    if reason is not None and shutil.which("docker") and arguments.mode != "local":
        console.warn(f"volumes of Docker, if there are any, were not removed: {reason}")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    demo = Demo(ROOT, arguments.name)
    if demo.story() is None and demo.env_file.exists():
        say("removing what an attempt that did not come to its end has left")
        demo_run.clean(demo, "auto", images_too=False)
    if arguments.mode == "auto" and demo.mode is not None:
        arguments.mode = demo.mode
    instance = demo.prepare(arguments.env_file.absolute())
    stack = _pick(arguments, instance)
    demo.run_in("compose" if isinstance(stack, ComposeStack) else "local")
    _other_mode(stack, instance)
    _check_files(instance, stack, warn=console.warn)
    demo_run.run(demo, instance, stack, arguments.graph_days)
    return 0


def _demo_clean(arguments: argparse.Namespace) -> int:
    demo = Demo(ROOT, arguments.name)
    if (reason := demo_run.clean(demo, arguments.mode)) is not None:
        raise StackError(f"{demo.name} was not removed: {reason}", "start Docker, then make demo-clean")
    say(f"removed everything of {demo.name}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments)
    if not instance.env.get(PASSWORD):  # a clone in which nothing was started yet has none
        instance = replace(instance, env=instance.env | {PASSWORD: "-"})
    # Nothing is started: MODE=compose can be checked where there is no Docker.
    chosen = ComposeStack(instance) if arguments.mode == "compose" else _pick(arguments, instance)
    _check_files(instance, chosen)
    stack = LocalStack(instance)
    done = stack.check_rendered(stack.definitions())
    if not done and why_not() is None:
        done = ComposeStack(instance).check_with_images()
    for line in done:
        say(line)
    if not done:
        unchecked = "rules and routes are not checked: no promtool, no amtool"
        if os.environ.get("CI") == "true":
            raise StackError(unchecked, "put both on PATH: with CI=true nothing is skipped")
        console.warn(f"{unchecked} (make up MODE=local fetches them)")
    return 0


def _check_files(instance: Instance, stack: Stack, warn: Callable[[str], None] | None = None) -> None:
    """Refuse to start with files that are broken or do not agree; with `warn` not for one team's mistake."""
    say(f"{checks.check_yaml(instance)} YAML files")
    if count := target_files.check(instance):
        say(f"{count} {'file' if count == 1 else 'files'} of targets")
    if on := receivers.switched_on(instance):
        say(f"alerts go to {', '.join(each.name for each in on)} too")
    if alerts := runbooks.check(instance):
        say(f"a runbook for each of {alerts} alerts")
    service_settings.check(instance, stack.database() if isinstance(stack, LocalStack) else None)
    if agreement.check_definitions(instance, warn):
        say("SLA definitions")
    if agreement.check_dashboards(instance, warn):
        say("dashboards made from these definitions")


def _fetch(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments)
    missing = 0
    for name in ("prometheus", "alertmanager"):
        one = get(name, instance, plain)
        if isinstance(one, Missing):
            missing += 1
            console.warn(f"{name} is missing ({'; '.join(one.reasons)}). To have it: {one.fix}")
        else:
            say(f"{name} {one.words}{': ' * bool(one.reasons)}{'; '.join(one.reasons)}")
    return 1 if missing else 0


def _doctor(arguments: argparse.Namespace) -> int:
    return doctor.report(_instance(arguments))


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": _up,
    "upgrade": _upgrade,
    "down": _down,
    "restart": _restart,
    "ps": _ps,
    "logs": _logs,
    "exec": _exec,
    "kill": _kill,
    "drill": _drill,
    "smoke": _smoke,
    "clean": _clean,
    "demo": _demo,
    "demo-clean": _demo_clean,
    "check": _check,
    "fetch": _fetch,
    "doctor": _doctor,
}
