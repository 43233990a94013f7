"""Receivers beside mail, each switched on by the file of its secret: PagerDuty, Slack and the like.

`alertmanager/receivers/*.yml` hold a route and a receiver each, `alertmanager/secrets/` the secrets. Those
that have theirs are joined with alertmanager.yml into a copy of the directory, which Alertmanager then reads.
"""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from stack import checks
from stack.errors import StackError
from stack.rendering import write_changed
from stack.settings import Instance

CONFIG = "ALERTMANAGER_CONFIG_DIR"
_FILE = "alertmanager.yml"
_IGNORED = {".gitignore", "README.md"}
_KEYS = {"secret", "route", "receiver"}
_ADDRESS = re.compile(r"https://[!-~]+|http://(localhost|127\.0\.0\.1)(:\d+)?(/[!-~]*)?")
_KEY = re.compile(r"(?!https?://)[!#-&(-~]{16,}")  # no quotes
_OTHERS = 0o077
_MAXIMUM_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Receiver:
    """One that is switched on; `secret` is what its file holds, without the end of the line."""

    name: str
    secret_file: str
    secret: str
    route: Mapping[str, Any]
    receiver: Mapping[str, Any]


def switched_on(instance: Instance) -> tuple[Receiver, ...]:
    """The receivers that have their secret, in the order of their names.

    Raises StackError for a secret that nobody reads, that is open to others or cannot be one, and for a file
    in receivers/ that is broken.
    """
    source = _source(instance)
    files = _files(source, instance)
    secrets = source / "secrets"
    found = []
    for path in sorted(secrets.iterdir()) if secrets.is_dir() else []:
        if path.name in _IGNORED:
            continue
        shown = checks.shown(path, instance.root)
        if path.name not in files:
            known = ", ".join(sorted(files)) or "none: receivers/*.yml say which"
            raise StackError(
                f"{shown}: no receiver reads this file", f"rename or remove it; the names are {known}"
            )
        name, tree = files[path.name]
        found.append(Receiver(name, path.name, _secret(path, shown), tree["route"], tree["receiver"]))
    return tuple(sorted(found, key=lambda each: each.name))


def joined(instance: Instance) -> Instance:
    """The instance as it is started: Alertmanager's directory is a copy with the receivers that are on.

    Without any it is the directory itself. Writes the copy; raises StackError as `switched_on`.
    """
    on = switched_on(instance)
    target = _target(instance)
    if not on:
        remove(instance)
        return instance
    source = _source(instance)
    tree = yaml.safe_dump(
        join(source / _FILE, on, instance.root), sort_keys=False, allow_unicode=True, width=10_000
    )
    said = f"# Made from {source / _FILE} and receivers/ beside it by `make up`: change those."
    parts = {Path(_FILE): f"{said}\n{tree}".encode()}
    for path in sorted((source / "templates").rglob("*")):
        if path.is_file():
            parts[path.relative_to(source)] = path.read_bytes()
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(target) not in parts:
            path.unlink()
    for relative, content in parts.items():
        _write(target / relative, content, target.parent)
    secrets = {each.secret_file: each.secret for each in on}
    return replace(instance, env=instance.env | {CONFIG: str(target)}, receiver_secrets=secrets)


def join(config: Path, on: tuple[Receiver, ...], root: Path) -> dict[str, Any]:
    """The tree of alertmanager.yml with the routes of these receivers beside its own, which still count."""
    tree = yaml.safe_load(config.read_bytes())
    if not isinstance(tree, dict) or not isinstance(tree.get("route"), dict):
        raise StackError(
            f"{checks.shown(config, root)} has no route", "Alertmanager needs route and receivers there"
        )
    taken = {each["name"] for each in tree.get("receivers") or []}
    for each in on:
        if each.name in taken:
            raise StackError(
                f"{checks.shown(config, root)} has a receiver {each.name} too",
                f"rename one of the two, or remove secrets/{each.secret_file}",
            )
    own = tree["route"]
    # The tree of old becomes one route that takes everything: beside its own routes, these would keep from
    # its default receiver what that alone has.
    tree["route"] = {
        **{key: value for key, value in own.items() if key != "routes"},
        "routes": [*({"receiver": each.name, **each.route, "continue": True} for each in on), own],
    }
    tree["receivers"] = [
        *(tree.get("receivers") or []),
        *({"name": each.name, **each.receiver} for each in on),
    ]
    return tree


def remove(instance: Instance) -> None:
    """Remove the copy."""
    if _target(instance).is_dir():
        shutil.rmtree(_target(instance).resolve())


def _source(instance: Instance) -> Path:
    return instance.path(instance.env[CONFIG])


def _target(instance: Instance) -> Path:
    return instance.root / ".run" / "alertmanager" / instance.name


def _files(source: Path, instance: Instance) -> dict[str, tuple[str, dict[str, Any]]]:
    """The name and the tree of each file in receivers/, by the name of its secret."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for path in sorted((source / "receivers").glob("*.yml")):
        shown = checks.shown(path, instance.root)
        if problem := checks.yaml_problem(path, shown):
            raise StackError(*problem)
        tree = yaml.safe_load(path.read_bytes())
        if not isinstance(tree, dict) or set(tree) != _KEYS:
            raise StackError(
                f"{shown}: not the three keys secret, route and receiver", "compare it with slack.yml"
            )
        for key, kind in (("secret", str), ("route", dict), ("receiver", dict)):
            if not isinstance(tree[key], kind):
                raise StackError(f"{shown}: {key} is {tree[key]!r}", "compare it with slack.yml")
        if not re.fullmatch(r"[a-z0-9_]+", tree["secret"]):
            raise StackError(
                f"{shown}: secret: invalid name of a file: {tree['secret']!r}",
                "use small letters, digits and _",
            )
        if tree["secret"] in found:
            raise StackError(
                f"{shown}: {found[tree['secret']][0]}.yml has the secret {tree['secret']} too",
                "give each its own",
            )
        found[tree["secret"]] = path.stem, tree
    return found


def _secret(path: Path, shown: str) -> str:
    """What the file holds. No message says the value: it may be most of a secret."""
    if not path.is_file():
        raise StackError(f"{shown} is not a file", "put one line into a file of this name")
    if path.stat().st_size > _MAXIMUM_BYTES:
        raise StackError(
            f"{shown}: more than {_MAXIMUM_BYTES} bytes", "put the secret alone into it, one line"
        )
    if stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        raise StackError(f"{shown} can be read by others than its owner", f"chmod 600 {shown}")
    try:
        value = path.read_text(encoding="ascii").strip()
    except UnicodeDecodeError as error:
        raise StackError(
            f"{shown}: not ASCII text", "copy the secret again, without quotes around it"
        ) from error
    if not value:
        raise StackError(f"{shown} is empty", "put the secret into it, or remove the file")
    is_address = path.name.endswith("_url")
    if not (_ADDRESS if is_address else _KEY).fullmatch(value):
        what = (
            "an address that begins with https://"
            if is_address
            else "a key of 16 characters or more, without spaces and quotes"
        )
        raise StackError(
            f"{shown} ({len(value)} characters) is not {what}", "copy it again, one line, without quotes"
        )
    return value


def _write(path: Path, content: bytes, top: Path) -> None:
    """Write a file that the container's user can read whatever the umask is, and only if it changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for directory in (path.parent, *path.parent.parents):
        if not directory.is_relative_to(top):
            break
        directory.chmod(0o755)
    write_changed(path, content)
    path.chmod(0o644)
