"""Reads the Compose files, so that local mode starts what Compose would: same flags, same environment."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stack.compose_yaml import Loader, Override
from stack.errors import StackError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SETTING = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_WHOLE = ("command", "entrypoint", "test")
"""Lists that a later file replaces; it appends to others."""
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or a named volume inside a container. `source` is None for a volume."""

    target: str
    source: str | None
    volume: str | None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """What the files say of one service; `ports` maps container ports to host ports.

    `aliases` are the names under which others reach it beside its own.
    """

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    ports: dict[int, int]
    mounts: tuple[Mount, ...]
    profiles: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """A value in a container's environment that comes from a setting, and the name of that setting."""

    value: str
    variable: str


def interpolate(text: str, env: Mapping[str, str]) -> str:
    """Put variables into a string as Compose does.

    Forms: `$$`, `$X`, `${X}`, `${X:-default}`, `${X:?message}`, `${X:+word}`. Defaults may hold variables
    themselves; an unset variable is empty. Raises StackError for `${X:?}` and for a bad form.
    """
    out, position = [], 0
    while (start := text.find("$", position)) >= 0:
        out.append(text[position:start])
        if text[start + 1 : start + 2] == "$":
            out.append("$")
            position = start + 2
        elif text[start + 1 : start + 2] == "{":
            end = _closing(text, start + 1)
            out.append(_braced(text[start + 2 : end], env))
            position = end + 1
        elif match := _NAME.match(text, start + 1):
            out.append(env.get(match[0], ""))
            position = match.end()
        else:
            raise StackError(f"{text!r}: a $ without the name of a variable", "write $$ for a $")
    return "".join([*out, text[position:]])


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise StackError(f"{text!r} lacks a closing }}")


def _braced(body: str, env: Mapping[str, str]) -> str:
    match = _NAME.match(body)
    if match is None:
        raise StackError(f"${{{body}}}: a variable without a name")
    name, rest = match[0], body[match.end() :]
    operator = next((each for each in _OPERATORS if rest.startswith(each)), "")
    word = rest[len(operator) :]
    if rest and not operator:
        raise StackError(f"${{{body}}}: not a form that Compose knows")
    there = bool(env.get(name)) if operator.startswith(":") else name in env
    if operator.endswith("?") and not there:
        raise StackError(f"{name} {word}")
    if operator.endswith("-"):
        return env[name] if there else interpolate(word, env)
    if operator.endswith("+"):
        return interpolate(word, env) if there else ""
    return env.get(name, "")


def merged(files: Path | Sequence[Path]) -> dict[str, Any]:
    """The files laid over each other as Compose does, variables as they are."""
    tree: dict[str, Any] = {}
    for file in [files] if isinstance(files, Path) else files:
        layer = _read(file)
        for name, body in layer["services"].items():
            if "extends" in body:
                layer["services"][name] = _extended(body, file.parent)
        tree = _laid(tree, layer)
    return tree


def _read(file: Path) -> dict[str, Any]:
    """The tree of a file; raises StackError unless it has services, each a mapping."""
    tree = yaml.load(file.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a safe one
    services = tree.get("services") if isinstance(tree, dict) else None
    if not isinstance(services, dict) or not all(isinstance(each, dict) for each in services.values()):
        raise StackError(
            f"{file.name}: no mapping of services", f"compare it with the {file.name} that ships"
        )
    return dict(tree)


def _extended(body: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """A service over the one of another file that it extends."""
    of = body["extends"]
    base = _read(directory / of["file"])["services"][of["service"]]
    return _laid(base, {key: value for key, value in body.items() if key != "extends"})


def _laid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            out[key] = _laid(old, value)
        elif isinstance(value, list) and isinstance(old, list) and key not in _WHOLE:
            out[key] = value if isinstance(value, Override) else _appended(key, old, value)
        else:
            out[key] = value
    return out


def _appended(key: str, old: list[Any], new: list[Any]) -> list[Any]:
    """Both lists; of mounts at one place in the container the later one."""
    if key == "volumes":
        taken = {mount(entry, ()).target for entry in new}
        old = [entry for entry in old if mount(entry, ()).target not in taken]
    return [*old, *(entry for entry in new if entry not in old)]


def rendered(files: Path | Sequence[Path], env: Mapping[str, str]) -> dict[str, Any]:
    """The files as one, its variables put in, as plain lists and dictionaries."""
    return _walk(merged(files), env)  # type: ignore[no-any-return]  # YAML has no types


def _walk(node: Any, env: Mapping[str, str]) -> Any:  # a YAML tree
    if isinstance(node, dict):
        return {key: _walk(value, env) for key, value in node.items()}
    if isinstance(node, list):
        return [_walk(value, env) for value in node]
    return interpolate(node, env) if isinstance(node, str) else node


def definitions(
    files: Path | Sequence[Path], env: Mapping[str, str], profiles: Collection[str]
) -> dict[str, Definition]:
    """The services of the files by name, without those that belong to other profiles only."""
    tree = rendered(files, env)
    volumes = tree.get("volumes") or {}
    found = [_understood(name, body, volumes) for name, body in tree["services"].items()]
    return {each.name: each for each in found if not each.profiles or {*each.profiles} & {*profiles}}


def given(files: Path | Sequence[Path], env: Mapping[str, str], service: str) -> dict[str, Given]:
    """What settings decide of a service's environment, by the name that it has inside the container."""
    body = merged(files)["services"][service]
    return {
        name: Given(interpolate(value, env), match[1])
        for name, value in body.get("environment", {}).items()
        if (match := _SETTING.match(str(value)))
    }


def _understood(name: str, body: dict[str, Any], volumes: Collection[str]) -> Definition:
    try:
        return _definition(name, body, volumes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StackError(
            f"docker-compose.yml: the service {name} has a form that is read by Compose alone ({error!r})",
            "write ports as 127.0.0.1:HOST:CONTAINER and environment as NAME: value; or MODE=compose",
        ) from error


def _definition(name: str, body: dict[str, Any], volumes: Collection[str]) -> Definition:
    ports = {}
    for entry in body.get("ports", []):
        _, host, container = str(entry).split(":")
        ports[int(container)] = int(host)
    return Definition(
        name=name,
        command=tuple(map(str, body.get("command", []))),
        environment={key: str(value) for key, value in body.get("environment", {}).items()},
        ports=ports,
        mounts=tuple(mount(entry, volumes) for entry in body.get("volumes", [])),
        profiles=tuple(body.get("profiles", [])),
        aliases=tuple(((body.get("networks") or {}).get("default") or {}).get("aliases", [])),
    )


def mount(entry: str | Mapping[str, Any], volumes: Collection[str]) -> Mount:
    """One entry below `volumes` of a service, in the short form or the long one."""
    if isinstance(entry, str):
        source, target, *mode = entry.split(":")
        read_only = mode == ["ro"]
    else:
        source, target, read_only = entry["source"], entry["target"], bool(entry.get("read_only"))
    is_volume = source in volumes
    return Mount(target, None if is_volume else source, source if is_volume else None, read_only)
