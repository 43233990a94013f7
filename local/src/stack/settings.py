"""The settings of one instance: `.env.example`, over it the `.env` file, over it the shell's environment."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError
from stack.services import PORT_VARIABLES

EXAMPLE = ".env.example"
PASSWORD = "GRAFANA_ADMIN_PASSWORD"  # noqa: S105  # the name of a variable, not a password
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Instance:
    """One stack: where the bundle lies, what the stack is called, what it is set to."""

    root: Path
    name: str
    env_file: Path
    env: dict[str, str]

    @property
    def directory(self) -> Path:
        """Where local mode keeps rendered configuration, data, logs and the socket."""
        return self.root / ".run" / "local" / self.name

    @property
    def cache(self) -> Path:
        """Where binaries are kept; shared by all instances."""
        return self.root / ".run" / "cache"

    def path(self, value: str) -> Path:
        """A path of the settings; a relative one is meant from the bundle's directory, as Compose means
        it."""
        return (self.root / value).resolve()


def parse(text: str, where: Path) -> dict[str, str]:
    """Return the variables of an `.env` text.

    Raises StackError, with file and line, for a line that is no `NAME=value` and for a value that Docker
    Compose
    would read otherwise than this does (an unquoted `$`).
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise StackError(
                f"{where}:{number}: {line.strip()!r} is no setting", "write NAME=value, or # before a comment"
            )
        values[match[1]] = _value(match[2].strip(), f"{where}:{number}: {match[1]}")
    return values


def _value(raw: str, where: str) -> str:
    if raw[:1] in ("'", '"'):
        end = raw.find(raw[0], 1)
        rest = raw[end + 1 :].strip()
        if end < 0 or (rest and not rest.startswith("#")):
            raise StackError(f"{where}: the quote {raw[0]} is not closed", "close it at the end of the value")
        if raw[0] == '"' and re.search(r"[$\\]", raw[1:end]):
            raise StackError(
                f"{where}: $ and \\ have a meaning inside double quotes", "put the value in 'single quotes'"
            )
        return raw[1:end]
    value = re.split(r"\s#", raw, maxsplit=1)[0].strip()
    if "$" in value:
        raise StackError(f"{where}: $ has a meaning in this file", "put the value in 'single quotes'")
    return "" if value.startswith("#") else value


def ensure_env_file(path: Path, example: Path) -> list[str]:
    """Create `path` from `example`, or add to it the variables that are new; what is there is never changed.

    An empty Grafana password counts as not there. The file's mode is 600 in the end. Returns what was
    done, a line each.
    """
    done = []
    if not path.exists():
        _write(path, example.read_text(encoding="utf-8"))
        done.append(f"created {path.name} from {example.name}")
    text = path.read_text(encoding="utf-8")
    present = parse(text, path)
    wanted = parse(example.read_text(encoding="utf-8"), example)
    new = {name: value for name, value in wanted.items() if name not in present}
    if not present.get(PASSWORD):
        new.pop(PASSWORD, None)
        password = secrets.token_urlsafe(18)
        text, filled = re.subn(rf"(?m)^\s*{PASSWORD}\s*=.*$", f"{PASSWORD}={password}", text)
        if not filled:
            text = f"{_ended(text)}{PASSWORD}={password}\n"
        _write(path, text)
        done.append(f"made a random Grafana password in {path.name}")
    if new:
        quoted = (f"{name}={value}\n" for name, value in new.items())
        _write(path, f"{_ended(text)}# New in {example.name}, which explains them:\n{''.join(quoted)}")
        done.append(f"added to {path.name}: {', '.join(new)}")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
        done.append(f"took the rights of others from {path.name} (mode 600)")
    return done


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _write(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone from the first byte on."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def load(root: Path, name: str, env_file: Path, environment: Mapping[str, str]) -> Instance:
    """Return the instance `name`, its settings validated.

    A variable of `environment` counts only when `.env.example` or the `.env` file knows it.
    Raises StackError for a bad name, a bad line, a port that is none or stands twice.
    """
    check_name(name)
    example = root / EXAMPLE
    env = parse(example.read_text(encoding="utf-8"), example)
    if env_file.exists():
        env |= parse(env_file.read_text(encoding="utf-8"), env_file)
    env |= {key: environment[key] for key in env if key in environment}
    _check_ports(env, env_file)
    return Instance(root=root, name=name, env_file=env_file, env=env)


def check_name(name: str) -> None:
    """Raise StackError unless Compose would take this name for a project."""
    if not _NAME.fullmatch(name):
        raise StackError(f"STACK_NAME={name!r} is no name", "use small letters, digits, - and _")


def _check_ports(env: dict[str, str], env_file: Path) -> None:
    seen: dict[int, str] = {}
    for variable in PORT_VARIABLES:
        value = env.get(variable, "")
        if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= _LAST_PORT:
            raise StackError(
                f"{variable}={value!r} is no port", f"set it to a number from 1 to {_LAST_PORT} in {env_file}"
            )
        if int(value) in seen:
            raise StackError(
                f"{variable} and {seen[int(value)]} are both {value}",
                f"give one of them another port in {env_file}",
            )
        seen[int(value)] = variable
