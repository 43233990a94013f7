"""What stands for a cluster where there is one machine: one VictoriaMetrics, one PostgreSQL, as processes."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from stack import binaries, debian
from stack.binaries import Found, Missing
from stack.composefile import Definition
from stack.errors import StackError
from stack.services import GOSSIP_PORTS
from stack.settings import Instance
from stack.supervision import Program

PROGRAMS = {"postgres": "postgres", "vmselect": "victoria-metrics"}
"""The program that stands for a service."""

INSTEAD = frozenset({*PROGRAMS, "vminsert", "vmstorage-1", "vmstorage-2"})
"""The services that are not run as docker-compose.scale.yml has them."""

_NOTES = {"vmselect": "single node in place of the cluster", "postgres": "single node"}
FREE_PORTS = frozenset({"VMINSERT_PORT"})
"""Ports of the settings that nobody holds here."""

LEFT_OUT = frozenset({"vminsert:8480", "vmstorage-1:8482", "vmstorage-2:8482"})
"""Addresses that nothing here answers, so that they are not scraped."""

_IN, _OUT = "vminsert:8480/insert/0/prometheus", "vmselect:8481/select/0/prometheus"
_USER = "sla"
_OTHER_USER = "1000"
Get = Callable[[str, Instance, Callable[[str], None]], Found | Missing]
"""Looks for a program by its name."""
_INITDB = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--data-checksums",
    "--no-instructions",
)


def addresses(instance: Instance, service: str) -> dict[str, str]:
    """Where the parts of the cluster are here, as `service` knows them."""
    engine = f"127.0.0.1:{instance.env['VMSELECT_PORT']}"
    found = {_IN: engine, _OUT: engine}
    for variable, name in GOSSIP_PORTS.items():
        port = instance.env[variable]
        found[f"{name}:{port}"] = f"127.0.0.1:{port}"
        if name == service:
            found[f"0.0.0.0:{port}"] = f"127.0.0.1:{port}"
    return found


def found(instance: Instance, tell: Callable[[str], None], get: Get = binaries.get) -> dict[str, Found]:
    """The programs that SCALE=1 needs here, by service; raises StackError when one cannot be had."""
    there = {}
    for service, name in PROGRAMS.items():
        one = get(name, instance, tell)
        if isinstance(one, Missing):
            raise StackError(f"{name} is missing ({'; '.join(one.reasons)}), and SCALE=1 needs it", one.fix)
        there[service] = one
    return there


def notes(found: Mapping[str, Found], others: Mapping[str, str]) -> dict[str, str]:
    """What the table of the start says of these services, and of the seconds of `others`."""
    said = {service: f"{words}: {found[service].words}" for service, words in _NOTES.items()}
    return said | {"alertmanager-2": others["alertmanager"]}


def program(
    service: str,
    definitions: Mapping[str, Definition],
    found: Mapping[str, Found],
    instance: Instance,
    environment: Mapping[str, str],
) -> Program | None:
    """The process for one of INSTEAD; None when another one stands for it too, or it was not looked for."""
    if service not in found:
        return None
    if service == "postgres":
        return _postgres(definitions[service], found[service].path, instance, environment)
    if service == "vmselect":
        return _victoria_metrics(definitions, found[service].path, instance, environment)
    return None


def _victoria_metrics(
    definitions: Mapping[str, Definition], binary: Path, instance: Instance, environment: Mapping[str, str]
) -> Program:
    """The single node: the stores' flags, at the port of vmselect."""
    kept = [word for word in definitions["vmstorage-1"].command if word.startswith(("-retention", "-dedup."))]
    data = instance.directory / "data" / "vmstorage-1-data"
    port = definitions["vmselect"].ports[8481]
    argv = (str(binary), f"-storageDataPath={data}", *kept, f"-httpListenAddr=127.0.0.1:{port}")
    return Program("vmselect", argv, environment)


def _postgres(
    definition: Definition, binary: Path, instance: Instance, environment: Mapping[str, str]
) -> Program:
    data = instance.directory / "data" / "postgres-data"
    environment = dict(environment) | debian.libraries(binary)
    if not (data / "PG_VERSION").exists():
        _initialise(binary, data, definition, environment)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(definition.ports[5432]),
        "unix_socket_directories": "",
        "jit": "off",
    }
    words = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    argv = (*_not_as_root(), str(binary), "-D", str(data), *words)
    return Program(
        "postgres", argv, {key: environment[key] for key in environment if not key.startswith("POSTGRES_")}
    )


def _initialise(binary: Path, data: Path, definition: Definition, environment: Mapping[str, str]) -> None:
    """Make the cluster, its user with the password of the settings, and its database; whole or not at all."""
    part = data.with_name(f"{data.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    secret = data.with_name("postgres-password")
    secret.touch(mode=0o600)
    secret.write_text(definition.environment["POSTGRES_PASSWORD"], encoding="utf-8")
    try:
        made = [str(binary.with_name("initdb")), "-D", str(part), "-U", _USER, f"--pwfile={secret}", *_INITDB]
        _run([*_not_as_root(), *made], environment, "")
    finally:
        secret.unlink()
    create = f"CREATE DATABASE {definition.environment['POSTGRES_DB']};\n"
    _run([*_not_as_root(), str(binary), "--single", "-D", str(part), "postgres"], environment, create)
    if data.exists():
        data.rmdir()
    part.replace(data)


def _run(command: list[str], environment: Mapping[str, str], given: str) -> None:
    done = subprocess.run(  # noqa: S603  # found programs, fixed words
        command, env=environment, input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr.strip() or "it said nothing").splitlines()
        raise StackError(
            f"PostgreSQL's data cannot be made: {lines[-1]}",
            "make up as a user who is not root, or MODE=compose" if os.getuid() == 0 else None,
        )


def _not_as_root() -> tuple[str, ...]:
    """PostgreSQL refuses to run as root: as another user, then, who is this one outside of its namespace."""
    if os.getuid():
        return ()
    program = shutil.which("unshare") or "/usr/bin/unshare"
    return (program, "--user", f"--map-user={_OTHER_USER}", f"--map-group={_OTHER_USER}")
