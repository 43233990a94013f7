"""The settings of one instance: `.env.example`, over it the `.env` file, over it the shell's environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack import envfile
from stack.envfile import EXAMPLE, POSTGRES_PASSWORD, RENDERER_TOKEN, WEBHOOK_TOKEN
from stack.errors import StackError
from stack.services import (
    ALL_NAMES,
    ALL_PORT_VARIABLES,
    DEMO_SERVICE,
    GOSSIP_PORTS,
    PORT_VARIABLES,
    SCALE_NAMES,
    SCALE_PORT_VARIABLES,
)

DEMO, SCALE = "DEMO", "SCALE"
REMEMBERED = (DEMO, SCALE)
"""What is part of the stack: given with make up, they are written into `.env`."""

COMPOSE, OVERRIDE = "docker-compose.yml", "docker-compose.scale.yml"
PUBLIC = "docker-compose.public.yml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LAST_PORT = 65535
_DURATIONS = {
    "ALERT_RESEND_DELAY": (re.compile(r"[1-9][0-9]*[hms]"), "1m or 90s: whole hours, minutes or seconds"),
    "PROMETHEUS_LOOKBACK_DELTA": (re.compile(r"([1-9][0-9]*(ms|[smhdwy]))+"), "5m or 1m30s"),
}
"""Settings that become flags as they are: a program that refuses its flags ends at its start."""

_MEMORY = "SLA_WORKER_MEMORY"
_SIZE = re.compile(r"[1-9][0-9]*[mg]")
_SHORTEST_TOKEN = 16
_TOKENS = {
    WEBHOOK_TOKEN: (re.compile(r"[!-~]+"), "spaces", "make up makes one"),
    # The renderer takes a comma for the end of one of several tokens.
    RENDERER_TOKEN: (re.compile(r"[!-+\--~]+"), "spaces and commas", "then there is no renderer"),
    # It is part of a URL.
    POSTGRES_PASSWORD: (re.compile(r"[A-Za-z0-9._~-]+"), "other signs than . _ ~ -", "make up makes one"),
}
"""What a token may be made of, what that leaves out, and what an empty one means."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One stack: where the bundle lies, what the stack is called, what it is set to.

    `receiver_secrets` are those of Alertmanager's receivers that are switched on, by the name of their file.
    """

    root: Path
    name: str
    env_file: Path
    env: dict[str, str]
    receiver_secrets: dict[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """Where local mode keeps rendered configuration, data, logs and the socket."""
        return self.root / ".run" / "local" / self.name

    @property
    def cache(self) -> Path:
        """Where binaries are kept; shared by all instances."""
        return self.root / ".run" / "cache"

    @property
    def secrets(self) -> Path:
        """Where the secrets lie that services read from files."""
        return self.root / ".run" / "secrets" / self.name

    @property
    def variables(self) -> dict[str, str]:
        """What docker-compose.yml may ask for: the settings and the stack's name."""
        return self.env | {"STACK_NAME": self.name}

    @property
    def demo(self) -> bool:
        """Whether the demo-app is part of the stack."""
        return self.env[DEMO] == "1"

    @property
    def scale(self) -> bool:
        """Whether the stack is the one that goes past one machine."""
        return self.env[SCALE] == "1"

    @property
    def compose_files(self) -> tuple[Path, ...]:
        """The Compose files that make up the stack, the later over the earlier."""
        wanted = [COMPOSE, *([OVERRIDE] if self.scale else [])]
        if self.env.get("SLA_PUBLIC_BIND"):
            wanted.append(PUBLIC)
        return tuple(self.root / name for name in wanted)

    @property
    def scale_config(self) -> Path:
        """Where the prometheus.yml of SCALE=1 is put together, for Compose to mount."""
        return self.root / ".run" / "scale" / self.name

    @property
    def renderer(self) -> bool:
        """Whether Grafana has its renderer of pictures."""
        return bool(self.env[RENDERER_TOKEN])

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services that are part of the stack, in the order of their start."""
        left_out = {*(() if self.demo else (DEMO_SERVICE,)), *(() if self.scale else SCALE_NAMES)}
        return tuple(name for name in ALL_NAMES if name not in left_out)

    @property
    def ports(self) -> dict[str, str]:
        """The variable of each port of these services, and the service that it belongs to."""
        return {variable: name for variable, name in ALL_PORT_VARIABLES.items() if name in self.services}

    def path(self, value: str) -> Path:
        """A path of the settings; a relative one starts at the bundle's directory, as with Compose."""
        return Path(os.path.realpath(self.root / value))  # which a loop of links does not make fail


