"""What local mode runs: for each service of docker-compose.yml a process that does the same here."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

from stack import debian, inputs, one_machine, rendering, scale
from stack.binaries import Found
from stack.composefile import Definition
from stack.errors import StackError
from stack.rendering import Places
from stack.settings import Instance
from stack.supervision import Program

RENDERED = {
    "prometheus": "/etc/prometheus",
    "alertmanager": "/etc/alertmanager",
    "grafana": "/etc/grafana/provisioning",
}
"""The mounts whose YAML holds addresses and paths of containers."""

SECONDS = {"alertmanager-2": "alertmanager"}
"""Services that are a second one of another: read the same rendered files, by the same program."""

DEMO_DIRECTORY = "demo"
"""What lies here, below the configuration of a service, is about the demo-app alone."""

_PYTHON = {"demo-app": "demo_app", "sla-worker": "sla_worker", "sla-worker-2": "sla_worker"}
_SOURCES = {"sla-worker-2": "sla-worker"}
_FOR_READERS = ("_PUBLIC_URL", "GF_SERVER_ROOT_URL", "--web.external-url")
_OF_COMPOSE_ALONE = "GF_RENDERING_"
"""The renderer of pictures is a container."""
_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER")
_RETENTION_IN_FILE = (3, 11, 0)
_THREE = (3, 0, 0)
_FLAGS_SINCE = {
    "prometheus": {"--config.auto-reload": _THREE},
    "alertmanager": {"--dispatch.start-delay": (0, 30, 0)},
}
"""Flags of docker-compose.yml that older versions do not know."""


def places(service: str, definitions: Mapping[str, Definition], instance: Instance, config: Path) -> Places:
    """Where the addresses and paths that `service` knows are on this machine.

    Rendered configuration is in `config`.
    """
    addresses = {
        f"{alias}:{container}": f"127.0.0.1:{host}"
        for definition in definitions.values()
        for alias in definition.aliases
        for container, host in definition.ports.items()
    }
    addresses |= {f"{definition.name}:{container}": f"127.0.0.1:{host}" for definition in definitions.values()
                  for container, host in definition.ports.items()}  # fmt: skip  # a name before an alias
    own = definitions[service]
    of = SECONDS.get(service, service)
    top = RENDERED.get(of)
    if instance.scale:
        addresses = {name: place for name, place in addresses.items() if name not in one_machine.LEFT_OUT}
        addresses |= one_machine.addresses(instance, service)
    addresses |= {f"{any_address}:{container}": f"127.0.0.1:{host}" for container, host in own.ports.items()
                  for any_address in ("0.0.0.0", "localhost")}  # fmt: skip  # noqa: S104  # it is replaced, not bound
    paths = {}
    for mount in own.mounts:
        if mount.volume is not None:
            paths[mount.target] = str(instance.directory / "data" / mount.volume)
        elif top is not None and (mount.target == top or mount.target.startswith(f"{top}/")):
            paths[mount.target] = str(config / of / mount.target.removeprefix(top).lstrip("/"))
        elif mount.target == scale.MOUNT:  # what is put together there is added to the rendered file
            paths[mount.target] = str(config / of)
        else:
            paths[mount.target] = str(instance.path(str(mount.source)))
    return Places(addresses, paths)


def sources(definitions: Mapping[str, Definition], instance: Instance) -> dict[str, Path]:
    """The directories that are rendered, by service; StackError when one is not there."""
    found = {}
    for service, target in RENDERED.items():
        mount = next((mount for mount in definitions[service].mounts if mount.target == target), None)
        if mount is None or mount.source is None:
            raise StackError(f"docker-compose.yml mounts nothing at {target} of {service}")
        found[service] = instance.path(mount.source)
    return found


def render(
    definitions: Mapping[str, Definition],
    instance: Instance,
    config: Path,
    services: Collection[str] = tuple(RENDERED),
    *,
    keep_lines: bool = False,
) -> None:
    """Write the local form of the configuration of `services` to `config`.

    `keep_lines` is for a copy that tools check. It is changed as text, in which a path with quotes or colons
    would break the YAML: so only paths below `config` are put in.
    """
    leave = frozenset() if instance.demo else frozenset({DEMO_DIRECTORY})
    found = sources(definitions, instance)
    for service in services:
        where = places(service, definitions, instance, config)
        if keep_lines:
            inside = {target: path for target, path in where.paths.items() if path.startswith(f"{config}/")}
            where = Places(where.addresses, inside)
        elif service == "grafana":  # which puts variables of its environment into what it reads
            where = Places(
                where.addresses, {key: path.replace("$", "$$") for key, path in where.paths.items()}
            )
        rendering.render_tree(found[service], config / service, where, keep_lines=keep_lines, leave=leave)
        if service == "prometheus" and instance.scale and not keep_lines:
            scale.add_to(config / service / "prometheus.yml", instance, where)


def is_before_retention_in_file(version: tuple[int, int, int] | None) -> bool:
    """Whether a Prometheus, or its promtool, refuses `storage.tsdb.retention` in the file.

    One of an unknown version counts as new.
    """
    return bool(version and version < _RETENTION_IN_FILE)


def fit(
    config: Path, found: Mapping[str, Found], definitions: Mapping[str, Definition]
) -> dict[str, list[str]]:
    """Fit the rendered configuration in `config` to the programs that were found.

    Returns the flags that Prometheus needs in place of what its version does not know, by service.
    """
    if "prometheus" not in found:
        return {}
    absent = frozenset(
        f"127.0.0.1:{host}"
        for service in RENDERED
        if service not in found
        for host in definitions[service].ports.values()
    )
    absent |= one_machine.LEFT_OUT
    version = found["prometheus"].version
    flags = rendering.fit_prometheus(
        config / "prometheus" / "prometheus.yml",
        absent,
        retention_as_flags=is_before_retention_in_file(version),
        without_fallback=version is not None and version < _THREE,
    )
    if version and version < _THREE:
        flags.append("--enable-feature=expand-external-labels")
    return {"prometheus": flags}


def fit_receivers(config: Path, alertmanager: Found | None) -> list[str]:
    """Take the receivers out of the rendered configuration that this Alertmanager, or amtool, does not know.

    Returns their names. One of an unknown version counts as new.
    """
    if alertmanager is None or alertmanager.version is None:
        return []
    return rendering.fit_alertmanager(config / "alertmanager" / "alertmanager.yml", alertmanager.version)


def programs(
    definitions: Mapping[str, Definition],
    found: Mapping[str, Found],
    instance: Instance,
    config: Path,
    flags: Mapping[str, list[str]],
) -> tuple[Program, ...]:
    """The processes to run: the Python services, and of the others those that were found.

    MailHog has its stand-in when it was not found. `flags` are from fit().
    """
    made = []
    for service, definition in definitions.items():
        where = places(service, definitions, instance, config)
        for mount in definition.mounts:
            if mount.volume:
                Path(where.paths[mount.target]).mkdir(parents=True, exist_ok=True)
        environment = {key: os.environ[key] for key in _INHERITED if key in os.environ}
        environment |= {
            key: _placed(key, value, where)
            for key, value in definition.environment.items()
            if not key.startswith(_OF_COMPOSE_ALONE)
        }
        if service in _PYTHON:
            made.append(_python_service(definition, environment, instance))
        elif service == "mailhog":
            made.append(_mailhog(definition, found.get(service), environment, instance))
        elif service in one_machine.INSTEAD:
            if (one := one_machine.program(service, definitions, found, instance, environment)) is not None:
                made.append(one)
        elif (of := SECONDS.get(service, service)) in found:
            argv, more = _argv(definition, found[of], where)
            directory = debian.working_directory(of, found[of].path)
            if directory is None:
                argv = tuple(_relative(word, instance.directory) for word in argv)
            argv = (*argv, *flags.get(service, []), *debian.page_flags(of, found[of].path))
            made.append(Program(service, argv, environment | more, directory=directory))
    return tuple(made)


def _relative(word: str, directory: Path) -> str:
    """The flag of the configuration's file, from the directory of the instance, where the program starts.

    Patterns of files inside it count from its place: a path with [ or * in it would be taken for a pattern.
    """
    flag = "--config.file="
    return (
        f"{flag}{word.removeprefix(f'{flag}{directory}/')}"
        if word.startswith(f"{flag}{directory}/")
        else word
    )


def _placed(name: str, value: str, where: Places) -> str:
    """A variable's value or a flag, local; the links in mails and on pages stay as the settings say."""
    return value if name.endswith(_FOR_READERS) else where.apply(value)


def _argv(definition: Definition, binary: Found, where: Places) -> tuple[tuple[str, ...], dict[str, str]]:
    if definition.name == "grafana":
        return _grafana(definition, binary, where)
    words = [_placed(word.partition("=")[0], word, where) for word in definition.command]
    for flag, since in _FLAGS_SINCE.get(SECONDS.get(definition.name, definition.name), {}).items():
        if binary.version and binary.version < since:
            words = [word for word in words if not word.startswith(flag)]
    return (str(binary.path), *words), {}


def _grafana(definition: Definition, binary: Found, where: Places) -> tuple[tuple[str, ...], dict[str, str]]:
    home = next(
        (
            each
            for each in (binary.path.resolve().parents[1], Path("/usr/share/grafana"))
            if (each / "conf").is_dir()
        ),
        binary.path.resolve().parents[1],
    )
    words = ("server",) if binary.path.name == "grafana" else ()
    data = Path(where.paths["/var/lib/grafana"])
    (data / "plugins").mkdir(parents=True, exist_ok=True)  # its absence would be logged as an error
    more = {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(definition.ports[3000]),
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": where.paths["/etc/grafana/provisioning"],
        "GF_LOG_MODE": "console",
    }
    return (str(binary.path), *words, "--homepath", str(home)), more


def _mailhog(
    definition: Definition, binary: Found | None, environment: dict[str, str], instance: Instance
) -> Program:
    web, smtp = definition.ports[8025], definition.ports[1025]
    if binary is None:
        argv = (sys.executable, "-m", "stack.sink", "--smtp-port", str(smtp), "--http-port", str(web))
        return Program("mailhog", argv, environment | _python_environment(instance.root / "local" / "src"))
    page = f"127.0.0.1:{web}"
    argv = (
        str(binary.path),
        "-smtp-bind-addr",
        f"127.0.0.1:{smtp}",
        "-ui-bind-addr",
        page,
        "-api-bind-addr",
        page,
    )
    return Program("mailhog", argv, environment)


def _python_service(definition: Definition, environment: dict[str, str], instance: Instance) -> Program:
    name = definition.name
    source = instance.root / _SOURCES.get(name, name) / "src"
    environment |= _python_environment(source)
    revision = inputs.digest(source)
    if name == "demo-app":
        environment |= {"DEMO_BIND": "127.0.0.1", "DEMO_METRICS_PORT": str(definition.ports[9091]),
                        "DEMO_API_PORT": str(definition.ports[8000])}  # fmt: skip  # one thought
    else:
        revision += inputs.of(instance)["sla-worker"]
        environment |= {"SLA_WORKER_BIND": "127.0.0.1", "SLA_WORKER_PORT": str(definition.ports[8080])}
        if name != "sla-worker":  # the public page is the first one's
            environment.pop("SLA_PUBLIC_BIND", None)
        elif environment.get("SLA_PUBLIC_BIND"):
            environment |= {name: instance.env[name] for name in ("SLA_PUBLIC_BIND", "SLA_PUBLIC_PORT")}
        if environment["SMTP_HOST"] == "mailhog":
            environment |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": instance.env["SMTP_PORT"]}
    return Program(name, (sys.executable, "-m", _PYTHON[name]), environment, revision)


def _python_environment(source: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1"}
