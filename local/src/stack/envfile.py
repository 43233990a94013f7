"""The `.env` file: read as Docker Compose reads it, made from `.env.example`, and changed line by line."""

from __future__ import annotations

import difflib
import os
import re
import secrets
import stat
from pathlib import Path

from stack.errors import StackError

EXAMPLE = ".env.example"
PASSWORD = "GRAFANA_ADMIN_PASSWORD"  # noqa: S105  # the name of a variable, not a password
WEBHOOK_TOKEN = "SLA_WEBHOOK_TOKEN"  # noqa: S105  # the name of a variable, not a token
RENDERER_TOKEN = "RENDERER_TOKEN"  # noqa: S105  # the name of a variable, not a token
POSTGRES_PASSWORD = "SLA_POSTGRES_PASSWORD"  # noqa: S105  # the name of a variable, not a password
MADE = {
    PASSWORD: "a random Grafana password",
    WEBHOOK_TOKEN: "a secret for the alerts' webhook",
    POSTGRES_PASSWORD: "a random password for PostgreSQL",
}
"""Variables that get a random value when they are empty, and what that is."""

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")
_OF_DOCKER = ("COMPOSE_", "DOCKER_")
_BYTE_ORDER_MARK = "\ufeff"


def read(path: Path) -> dict[str, str]:
    """Return the variables of a file; StackError when it cannot be read, or for a line that is not valid."""
    return parse(_text(path), path)


def parse(text: str, where: Path) -> dict[str, str]:
    """Return the variables of an `.env` text.

    Raises StackError, with file and line, for a line that is not `NAME=value` and for a value that Docker
    Compose would read otherwise than this does (an unquoted `$`).
    """
    values: dict[str, str] = {}
    for number, line in enumerate(text.removeprefix(_BYTE_ORDER_MARK).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is not None and "\0" in line:  # no environment carries it
            raise StackError(
                f"{where}:{number}: {match[1]} holds the character NUL", "write the line again, as text"
            )
        if match is None:
            raise StackError(
                f"{where}:{number}: not a setting: {line.strip()!r}",
                "write NAME=value, or # before a comment",
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


def ensure(path: Path, example: Path) -> list[str]:
    """Create `path` from `example`, or add the variables that are new; what is there is never changed.

    An empty variable of MADE counts as missing. The file's mode is 600 in the end. Returns what was done, a
    line each.
    """
    done = []
    if not path.exists():
        _write(path, _text(example))
        done.append(f"created {path.name} from {example.name}")
    text = _text(path)
    present = parse(text, path)
    wanted = read(example)
    for name, what in MADE.items():
        if name in wanted and not present.get(name):
            value = secrets.token_urlsafe(18 if name == PASSWORD else 32)
            text = _with(text, name, value)
            present[name] = value
            _write(path, text)
            done.append(f"made {what} in {path.name}")
    new = {name: value for name, value in wanted.items() if name not in present}
    if new:
        lines = "".join(f"{name}={value}\n" for name, value in new.items())
        _write(path, f"{_ended(text)}# New in {example.name}, which explains them:\n{lines}")
        done.append(f"added to {path.name}: {', '.join(new)}")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
        done.append(f"took the rights of others from {path.name} (mode 600)")
    return done


def unknown(path: Path, example: Path) -> list[str]:
    """A line for each variable of the file that nothing reads: mistyped, or of another version."""
    known = read(example)
    lines = []
    for name in read(path):
        if name in known or name.startswith(_OF_DOCKER):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        lines.append(f"{name} in {path.name} is not a setting{f'; did you mean {near[0]}?' if near else ''}")
    return lines


def remember(path: Path, name: str, value: str) -> list[str]:
    """Write one plain value into the file, if another stands there; return what was done, a line each."""
    text = _text(path)
    if parse(text, path).get(name) == value:
        return []
    _write(path, _with(text, name, value))
    return [f"wrote {name}={value} into {path.name}: later commands keep to it"]


def _with(text: str, name: str, value: str) -> str:
    """The text with a variable set: in the place of its last line (which counts), else at the end."""
    lines = list(re.finditer(rf"(?m)^[^\S\n]*(?:export[^\S\n]+)?{name}[^\S\n]*=.*$", text))
    if not lines:
        return f"{_ended(text)}{name}={value}\n"
    return f"{text[: lines[-1].start()]}{name}={value}{text[lines[-1].end() :]}"


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _text(path: Path) -> str:
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            raise StackError(f"{path} is a pipe, and is read more than once", "write it to a file")
        content = path.read_bytes()
    except IsADirectoryError as error:
        raise StackError(
            f"{path} is a directory, not a file", f"move it away: mv {path} {path}.old"
        ) from error
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StackError(f"{path}:{line}: not UTF-8 text", "save the file as UTF-8") from error


def _write(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone from the first byte on.

    A symbolic link stays, and the file that it names is replaced.
    """
    path = Path(os.path.realpath(path))  # which a loop of links does not make fail
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    part.replace(path)