def load(root: Path, name: str, env_file: Path, environment: Mapping[str, str]) -> Instance:
    """Return the instance `name`, its settings validated.

    A variable of `environment` counts only when `.env.example` or the `.env` file knows it.
    Raises StackError for a bad name, a bad line, a bad value.
    """
    check_name(name)
    env = envfile.read(root / EXAMPLE)
    if env_file.exists():
        env |= envfile.read(env_file)
    env |= {key: environment[key] for key in env if key in environment}
    _check_ports(env, env_file)
    _check_values(env, env_file)
    return Instance(root=root, name=name, env_file=env_file, env=env)


def load_to_stop(root: Path, name: str, env_file: Path, environment: Mapping[str, str]) -> Instance:
    """Return the instance `name` as far as it is needed to stop it.

    That takes its name only, so what cannot be read of the settings is left as `.env.example` has it.
    """
    try:
        return load(root, name, env_file, environment)
    except StackError:
        check_name(name)
        return Instance(root=root, name=name, env_file=env_file, env=envfile.read(root / EXAMPLE))


def check_name(name: str) -> None:
    """Raise StackError unless Compose would take this name for a project."""
    if not _NAME.fullmatch(name):
        raise StackError(f"invalid STACK_NAME: {name!r}", "use small letters, digits, - and _")


def _check_ports(env: dict[str, str], env_file: Path) -> None:
    seen: dict[int, str] = {}
    of_scale = (*SCALE_PORT_VARIABLES, *GOSSIP_PORTS) if env[SCALE] == "1" else ()
    for variable in (*PORT_VARIABLES, *of_scale):
        value = env.get(variable, "")
        if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= _LAST_PORT:
            raise StackError(
                f"{variable}: invalid port: {value[:20]!r}",
                f"set it to a number from 1 to {_LAST_PORT} in {env_file}",
            )
        if int(value) in seen:
            raise StackError(
                f"{variable} and {seen[int(value)]} are both {value}",
                f"give one of them another port in {env_file}",
            )
        seen[int(value)] = variable


def _check_values(env: dict[str, str], env_file: Path) -> None:
    if env[DEMO] not in ("0", "1"):
        raise StackError(
            f"{DEMO}={env[DEMO]!r}: neither 0 nor 1",
            f"set it in {env_file} to 1, to run the demo-app, or to 0, to leave it out",
        )
    if env[SCALE] not in ("0", "1"):
        raise StackError(
            f"{SCALE}={env[SCALE]!r}: neither 0 nor 1",
            f"set it in {env_file} to 1, for two of each over PostgreSQL and VictoriaMetrics, or to 0",
        )
    for name, (form, like) in _DURATIONS.items():
        if env[name] and not form.fullmatch(env[name]):
            raise StackError(
                f"{name}: invalid duration: {env[name]!r}", f"set it in {env_file} to one like {like}"
            )
    if env[_MEMORY] and not _SIZE.fullmatch(env[_MEMORY]):
        raise StackError(
            f"{_MEMORY}: invalid size: {env[_MEMORY]!r}", f"set it in {env_file} to one like 384m or 1g"
        )
    for name, (form, without, otherwise) in _TOKENS.items():
        if env[name] and (len(env[name]) < _SHORTEST_TOKEN or not form.fullmatch(env[name])):
            raise StackError(  # without the value: it may be most of a secret
                f"{name} ({len(env[name])} characters) is not usable",
                f"give at least {_SHORTEST_TOKEN} letters, digits or signs of ASCII without {without}, or "
                f"leave it empty in {env_file}: {otherwise}",
            )
