"""The stack as containers of Docker Compose."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stack import checks, console, plan, ports
from stack.console import State
from stack.errors import StackError
from stack.services import NAMES, PORT_VARIABLES
from stack.settings import Instance

_TIMEOUT_SECONDS = 300.0
_LOG_LINES = 15
_ANSWER_SECONDS = 20
_FREEZER = {"STOP": "pause", "CONT": "unpause"}
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def why_not() -> str | None:
    """None when a Docker engine and Compose answer, else what is missing."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command, words in (
        (["docker", "info", "--format", "{{.ServerVersion}}"], "no Docker engine answers"),
        (["docker", "compose", "version"], "docker compose is not installed"),
    ):
        try:
            done = subprocess.run(  # noqa: S603  # fixed words
                command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"{words} ({' '.join(command[:2])} took more than {_ANSWER_SECONDS} s)"
        if done.returncode or not done.stdout.strip():
            line = (done.stderr.strip().splitlines() or ["no word from it"])[-1]
            return f"{words} ({line})"
    return None


class ComposeStack:
    """One instance run as a Compose project of its name."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def _command(self, *words: str) -> list[str]:
        root, env_file = self._instance.root, self._instance.env_file
        if not env_file.exists():
            env_file = root / ".env.example"
        files = [
            "--env-file",
            str(env_file),
            "-f",
            str(root / "docker-compose.yml"),
            "--project-directory",
            str(root),
        ]
        return ["docker", "compose", "-p", self._instance.name, *files, *words]

    def _environment(self) -> dict[str, str]:
        # Compose refuses the whole file without a password, even to stop it.
        password = (
            {} if self._instance.env.get("GRAFANA_ADMIN_PASSWORD") else {"GRAFANA_ADMIN_PASSWORD": "not-set"}
        )
        return os.environ | {"STACK_NAME": self._instance.name} | password

    def _run(self, *words: str) -> int:
        """Run Compose with its own output on the terminal; return its exit code."""
        command = self._command(*words)
        return subprocess.run(command, env=self._environment(), check=False).returncode  # noqa: S603  # fixed words and our own paths

    def _ask(self, *words: str) -> str:
        command = self._command(*words)
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)  # noqa: S603  # as above
        if done.returncode:
            raise StackError(f"docker compose {words[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """Compose's word on each service's container, stopped ones too: `State`, `Health`, `Status`, `ID`."""
        return parse_ps(self._ask("ps", "--all", "--format", "json"))

    def is_running(self) -> bool:
        """Whether any of its containers runs."""
        return any(container["State"] == "running" for container in self.containers().values())

    def up(self) -> dict[str, str]:
        """Build, start, wait until all is healthy; return notes for the table (none here).

        Raises StackError when the configuration is wrong, a port is taken or a service does not become
        healthy.
        """
        for path in checks.unreadable(self._instance):
            name = checks.shown(path, self._instance.root)
            raise StackError(
                f"{name} is readable for its owner alone, and containers run as somebody else",
                "chmod -R a+rX prometheus alertmanager grafana runbooks sla-worker",
            )
        ports.check_free(self._instance.env, self._instance.env_file, self._ours())
        if self._run("build") != 0:
            raise StackError("an image could not be built: see above", "make doctor, or MODE=local make up")
        self.check_with_images()
        record = self._instance.root / ".run" / f"{self._instance.name}.config"
        directories = checks.directories(self._instance)
        digest = " ".join(plan.digest(directories[name]) for name in ("alertmanager", "grafana"))
        changed = record.exists() and record.read_text() != digest and self.is_running()
        if self._run("up", "--detach", "--remove-orphans") != 0:
            self._name_the_sick(self._states())
            raise StackError("docker compose up failed: see above", "make doctor")
        if changed:
            # Prometheus sees by itself that its files changed; Alertmanager is told, Grafana reads them at
            # start only.
            self._ask("kill", "--signal", "HUP", "alertmanager")
            self._ask("restart", "grafana")
            console.say("alertmanager and grafana read their changed configuration")
        record.parent.mkdir(exist_ok=True)
        record.write_text(digest)
        self._name_the_sick(console.wait(self._states, _TIMEOUT_SECONDS))
        return {}

    def _ours(self) -> frozenset[str]:
        """Variables of the ports that our running containers publish."""
        running = [container for container in self.containers().values() if container["State"] == "running"]
        held = {str(port["PublishedPort"]) for each in running for port in each.get("Publishers") or []}
        return frozenset(variable for variable in PORT_VARIABLES if self._instance.env[variable] in held)

    def check_with_images(self) -> list[str]:
        """Ask promtool and amtool of the images, where these are here already; return what was checked."""
        env, directories = self._instance.env, checks.directories(self._instance)
        done = []
        for service, tool, words, file in (
            ("prometheus", "promtool", ("check", "config"), "/etc/prometheus/prometheus.yml"),
            ("alertmanager", "amtool", ("check-config",), "/etc/alertmanager/alertmanager.yml"),
        ):
            image, inside = env[f"{service.upper()}_IMAGE"], str(Path(file).parent)
            seen = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)  # noqa: S603, S607  # a pin of ours
            if seen.returncode:
                continue
            mount = f"type=bind,source={directories[service]},target={inside},readonly"
            command = [
                "docker",
                "run",
                "--rm",
                "--network",
                "none",
                "--mount",
                mount,
                "--entrypoint",
                tool,
                image,
                *words,
                file,
            ]
            names = {inside: checks.shown(directories[service], self._instance.root)}
            checks.run_tool(command, names, f"{service.capitalize()}'s configuration")
            done.append(f"{service.capitalize()}'s configuration ({tool} of {image})")
        return done

    def _states(self) -> dict[str, State]:
        containers = self.containers()
        return {name: state_of(containers.get(name)) for name in NAMES}

    def _name_the_sick(self, states: dict[str, State]) -> None:
        """Raise StackError with the last log lines of services that failed, or of those that are not
        healthy."""
        sick = {name: state for name, state in states.items() if not state.healthy}
        failed = {name: state for name, state in sick.items() if state.failed} or sick
        parts = []
        for name, state in failed.items():
            log = self._ask("logs", "--no-color", "--no-log-prefix", "--tail", str(_LOG_LINES), name).rstrip()
            lines = "\n".join(f"    {line}" for line in readable_lines(log)) or "    (nothing)"
            parts.append(f"{name} did not become healthy: {state.words}\n  its last log lines:\n{lines}")
        if parts:
            mend = f"the whole log: make logs s={next(iter(failed))}; the rest runs on; make down stops it"
            raise StackError("\n".join(parts), mend)

    def ps(self) -> list[tuple[str, str, str]]:
        """Name, state and details of every service that has a container."""
        containers = self.containers()
        return [
            (
                name,
                "healthy" if state_of(containers[name]).healthy else state_of(containers[name]).words,
                containers[name]["Status"],
            )
            for name in NAMES
            if name in containers
        ]

    def restart(self, services: list[str]) -> None:
        """Restart services (all when the list is empty) and wait until all are healthy."""
        if not self.is_running():
            raise StackError(f"the stack {self._instance.name} is not running", "make up")
        if self._run("restart", *services) != 0:
            raise StackError("docker compose restart failed: see above")
        self._name_the_sick(console.wait(self._states, _TIMEOUT_SECONDS))

    def down(self) -> bool:
        """Remove the containers, keep the volumes; False when there was nothing."""
        there = bool(self.containers())
        if self._run("down", "--remove-orphans") != 0:
            raise StackError("docker compose down failed: see above")
        return there

    def logs(self, services: list[str], *, follow: bool) -> None:
        """Show the services' logs."""
        self._run("logs", "--tail", "40", *(["--follow"] if follow else []), *services)

    def run_in(self, service: str, words: Sequence[str]) -> int:
        """Run a command in a service's container, its output on the terminal; return its exit code."""
        return self._run("exec", "--no-TTY", service, *words)

    def kill(self, service: str, signal: str = "KILL") -> None:
        """Send a service's container a signal, one of SIGNALS.

        STOP and CONT freeze and thaw the container: its first process is an init, which would be stopped
        alone. KILL and TERM come from outside, as from the kernel when memory runs out. Not with `docker
        kill`: that counts as a wish, after which Docker does not start it again.
        """
        container = self.containers().get(service)
        wanted = "paused" if signal == "CONT" else "running"
        if container is None or container["State"] != wanted:
            raise StackError(
                f"{service} is not held" if signal == "CONT" else f"{service} does not run",
                None if signal == "CONT" else "make up",
            )
        if signal in _FREEZER:
            self._ask(_FREEZER[signal], service)
        elif signal == "HUP":
            self._ask("kill", "--signal", "HUP", service)
        else:
            pid = _output("docker", "inspect", "--format", "{{.State.Pid}}", container["ID"])
            # The pid is the host's, where this user may lack the right; a container that sees all pids has
            # it.
            image = self._instance.env["ALPINE_IMAGE"]
            helper = ("docker", "run", "--rm", "--pid=host", "--network=none", image)
            _output(*helper, "sh", "-c", f"kill -{signal} {int(pid)}")

    def clean(self) -> None:
        """Remove containers and volumes; built images stay."""
        if self._run("down", "--volumes", "--remove-orphans") != 0:
            raise StackError("docker compose down --volumes failed: see above")


def readable_lines(log: str) -> list[str]:
    """The lines of a container's log, each once and without the codes that move a terminal's cursor.

    Compose writes such codes for a container that starts again and again, and each start says the same.
    """
    return list(dict.fromkeys(_CONTROL.sub("", line) for line in log.splitlines()))


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words and ids
    if done.returncode:
        raise StackError(f"{' '.join(words[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def parse_ps(text: str) -> dict[str, dict[str, Any]]:
    """Containers by service out of `docker compose ps --format json`: a list, or (later versions) a line
    each."""
    found: Sequence[dict[str, Any]]
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return {container["Service"]: container for container in found}


def state_of(container: dict[str, Any] | None) -> State:
    """How far a container is (None: there is none)."""
    if container is None:
        return State(healthy=False, words="has no container")
    state, health = container["State"], container.get("Health") or ""
    if state == "running":
        return State(healthy=health == "healthy", words=health or "runs", failed=health == "unhealthy")
    return State(
        healthy=False,
        words=f"{state}: {container.get('Status', '')}".strip(": "),
        failed=state in ("restarting", "dead", "exited"),
    )
