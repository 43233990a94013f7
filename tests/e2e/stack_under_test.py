"""A second stack beside the user's own, with compressed time, on free ports, in a project of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from e2e.live import Stack
from ports import free_ports
from waiting import patience

ROOT = Path(__file__).resolve().parents[2]
FACTOR = 15
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
        "PROMETHEUS_CONFIG_DIR": str(configuration / "prometheus"),
        "ALERTMANAGER_CONFIG_DIR": str(configuration / "alertmanager"),
        "PROMETHEUS_LOOKBACK_DELTA": f"{300 // FACTOR}s",
        "ALERT_RESEND_DELAY": f"{60 // FACTOR}s",
        "SLA_INTERVAL_SECONDS": str(300 // FACTOR),
        "SLA_SCRAPE_INTERVAL_SECONDS": str(15 // FACTOR),
        "SLA_WATCHDOG_SECONDS": str(600 // FACTOR),
        "DEMO_TIME_SCALE": str(FACTOR),
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
    """The launcher's command line for one stack: its name, its `.env` file and its mode."""

    def __init__(self, name: str, env_file: Path, mode: str) -> None:
        self.name = name
        self.env_file = env_file
        self.words = ["--mode", mode, "--name", name, "--env-file", str(env_file)]

    def __call__(self, command: str, *arguments: str, timeout_seconds: float = 300) -> str:
        """Run `python -m stack COMMAND …` and return what it printed; fails with that if it fails."""
        done = self._run(command, *arguments, timeout_seconds=timeout_seconds)
        assert done.returncode == 0, (
            f"stack {command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def output(self, command: str, *arguments: str) -> str:
        """Run it and return what it printed, whatever its exit code."""
        return self._run(command, *arguments, timeout_seconds=30).stdout

    def _run(self, command: str, *arguments: str, timeout_seconds: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stack", command, *self.words, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "local/src")},
            capture_output=True,
            text=True,
            timeout=patience(timeout_seconds),
            check=False,
            start_new_session=True,  # Ctrl-C is for the tests: they still need it to end what they began
        )


def compress(out: Path) -> None:
    """Write the shipped Prometheus and Alertmanager configuration to `out` with every duration ÷ FACTOR."""
    subprocess.run(
        [sys.executable, "-m", "compression", str(out), "--factor", str(FACTOR)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        check=True,
    )


@contextlib.contextmanager
def stack_from_environment() -> Iterator[tuple[StackCommand, Stack]]:
    """The stack that the environment asks for: its launcher's command, and its URLs and clients.

    MODE=compose|local|auto chooses how one is started for this, with compressed time, and taken away at the
    end. STACK_ENV_FILE and STACK_NAME name a running one to use instead, at true time unless STACK_FACTOR
    tells by how much its durations are divided. KEEP=1 leaves the one that was started.
    """
    mode = os.environ.get("MODE") or "auto"
    if given := os.environ.get("STACK_ENV_FILE"):
        command = StackCommand(os.environ.get("STACK_NAME") or "insa", Path(given), mode)
        with connected(command.env_file, float(os.environ.get("STACK_FACTOR") or 1)) as stack:
            yield command, stack
        return
    keep = bool(os.environ.get("KEEP"))
    with own_stack(mode, keep=keep) as command, connected(command.env_file, FACTOR) as stack:
        yield command, stack


@contextlib.contextmanager
def own_stack(mode: str, *, keep: bool) -> Iterator[StackCommand]:
    """Start a compressed stack of its own and wait until it is healthy; remove it at the end, or keep it.

    TEST_STACK=-2 gives it another name, so that two can run side by side.
    """
    name = f"insa-test-{mode}{os.environ.get('TEST_STACK', '')}"
    home = ROOT / ".run" / "e2e" / name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    compress(home / "configuration")
    command = StackCommand(name, home / ".env", mode)
    write_env_file(command.env_file, home / "configuration")
    try:
        print(command("up"), flush=True)
        yield command
    finally:
        if not keep:
            command("clean", "--yes")


@contextlib.contextmanager
def connected(env_file: Path, factor: float) -> Iterator[Stack]:
    """A Stack with the ports of an `.env` file."""
    settings = read_env_file(env_file)

    def url(port: str) -> str:
        return f"http://127.0.0.1:{settings[port]}"

    with httpx.Client(timeout=patience(5), trust_env=False) as client:
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
