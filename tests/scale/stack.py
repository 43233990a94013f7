"""A stack of `make up SCALE=1` with compressed time: its settings, its pages, its ledger in PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import psycopg

from e2e import compose
from e2e.live import Stack
from e2e.services import Containers
from e2e.stack_under_test import StackCommand, Wish, connected, read_env_file
from ports import free_ports
from stack.services import GOSSIP_PORTS, SCALE_PORT_VARIABLES
from waiting import patience

OF_SCALE = (*SCALE_PORT_VARIABLES, *GOSSIP_PORTS)
SETTLE_SECONDS = 8
WORKERS = {"sla-worker": "SLA_WORKER_PORT", "sla-worker-2": "SLA_WORKER_2_PORT"}


@dataclass(frozen=True, slots=True)
class Scaled:
    """One such stack that is up. `table` is what `make up` has printed."""

    command: StackCommand
    settings: Mapping[str, str]
    table: str
    stack: Stack

    @property
    def is_compose(self) -> bool:
        """Whether it is made of containers."""
        return self.command.mode == compose.MODE

    @property
    def slot_seconds(self) -> int:
        """How long a slot is."""
        return int(self.settings["SLA_INTERVAL_SECONDS"])

    @property
    def select_path(self) -> str:
        """Where VictoriaMetrics answers an instant query: a single node knows no tenants."""
        return "/select/0/prometheus/api/v1/query" if self.is_compose else "/api/v1/query"

    def answer(self, port: str, path: str, **query: str) -> Any:
        """The JSON that a service answers with, whatever its status; the port by its variable."""
        url = f"http://127.0.0.1:{self.settings[port]}{path}"
        plain = {"Accept-Encoding": "identity"}  # as the sla-worker asks
        return httpx.get(url, params=query, headers=plain, timeout=patience(10), trust_env=False).json()

    def post(self, port: str, path: str, body: object) -> None:
        """Give a service something; it must take it."""
        url = f"http://127.0.0.1:{self.settings[port]}{path}"
        httpx.post(url, json=body, timeout=patience(10), trust_env=False).raise_for_status()

    def role(self, worker: str) -> str | None:
        """Whether a worker is the leader or the standby; None when it does not know yet."""
        role: str | None = self.answer(WORKERS[worker], "/healthz").get("role")
        return role

    def roles(self) -> set[str | None]:
        """Those of both workers."""
        return {self.role(worker) for worker in WORKERS}

    def leader(self) -> str:
        """The worker that leads; raises when it is not exactly one."""
        [found] = [worker for worker in WORKERS if self.role(worker) == "leader"]
        return found

    def slots(self, sla: str) -> dict[int, tuple[float, float]]:
        """The slots of an SLA in the ledger, oldest first: their events, and which part was measured."""
        url = (
            f"postgresql://sla:{self.settings['SLA_POSTGRES_PASSWORD']}"
            f"@127.0.0.1:{self.settings['POSTGRES_PORT']}/sla"
        )
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "SELECT slot, total_events, coverage FROM sla_measurements"
                " WHERE sla_id = (SELECT id FROM sla_definitions WHERE key = %s) ORDER BY slot",
                [sla],
            ).fetchall()
        assert len({slot for slot, _, _ in rows}) == len(rows), "a slot is there twice"
        return {slot: (total, coverage) for slot, total, coverage in rows}

    def containers(self) -> dict[str, str]:
        """The id of each service's container; without containers none."""
        services = self.command.services()
        if not isinstance(services, Containers):
            return {}
        return {name: str(services.get(name).id) for name in services.names()}

    def newest_slot(self, sla: str) -> int:
        """The end of the newest slot in the ledger; 0 before there is one."""
        return max(self.slots(sla), default=0)


def wished(environment: Mapping[str, str]) -> Wish:
    """The stack that the environment asks for, but for a name of its own; never one that is up already."""
    wish = Wish.read({name: value for name, value in environment.items() if name != "STACK_ENV_FILE"})
    name = f"{wish.name}-scale"
    return replace(wish, name=name, env_file=wish.env_file.parent.with_name(name) / wish.env_file.name)


@contextlib.contextmanager
def scaled(wish: Wish) -> Iterator[Scaled]:
    """Bring it up, as `make up SCALE=1` does; take it away with its data at the end, or keep it."""
    wish.prepare()
    with wish.env_file.open("a", encoding="utf-8") as file:
        file.write(f"SCALE=1\nSLA_SETTLE_SECONDS={SETTLE_SECONDS}\n")
        file.writelines(
            f"{name}={port}\n" for name, port in zip(OF_SCALE, free_ports(len(OF_SCALE)), strict=True)
        )
    command = wish.command
    try:
        table = command("up")
        with connected(wish.env_file, wish.factor) as stack:
            yield Scaled(command, read_env_file(wish.env_file), table, stack)
    finally:
        if not wish.keep:
            command.output("clean", "--yes")
