"""A second stack beside the user's own, with compressed time, on free ports, in a project of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from e2e import compose
from e2e.live import Stack
from e2e.services import Containers, Processes, Services
from ports import free_ports
from stack.compose_mode import why_not
from waiting import NEW_CONNECTIONS, patience

ROOT = Path(__file__).resolve().parents[2]
FACTOR = 15
LEDGER = ("exec", "sla-worker", "python", "-m", "sla_worker.cli")
PORTS = (
    "PROMETHEUS_PORT",
    "ALERTMANAGER_PORT",
    "GRAFANA_PORT",
    "MAILHOG_PORT",
    "SMTP_PORT",
    "DEMO_METRICS_PORT",
    "DEMO_API_PORT",
    "SLA_WORKER_PORT",
)


def write_env_file(path: Path, configuration: Path) -> None:
    """Make the `.env` of a compressed stack from `.env.example`: free ports, every interval ÷ FACTOR."""
    settings = read_env_file(ROOT / ".env.example")
    settings |= {name: str(port) for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    settings |= {
        "GRAFANA_ADMIN_PASSWORD": os.urandom(12).hex(),
        "SLA_WEBHOOK_TOKEN": os.urandom(16).hex(),
        "PROMETHEUS_CONFIG_DIR": str(configuration / "prometheus"),
        "ALERTMANAGER_CONFIG_DIR": str(configuration / "alertmanager"),
        "SLA_DEFINITIONS_DIR": str(configuration / "sla-worker"),
        # These bound how long a restart may take, and one takes as long here as anywhere: divided by less.
        "PROMETHEUS_LOOKBACK_DELTA": "60s",
        "ALERT_RESEND_DELAY": "10s",
        "ALERTMANAGER_START_DELAY": "15s",
        "SLA_INTERVAL_SECONDS": str(300 // FACTOR),
        "SLA_SCRAPE_INTERVAL_SECONDS": str(15 // FACTOR),
        "SLA_WATCHDOG_SECONDS": str(600 // FACTOR),
        # As short as they can be, a slot and twelve of them: what burns is seen within minutes, and its end.
        "SLA_TIME_SCALE": "1080",
        "DEMO_TIME_SCALE": str(FACTOR),
        # What cpu_burn must get of a busy machine, for a whole `for`; the healthy app uses 0.05 here.
        "DEMO_CPU_LIMIT_CORES": "0.16",
    }
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    path.chmod(0o600)


def read_env_file(path: Path) -> dict[str, str]:
    """The settings of an `.env` file, as written."""
    lines = (
        line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")
    )
    return dict(line.split("=", 1) for line in lines)


class StackCommand:
    """The launcher's command line for one stack: its name, its `.env` file and its mode, compose or local."""

    def __init__(self, name: str, env_file: Path, mode: str) -> None:
        self.name = name
        self.env_file = env_file
        self.mode = mode
        self.words = ["--mode", mode, "--name", name, "--env-file", str(env_file)]

    def __call__(self, command: str, *arguments: str) -> str:
        """Run `python -m stack COMMAND …` and return what it printed; fails with that if it fails."""
        done = self._run(command, *arguments)
        assert done.returncode == 0, (
            f"stack {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def output(self, command: str, *arguments: str) -> str:
        """Run it and return what it printed, whatever its exit code."""
        return self._run(command, *arguments).stdout

    def backup(self, file: Path) -> None:
        """Copy the ledger of its sla-worker, which goes on, to a file: what `make backup` does."""
        command, *arguments = LEDGER
        with file.open("wb") as copy:
            done = self._run(command, *arguments, "backup", "-", stdout=copy)
        assert done.returncode == 0, f"the backup ended with {done.returncode}\n{done.stderr}"

    def restore(self, file: Path) -> None:
        """Put such a file in the ledger's place, which the sla-worker notices: what `make restore` does."""
        command, *arguments = LEDGER
        with file.open("rb") as copy:
            done = self._run(command, *arguments, "restore", "--force", "-", stdin=copy)
        assert done.returncode == 0, f"the restore ended with {done.returncode}\n{done.stdout}\n{done.stderr}"

    @property
    def local_directory(self) -> Path:
        """Where its processes run, when they are no containers."""
        return ROOT / ".run" / "local" / self.name

    def services(self) -> Services:
        """What may be done to the services of this stack."""
        if self.mode == compose.MODE:
            return Containers(self.name, read_env_file(self.env_file)["ALPINE_IMAGE"])
        return Processes(self, self.local_directory)

    def _run(
        self, command: str, *arguments: str, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stack", command, *self.words, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "local/src")},
            stdin=stdin,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=patience(300),
            check=False,
            start_new_session=True,  # Ctrl-C is for the tests: they still need it to end what they began
        )


def compress(out: Path) -> None:
    """Write the shipped configuration to `out`: Prometheus' and Alertmanager's with every duration ÷ FACTOR.

    The definitions as they are: a test may break those of its own stack, and no others.
    """
    subprocess.run(
        [sys.executable, "-m", "compression", str(out), "--factor", str(FACTOR)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        check=True,
    )
    definitions = out / "sla-worker"
    definitions.mkdir(exist_ok=True)
    shutil.copy(ROOT / "sla-worker/sla_thresholds.yml", definitions)
    if (teams := ROOT / "sla-worker/sla.d").is_dir():
        shutil.copytree(teams, definitions / "sla.d", dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Wish:
    """The stack that the environment asks for: one that is up already, or one to be started for this.

    MODE=compose|local|auto chooses how one is started, with compressed time, and taken away at the end; with
    KEEP=1 it is left. STACK_ENV_FILE and STACK_NAME name a running one to use instead, at true time unless
    STACK_FACTOR tells by how much its durations are divided. TEST_STACK=-2 gives one that is started another
    name, so that two can run side by side.
    """

    mode: str
    name: str
    env_file: Path
    factor: float
    is_up: bool
    keep: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Wish:
        """Read it from the environment's variables; `auto` is Compose where a Docker engine answers."""
        mode = environment.get("MODE") or "auto"
        if mode == "auto":
            mode = compose.MODE if why_not() is None else "local"
        keep = bool(environment.get("KEEP"))
        if given := environment.get("STACK_ENV_FILE"):
            factor = float(environment.get("STACK_FACTOR") or 1)
            return cls(
                mode, environment.get("STACK_NAME") or "insa", Path(given), factor, is_up=True, keep=keep
            )
        name = f"insa-test-{mode}{environment.get('TEST_STACK', '')}"
        env_file = ROOT / ".run" / "e2e" / name / ".env"
        return cls(mode, name, env_file, FACTOR, is_up=False, keep=keep)

    @property
    def command(self) -> StackCommand:
        """The launcher's command for it."""
        return StackCommand(self.name, self.env_file, self.mode)

    def prepare(self) -> None:
        """Write the configuration and the settings of a stack that is not up yet."""
        home = self.env_file.parent
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        compress(home / "configuration")
        write_env_file(self.env_file, home / "configuration")
        if self.mode == compose.MODE:
            self.compose_project().prepare()

    def compose_project(self) -> compose.Project:
        """What pytest-docker needs to know of it."""
        return compose.Project(self.name, self.env_file, is_up=self.is_up, keep=self.keep)


@contextlib.contextmanager
def stack_from_environment(
    environment: Mapping[str, str] = os.environ,
) -> Iterator[tuple[StackCommand, Stack]]:
    """The stack that the environment asks for (see Wish): its launcher's command, its URLs and clients."""
    wish = Wish.read(environment)
    with contextlib.ExitStack() as ends:
        if not wish.is_up:
            ends.enter_context(_started(wish))
        yield wish.command, ends.enter_context(connected(wish.env_file, wish.factor))


@contextlib.contextmanager
def _started(wish: Wish) -> Iterator[None]:
    """Start the stack and wait until it is healthy; remove it at the end, or keep it."""
    wish.prepare()
    if wish.mode == compose.MODE:
        with compose.services(wish.compose_project()):
            yield
        return
    try:
        print(wish.command("up"), flush=True)
        yield
    finally:
        if not wish.keep:
            wish.command("clean", "--yes")


@contextlib.contextmanager
def connected(env_file: Path, factor: float) -> Iterator[Stack]:
    """A Stack with the ports of an `.env` file."""
    settings = read_env_file(env_file)

    def url(port: str) -> str:
        return f"http://127.0.0.1:{settings[port]}"

    with httpx.Client(timeout=patience(5), trust_env=False, limits=NEW_CONNECTIONS) as client:
        yield Stack(
            prometheus=url("PROMETHEUS_PORT"),
            alertmanager=url("ALERTMANAGER_PORT"),
            grafana=url("GRAFANA_PORT"),
            mailhog=url("MAILHOG_PORT"),
            demo_metrics=url("DEMO_METRICS_PORT"),
            demo_api=url("DEMO_API_PORT"),
            sla_worker=url("SLA_WORKER_PORT"),
            factor=factor,
            client=client,
        )
