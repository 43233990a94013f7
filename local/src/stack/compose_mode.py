"""The stack as containers of Docker Compose."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from stack import checks, console, grafana_login, inputs, ports, scale, secret_files
from stack.console import State
from stack.container_states import parse_ps, plain_line, readable_lines, state_of
from stack.envfile import EXAMPLE, PASSWORD, POSTGRES_PASSWORD
from stack.errors import StackError
from stack.services import (
    ALL_NAMES,
    ALL_PORT_VARIABLES,
    BUILDER,
    DEMO_SERVICE,
    PROFILES,
    RELOADED,
    RENDERER,
    RENDERER_PROFILE,
)
from stack.settings import Instance

_TIMEOUT_SECONDS = 300.0
_LOG_LINES = 15
_BUILD_FIX = "make doctor, or MODE=local make up"
_LOG_LINES_OF_A_START = 10_000
_ANSWER_SECONDS = 20
_FREEZER = {"STOP": "pause", "CONT": "unpause"}


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
            line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return f"{words} ({line})"
    return None


class ComposeStack:
    """One instance run as a Compose project of its name."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def _command(self, *words: str) -> list[str]:
        root = self._instance.root
        # Compose gets every setting from the environment: read once, by one program, and a broken .env
        # does not keep it from stopping the stack.
        files = ["--env-file", str(root / EXAMPLE)]
        for file in self._instance.compose_files:
            files += ["-f", str(file)]
        return [
            "docker",
            "compose",
            "-p",
            self._instance.name,
            *files,
            "--project-directory",
            str(root),
            *words,
        ]

    def foreign(self, *words: str) -> tuple[list[str], dict[str, str]]:
        """A command of Compose and its environment, for another program to run."""
        return self._command(*words), self._environment()

    def build(self, services: Sequence[str] = ()) -> None:
        """Build the images that are ours; raises StackError.

        On anything but a terminal, where its progress would be a hundred lines, they are kept in a file.
        """
        wanted = services or (self._instance.services if self._instance.scale else ())
        services = list(dict.fromkeys(BUILDER.get(name, name) for name in wanted))
        if console.OUT.is_terminal:
            if self._run("build", *services, all_services=False) != 0:
                raise StackError("an image could not be built: see above", _BUILD_FIX)
            return
        log = self._instance.root / ".run" / f"{self._instance.name}.build.log"
        log.parent.mkdir(exist_ok=True)
        shown = checks.shown(log, Path.cwd())
        console.plain(
            f"Building images (minutes the first time, seconds later; {shown} has what Docker says)"
        )
        command, environment = self._command("build", *services), self._environment(all_services=False)
        with log.open("w", encoding="utf-8") as file:
            done = subprocess.run(command, env=environment, stdout=file, stderr=file, check=False)  # noqa: S603  # as above
        if done.returncode:
            lines = readable_lines(log.read_text(encoding="utf-8", errors="replace"))[-_LOG_LINES:]
            raise StackError(
                "\n  ".join([f"an image could not be built; {shown} ends with:", *lines]), _BUILD_FIX
            )

    def _environment(self, *, all_services: bool = True) -> dict[str, str]:
        """What Compose reads: the settings, and the profiles of what is part of the stack, or of all."""
        settings = self._instance.variables
        # Compose refuses the whole file without its passwords, even to stop it.
        for name in (PASSWORD, POSTGRES_PASSWORD):
            settings[name] = settings[name] or "not-set"
        if not self._instance.demo:
            settings["DEMO_CONFIG_DIR"] = str(self._no_demo)
        own = [name for name in settings.get("COMPOSE_PROFILES", "").split(",") if name]
        wanted = [
            *(PROFILES if all_services or self._instance.demo else ()),
            *([RENDERER_PROFILE] if all_services or self._instance.renderer else []),
        ]
        return os.environ | settings | {"COMPOSE_PROFILES": ",".join([*own, *wanted])}

    @property
    def _no_demo(self) -> Path:
        """The empty directory that Prometheus sees in place of what is about the demo-app."""
        return self._instance.root / ".run" / "no-demo"

    def _run(self, *words: str, all_services: bool = True, out: IO[Any] | None = None) -> int:
        """Run Compose with its own output on the terminal, or to `out`; return its exit code."""
        command = self._command(*words)
        environment = self._environment(all_services=all_services)
        return subprocess.run(command, env=environment, stdout=out, check=False).returncode  # noqa: S603  # fixed words and our own paths

    def _ask(self, *words: str) -> str:
        command = self._command(*words)
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)  # noqa: S603  # as above
        if done.returncode:
            raise StackError(f"docker compose {words[0]} failed: {done.stderr.strip()}")
        return done.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """What Compose says of each service's container, stopped ones too: `State`, `Health`, `ID`, …"""
        return parse_ps(self._ask("ps", "--all", "--format", "json"))

    def is_running(self) -> bool:
        """Whether any of its containers runs."""
        return any(container["State"] == "running" for container in self.containers().values())

    def up(self) -> dict[str, str]:
        """Build, start, apply what changed, wait until all is healthy; return notes for the table: none.

        Raises StackError when the configuration is wrong, a port is taken or a service does not become
        healthy.
        """
        self._bring_up([])
        return {}

    def restart(self, services: list[str]) -> None:
        """Restart services (all when the list is empty), with all that changed; wait until all are healthy.

        Their containers are made again: `docker compose restart` would keep the old environment and image.
        """
        if not self.is_running():
            raise StackError(f"the stack {self._instance.name} is not running", "make up")
        self._bring_up(["--force-recreate", *(["--no-deps"] if services else [])], services)

    def _bring_up(self, options: Sequence[str], services: Sequence[str] = ()) -> None:
        for path in checks.unreadable(self._instance):
            name = checks.shown(path, self._instance.root)
            raise StackError(
                f"{name} is readable for its owner alone, and containers run as another user",
                "chmod -R a+rX prometheus alertmanager grafana runbooks sla-worker",
            )
        ports.check_free(self._instance, self._ours())
        self.build(services)
        self.check_with_images()
        secret_files.write(self._instance)
        if self._instance.scale:
            scale.write(self._instance)
        self._check_database()
        self._no_demo.mkdir(parents=True, exist_ok=True)
        self._no_demo.chmod(0o755)
        before = self.containers()
        if not self._instance.demo and DEMO_SERVICE in before:
            self._ask("rm", "--stop", "--force", DEMO_SERVICE)
        if not self._instance.renderer and RENDERER in before:
            self._ask("rm", "--stop", "--force", RENDERER)
        words = ("up", "--detach", "--remove-orphans", *options, *services)
        if self._run(*words, all_services=False) != 0:
            self._name_the_unhealthy(self._states())
            raise StackError("docker compose up failed: see above", "make doctor")
        self._apply_changed_files(before, services or ALL_NAMES)
        self._name_the_unhealthy(console.wait(self._states, _TIMEOUT_SECONDS))
        env = self._instance.env
        grafana_login.ensure(env["GRAFANA_PORT"], env[PASSWORD], self._reset_password)

    def _check_database(self) -> None:
        """Raise StackError, before anything is started, when the ledger does not fit the settings.

        Asks the sla-worker of the image that will run; what it cannot say is seen when it starts.
        """
        volume = f"{self._instance.name}_sla-data"
        seen = subprocess.run(["docker", "volume", "inspect", volume], capture_output=True, check=False)  # noqa: S603, S607  # ours
        if seen.returncode:
            return  # the first start
        words = (
            "run",
            "--rm",
            "--no-deps",
            "--no-TTY",
            "sla-worker",
            "python",
            "-m",
            "sla_worker",
            "--check",
        )
        done = subprocess.run(  # noqa: S603  # fixed words and our own paths
            self._command(*words), env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode and (match := re.search(r"^error: (.*)", done.stderr, re.MULTILINE)):
            error, _, fix = match[1].partition("; ")
            raise StackError(f"{error} (volume {volume})", fix or None)

    def _apply_changed_files(
        self, before: Mapping[str, Mapping[str, Any]], services: Collection[str]
    ) -> None:
        """Have the containers that were kept read what has changed in their files since they last did."""
        record = self._instance.root / ".run" / f"{self._instance.name}.inputs"
        known = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
        now = {name: digest for name, digest in inputs.of(self._instance).items() if name in services}
        after = self.containers()
        for name, digest in now.items():
            kept = name in before and name in after and before[name]["ID"] == after[name]["ID"]
            if not kept or before[name]["State"] != "running" or known.get(name) == digest:
                continue
            if name in RELOADED:
                self._have_read_again(name)
            else:
                self._ask("restart", name)
            console.say(f"{name} reads its changed configuration")
        record.parent.mkdir(exist_ok=True)
        record.write_text(json.dumps(known | now), encoding="utf-8")

    def _have_read_again(self, service: str) -> None:
        """Have a container's program read its configuration again.

        From within: any signal of `docker kill` counts as a wish to stop, and Docker would not start it
        again when it ends later, whatever its restart policy says.
        """
        self._ask("exec", "--no-TTY", service, "sh", "-c", "kill -HUP 1")

    def _reset_password(self, password: str) -> str | None:
        """Have Grafana's own command line set the password; None, or what went wrong."""
        words = grafana_login.cli("grafana", "/usr/share/grafana")
        return checks.trouble_of(
            self._command("exec", "--no-TTY", "grafana", *words), password, environment=self._environment()
        )

    def _ours(self) -> frozenset[str]:
        """Variables of the ports that our containers publish, paused ones too."""
        alive = [each for each in self.containers().values() if each["State"] in ("running", "paused")]
        held = {str(port["PublishedPort"]) for each in alive for port in each.get("Publishers") or []}
        return frozenset(variable for variable in ALL_PORT_VARIABLES if self._instance.env[variable] in held)

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
            # A line of CSV: quotes keep a comma in the path, doubled ones a quote.
            source = f"source={directories[service]}".replace('"', '""')
            mount = f'type=bind,"{source}",target={inside},readonly'
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
        renderer = (RENDERER,) if self._instance.renderer else ()
        return {name: state_of(containers.get(name)) for name in (*self._instance.services, *renderer)}

    def _name_the_unhealthy(self, states: dict[str, State]) -> None:
        """Raise StackError with the last log lines of services that failed, else of those not healthy."""
        unhealthy = {name: state for name, state in states.items() if not state.healthy}
        failed = {name: state for name, state in unhealthy.items() if state.failed} or unhealthy
        parts = []
        for name, state in failed.items():
            log = self._ask("logs", "--no-color", "--no-log-prefix", "--tail", str(_LOG_LINES), name).rstrip()
            lines = "\n".join(f"    {line}" for line in readable_lines(log)) or "    (nothing)"
            parts.append(f"{name} did not become healthy: {state.words}\n  its last log lines:\n{lines}")
        if parts:
            fix = f"the whole log: make logs s={next(iter(failed))}; the rest runs on; make down stops it"
            raise StackError("\n".join(parts), fix)

    def ps(self) -> list[tuple[str, str, str]]:
        """Name, state and details of every service that has a container."""
        containers = self.containers()
        return [
            (
                name,
                "healthy" if state_of(containers[name]).healthy else state_of(containers[name]).words,
                containers[name]["Status"],
            )
            for name in (*ALL_NAMES, RENDERER)
            if name in containers
        ]

    def down(self) -> bool:
        """Remove the containers, keep the volumes; False when there was nothing."""
        there = bool(self.containers())
        if self._run("down", "--remove-orphans") != 0:
            raise StackError("docker compose down failed: see above")
        return there

    def logs(self, services: list[str], *, follow: bool) -> None:
        """Show the services' logs, on anything but a terminal without its codes."""
        words = ["logs", "--tail", "40", *(["--follow"] if follow else []), *services]
        if console.OUT.is_terminal:
            self._run(*words)
            return
        # --no-color leaves the codes of a container that starts again and again.
        command = self._command("logs", "--no-color", *words[1:])
        with subprocess.Popen(command, env=self._environment(), stdout=subprocess.PIPE, text=True) as compose:  # noqa: S603  # as above
            for line in compose.stdout or ():
                print(plain_line(line), end="", flush=True)

    def log_of(self, service: str) -> list[str]:
        """The last lines of a service's log, without colours."""
        words = ("logs", "--no-color", "--no-log-prefix", "--tail", str(_LOG_LINES_OF_A_START), service)
        return [plain_line(line) for line in self._ask(*words).splitlines()]

    def run_in(self, service: str, words: Sequence[str], out: IO[Any] | None = None) -> int:
        """Run a command in a service's container, its output to `out` if given; return its exit code."""
        return self._run("exec", "--no-TTY", service, *words, out=out)

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
                f"{service} is not paused" if signal == "CONT" else f"{service} is not running",
                None if signal == "CONT" else "make up",
            )
        if signal in _FREEZER:
            self._ask(_FREEZER[signal], service)
        elif signal == "HUP":
            self._have_read_again(service)
        else:
            pid = _output("docker", "inspect", "--format", "{{.State.Pid}}", container["ID"])
            # The pid is the host's, where this user may lack the right; a container that sees all pids has
            # it.
            image = self._instance.env["ALPINE_IMAGE"]
            helper = ("docker", "run", "--rm", "--pid=host", "--network=none", image)
            _output(*helper, "sh", "-c", f"kill -{signal} {int(pid)}")

    def clean(self) -> None:
        """Remove containers and volumes; built images stay."""
        (self._instance.root / ".run" / f"{self._instance.name}.inputs").unlink(missing_ok=True)
        if self._run("down", "--volumes", "--remove-orphans") != 0:
            raise StackError("docker compose down --volumes failed: see above")
        # Of what was part of the stack once (SCALE=1) and is not now, Compose leaves the volumes.
        of_project = f"label=com.docker.compose.project={self._instance.name}"
        if left := _output("docker", "volume", "ls", "--quiet", "--filter", of_project).split():
            _output("docker", "volume", "rm", *left)


def _output(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words and ids
    if done.returncode:
        raise StackError(f"{' '.join(words[:2])} failed: {done.stderr.strip()}")
    return done.stdout.strip()
