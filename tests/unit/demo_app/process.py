"""The demo-app as a process, for the tests that need the whole of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from ports import free_ports
from waiting import NEW_CONNECTIONS, patience

SOURCE = Path(__file__).parents[3] / "demo-app" / "src"


def environment(**values: object) -> dict[str, str]:
    """Return an environment without anybody's settings but these."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DEMO_")}
    return own | {"PYTHONPATH": str(SOURCE)} | {name: str(value) for name, value in values.items()}


class App:
    """A demo-app in a process of its own, with its two addresses."""

    def __init__(self, **values: object) -> None:
        api, metrics = free_ports(2)
        self.api, self.metrics = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{metrics}"
        self.environment = environment(DEMO_API_PORT=api, DEMO_METRICS_PORT=metrics, **values)
        self.client = httpx.Client(trust_env=False, timeout=patience(5), limits=NEW_CONNECTIONS)
        self.start()

    def start(self) -> None:
        """Start the process; again, at the same addresses, after it has ended."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo_app"], env=self.environment, stderr=subprocess.PIPE, text=True
        )

    def answers(self) -> bool:
        """Whether the process is up; fails when it has ended instead."""
        assert self.process.poll() is None, self.process.communicate()
        try:
            return self.client.get(f"{self.api}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> str:
        """Send a signal, wait, and return what was logged."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=patience(10))[1]

    def close(self) -> None:
        """Leave nothing behind, however the test went."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
