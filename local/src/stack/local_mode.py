"""The stack as processes under supervisord."""

from __future__ import annotations

import json
import os
import shutil
import signal as signals
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from stack import (
    binaries,
    checks,
    composefile,
    console,
    grafana_login,
    inputs,
    leftovers,
    one_machine,
    plan,
    ports,
    secret_files,
    tail,
)
from stack.binaries import Found, Missing
from stack.composefile import Definition
from stack.console import State
from stack.envfile import PASSWORD
from stack.errors import StackError
from stack.health import trouble
from stack.services import ALL_NAMES, ALL_SERVICES, PROFILES, RELOADED
from stack.settings import Instance
from stack.supervision import Program, Supervisor

_TIMEOUT_SECONDS = 180.0
_DEATHS_UNTIL_FAILED = 3
_LOG_LINES = 15
# supervisord calls a process RUNNING when it has lived for some seconds; it holds its ports before that.
_ALIVE = ("STARTING", "RUNNING", "STOPPING")
STAND_IN = "a stand-in, not MailHog"


class LocalStack:
    """One instance run as processes."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._directory = instance.directory
        self._supervisor = Supervisor(instance.directory)
        self._logged: dict[str, int] = {}  # bytes of each log that were there before this command

    def is_running(self) -> bool:
        """Whether its supervisord answers."""
        return self._supervisor.is_running()

    def definitions(self) -> dict[str, Definition]:
        """What the Compose files say of the services that are part of the stack."""
        profiles = PROFILES if self._instance.demo else ()
        return composefile.definitions(self._instance.compose_files, self._instance.variables, profiles)

    def database(self) -> Path:
        """The file of the ledger, whether it is there or not."""
        definitions = self.definitions()
        where = plan.places("sla-worker", definitions, self._instance, self._directory / "config")
        return Path(where.apply(definitions["sla-worker"].environment["SLA_DATABASE_PATH"]))

    def up(self) -> dict[str, str]:
        """Start what is not running, apply what changed, wait until all is healthy.

        Returns notes for the table, by service. Raises StackError when the configuration is wrong, a port is
        taken or a service does not become healthy.
        """
        return self._bring_up(again=())

    def restart(self, services: list[str]) -> None:
        """Restart services (all when the list is empty) with all that changed; wait until all are healthy."""
        self._must_run()
        running = self._supervisor.processes()
        for name in services:
            if name not in running:
                raise StackError(f"{name} is not part of the running stack", "make up says why")
        self._bring_up(again=services or self._instance.services, only=services or None)

    def _bring_up(self, *, again: Collection[str], only: Collection[str] | None = None) -> dict[str, str]:
        """Start, or restart those in `again`; with `only` no other service is touched."""
        definitions = self.definitions()
        running = self._supervisor.is_running()
        if not running and (ended := leftovers.end(self._directory)):
            console.say(f"ended what a killed supervisord had left: {', '.join(ended)}")
        ours = self._ours() if running else frozenset()
        ports.check_free(self._instance, ours | one_machine.FREE_PORTS)
        found, notes, said = self._binaries(only)
        self.check_rendered(definitions)
        secret_files.write(self._instance)
        names, changed, reloaded = self._write(definitions, found, only)
        self._said.write_text(json.dumps(said), encoding="utf-8")
        logs = {name: self._log(name) for name in names}
        self._logged = {name: log.stat().st_size for name, log in logs.items() if log.exists()}
        self._apply(running, names, changed | {name for name in names if name in again}, reloaded)
        self._wait(names)
        if "grafana" in names:
            grafana_login.ensure(
                self._instance.env["GRAFANA_PORT"], self._instance.env[PASSWORD], self._reset_password
            )
        return notes

    def _ours(self) -> frozenset[str]:
        """Variables of the ports that our running services hold."""
        states = self._supervisor.processes()
        held = self._held_ports()
        return frozenset(
            variable
            for variable, service in self._instance.ports.items()
            if held.get(variable) == self._instance.env[variable]
            and states.get(service, {}).get("statename") in _ALIVE
        )

    def _held_ports(self) -> dict[str, str]:
        """The ports that the services were started with, by variable."""
        record = self._directory / "ports"
        return dict(line.split() for line in record.read_text().splitlines()) if record.exists() else {}

    @property
    def _said(self) -> Path:
        """What was said of programs that are missing or not the pinned ones: said again when it changes."""
        return self._directory / "said.json"

    def _binaries(
        self, only: Collection[str] | None
    ) -> tuple[dict[str, Found], dict[str, str], dict[str, list[str]]]:
        """The programs, notes for the table, and what has been said of them by now; all by service."""
        found: dict[str, Found] = {}
        notes: dict[str, str] = {}
        before: dict[str, list[str]] = (
            json.loads(self._said.read_text(encoding="utf-8")) if self._said.exists() else {}
        )
        said: dict[str, list[str]] = {}
        for name in ("prometheus", "alertmanager", "mailhog", "grafana"):
            if only is not None and name not in only:
                one = binaries.look(name, self._instance) or Missing(name, (), "")
                said |= {name: before[name]} if name in before else {}
            else:
                one = binaries.get(name, self._instance, console.plain)
                said |= {name: lines} if (lines := _lines(one)) else {}
            if isinstance(one, Found):
                found[name] = one
                notes[name] = one.words
            else:
                notes[name] = STAND_IN if name == "mailhog" else "missing"
        if self._instance.scale:
            found |= one_machine.found(self._instance, console.plain)
            notes |= one_machine.notes(found, notes)
        for name, lines in said.items():
            if before.get(name) != lines:
                console.warn("\n  ".join(lines))
        return found, notes, said

    def check_rendered(self, definitions: Mapping[str, Definition]) -> list[str]:
        """Ask promtool and amtool about the configuration, in a copy aside; return what was checked."""
        done = []
        with tempfile.TemporaryDirectory(prefix="stack-check-") as scratch:
            config = Path(scratch)
            plan.render(definitions, self._instance, config, keep_lines=True)
            tool = binaries.look("promtool", self._instance)
            if tool and plan.is_before_retention_in_file(tool.version):
                plan.fit(config, {"prometheus": tool}, definitions)
            names = {
                str(config / service): checks.shown(source, self._instance.root)
                for service, source in plan.sources(definitions, self._instance).items()
            }
            if tool:
                file = str(config / "prometheus" / "prometheus.yml")
                checks.run_tool([str(tool.path), "check", "config", file], names, "Prometheus' configuration")
                done.append(f"Prometheus' configuration and rules (promtool {tool.words})")
            if tool := binaries.look("amtool", self._instance):
                plan.fit_receivers(config, tool)
                file = str(config / "alertmanager" / "alertmanager.yml")
                checks.run_tool([str(tool.path), "check-config", file], names, "Alertmanager's configuration")
                done.append(f"Alertmanager's configuration (amtool {tool.words})")
        return done

    def _write(
        self,
        definitions: Mapping[str, Definition],
        found: Mapping[str, Found],
        only: Collection[str] | None,
    ) -> tuple[list[str], set[str], set[str]]:
        """Write configuration and specifications, of all services or of those in `only`.

        Returns the names of all services, of those to restart and of those to reload.
        """
        for each in ("logs", "pids", "services", "config"):
            (self._directory / each).mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        config = self._directory / "config"
        rendered = [service for service in plan.RENDERED if only is None or service in only]
        before = {service: inputs.digest(config / service) for service in rendered}
        plan.render(definitions, self._instance, config, rendered)
        flags = plan.fit(config, found if "prometheus" in rendered else {}, definitions)
        old = found.get("alertmanager") if "alertmanager" in rendered else None
        for name in plan.fit_receivers(config, old):
            console.warn(
                f"{name} is not told: the Alertmanager here ({old.words if old else ''}) is too old for it"
            )
        moved = {service for service in rendered if inputs.digest(config / service) != before[service]}
        moved |= {second for second, first in plan.SECONDS.items() if first in moved}
        programs = plan.programs(definitions, found, self._instance, config, flags)
        known = {program.name for program in programs}
        names = [name for name in ALL_NAMES if name in known]
        if only is not None:
            programs = tuple(program for program in programs if program.name in only)
            names = [name for name in ALL_NAMES if name in self._supervisor.processes()]
        restarted = {program.name for program in programs if self._write_specification(program)}
        held = self._held_ports() if only is not None else {}
        held |= {
            variable: self._instance.env[variable]
            for variable, service in self._instance.ports.items()
            if only is None or service in only
        }
        lines = (f"{variable} {port}\n" for variable, port in held.items())
        (self._directory / "ports").write_text("".join(lines), encoding="utf-8")
        reloaded = {name for name in moved if name in names}
        return names, restarted | (reloaded - set(RELOADED)), reloaded & set(RELOADED)

    def _write_specification(self, program: Program) -> bool:
        """Write what launch.py reads; True when it differs from what was there."""
        path = self._directory / "services" / f"{program.name}.json"
        text = program.specification(self._directory)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return True

    def _apply(self, running: bool, names: list[str], changed: set[str], reloaded: set[str]) -> None:  # noqa: FBT001  # private
        if running and set(self._supervisor.processes()) != set(names):
            self._supervisor.shutdown()
            running = False
        if not running:
            self._supervisor.start(names)
            console.say(f"started {', '.join(names)}")
            return
        states = self._supervisor.processes()
        stopped = {
            name for name in names if states[name]["statename"] in ("STOPPED", "EXITED", "FATAL", "BACKOFF")
        }
        for name in (name for name in names if name in changed | stopped):
            self._supervisor.restart(name)
            console.say(f"{'started' if name in stopped else 'restarted, with what changed:'} {name}")
        for name in sorted(reloaded - changed - stopped):
            self._supervisor.reload(name)
            console.say(f"{name} reads its changed configuration")
        if not changed | stopped | reloaded:
            console.say("running already, nothing changed")

    def _wait(self, names: list[str]) -> None:
        deaths: dict[str, set[int]] = {name: set() for name in names}
        states = console.wait(lambda: self._states(names, deaths), _TIMEOUT_SECONDS)
        unhealthy = {name: state for name, state in states.items() if not state.healthy}
        failed = {name: state for name, state in unhealthy.items() if state.failed} or unhealthy
        if not failed:
            return
        parts = []
        for name, state in failed.items():
            lines = tail.last_lines(self._log(name), _LOG_LINES, self._logged.get(name, 0))
            log = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
            parts.append(f"{name} did not become healthy: {state.words}\n  its last log lines:\n{log}")
        raise StackError(
            "\n".join(parts),
            f"the whole log: make logs s={next(iter(failed))}; the rest runs on; make down stops it",
        )

    def _log(self, name: str) -> Path:
        return self._directory / "logs" / f"{name}.log"

    def _states(self, names: list[str], deaths: dict[str, set[int]] | None = None) -> dict[str, State]:
        processes = self._supervisor.processes()
        urls = {
            service.name: service.health_url(self._instance.env)
            for service in ALL_SERVICES
            if service.name in names
        }
        found = {}
        for name in names:
            process = processes[name]
            died = process["statename"] in ("BACKOFF", "EXITED", "FATAL")
            if died:
                seen = (deaths or {}).get(name, set())
                seen.add(process["start"])
                failed = len(seen) >= _DEATHS_UNTIL_FAILED or process["statename"] == "FATAL"
                found[name] = State(
                    healthy=False, words=_death(process["exitstatus"], process["spawnerr"]), failed=failed
                )
            else:
                reason = trouble(urls[name])
                # A process that has not run for some seconds may answer and still die.
                settled = process["statename"] == "RUNNING"
                found[name] = State(
                    healthy=reason is None and settled,
                    words=reason or "answers; watching it for some seconds",
                )
        return found

    def _reset_password(self, password: str) -> str | None:
        """Have Grafana's own command line set the password; None, or what went wrong."""
        specification = self._specification("grafana")
        server, *words = specification["argv"]
        beside = Path(server).with_name("grafana-cli")
        program = server if Path(server).name == "grafana" else str(beside)
        command = grafana_login.cli(program, words[words.index("--homepath") + 1])
        return checks.trouble_of(command, password, environment=specification["environment"])

    def ps(self) -> list[tuple[str, str, str]]:
        """Name, state and details of every service."""
        if not self.is_running():
            return []
        processes = self._supervisor.processes()
        states = self._states(list(processes))
        return [
            (name, "healthy" if states[name].healthy else states[name].words, processes[name]["description"])
            for name in ALL_NAMES
            if name in processes
        ]

    def run_in(self, service: str, words: Sequence[str], out: IO[Any] | None = None) -> int:
        """Run a command with a service's environment, its output to `out` if given; return its exit code.

        `python` is the interpreter that runs the service.
        """
        self._must_run()
        specification = self._specification(service)
        command = [sys.executable if word == "python" else word for word in words]
        try:
            done = subprocess.run(  # noqa: S603  # what the user asked for
                command,
                env=specification["environment"],
                cwd=specification["directory"],
                stdout=out,
                check=False,
            )
        except OSError as error:
            raise StackError(f"{words[0]} cannot be run: {error.strerror}") from error
        return done.returncode

    def _specification(self, service: str) -> dict[str, Any]:
        """What launch.py starts for a service of the running stack."""
        path = self._directory / "services" / f"{service}.json"
        if not path.exists():
            raise StackError(f"{service} is not part of the running stack", "make up says why")
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def kill(self, service: str, signal: str = "KILL") -> None:
        """Send a service's process a signal, one of SIGNALS; supervisord starts again what ended."""
        self._must_run()
        process = self._supervisor.processes().get(service)
        if process is None or not process["pid"]:
            raise StackError(f"{service} is not running", "make up")
        os.kill(process["pid"], signals.Signals[f"SIG{signal}"])

    def _must_run(self) -> None:
        if not self.is_running():
            raise StackError(f"the stack {self._instance.name} is not running", "make up")

    def down(self) -> bool:
        """Stop everything, keep all data; False when nothing ran."""
        running = self.is_running()
        if running:
            self._supervisor.shutdown()
        return bool(leftovers.end(self._directory)) or running

    def logs(self, services: list[str], *, follow: bool) -> None:
        """Print the last lines of the services' logs; go on with `follow` until interrupted."""
        files = {name: self._log(name) for name in services or ALL_NAMES if self._log(name).exists()}
        if not files:
            raise StackError(f"no logs in {self._directory / 'logs'}", "make up")
        tail.show(files, console.plain, follow=follow, wait=lambda: time.sleep(0.3))

    def log_of(self, service: str) -> list[str]:
        """The lines of a service's log, which supervisord keeps small."""
        log = self._log(service)
        return log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []

    def clean(self) -> None:
        """Stop everything and remove data, logs and rendered configuration; fetched binaries stay.

        What symbolic links name is removed too, where the directory or one of its volumes is one. Raises
        StackError when something could not be removed.
        """
        self.down()
        real = self._directory.resolve()
        volumes = [path.resolve() for path in (real / "data").glob("*") if path.is_symlink()]
        try:
            for path in (*volumes, real):
                if path.is_dir():
                    shutil.rmtree(path)
            self._directory.unlink(missing_ok=True)
        except OSError as error:
            raise StackError(
                f"not all data was removed: {error.filename or real}: {error.strerror}",
                f"remove it yourself: rm -r {real}",
            ) from error


def _death(exit_status: int, spawn_error: str) -> str:
    if spawn_error and not spawn_error.startswith("Exited too quickly"):
        return f"cannot be started ({spawn_error})"
    return "ends right after its start, again and again" + (
        f" (exit status {exit_status})" if exit_status else ""
    )


def _lines(one: Found | Missing) -> list[str]:
    """What there is to say of a program that is missing, or not the pinned one; empty of any other."""
    if isinstance(one, Found):
        return [f"{one.name}: {one.words}: {'; '.join(one.reasons)}"] if one.reasons else []
    instead = "a stand-in takes the mail" if one.name == "mailhog" else "the rest starts without it"
    return [f"{one.name} is missing: {instead} ({'; '.join(one.reasons)})", f"to have it: {one.fix}"]
