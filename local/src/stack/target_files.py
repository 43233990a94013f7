"""The files in which users name their targets: Prometheus drops a broken one with a line in its log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from stack import checks, console
from stack.errors import StackError, of_the_system
from stack.settings import Instance
from stack.yaml_nodes import documents, entries, items, line, text, value

SUFFIXES = (".yml", ".yaml", ".json")
_NOTES = (".md", ".txt")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_PORT = re.compile(r":(\d{1,5})$")
_LAST_PORT = 65535
_SHAPE = 'write a list: - targets: ["localhost:9100"], and below it labels: {job: my-program}'
_VALUES = {
    "targets": ("a list", '["localhost:9100"]'),
    "labels": ("a mapping", "{job: my-program}"),
}
Problem = tuple[str, str]
"""What is wrong, with file and line, and the fix."""


def check(instance: Instance) -> int:
    """Check the target files of all jobs, and return their number.

    Warns of files that are not read, and of targets without a port.

    Raises StackError with every problem: file, line, what it is, and a fix.
    """
    directory = checks.directories(instance)["prometheus"]
    files = list(_files(directory))
    problems: list[Problem] = []
    for path in files:
        if path.suffix in SUFFIXES:
            found = _problems(path, checks.shown(path, instance.root))
            problems += found
            for words in [] if found else _without_port(path, checks.shown(path, instance.root)):
                console.warn(words)
        elif path.suffix not in _NOTES:
            name = checks.shown(path, instance.root)
            console.warn(f"{name} is not read: a target file ends in {', '.join(SUFFIXES)}")
    if problems:
        raise StackError("\n".join(words for words, _ in problems), problems[0][1])
    return sum(path.suffix in SUFFIXES for path in files)


def _files(directory: Path) -> Iterator[Path]:
    """All files in the directories where the jobs of prometheus.yml look for targets."""
    config = directory / "prometheus.yml"
    patterns = {
        text(pattern) or ""
        for document in (documents(config) if config.is_file() else ())
        for job in items(value(document, "scrape_configs"))
        for found in items(value(job, "file_sd_configs"))
        for pattern in items(value(found, "files"))
    }
    for place in sorted({directory / Path(pattern).parent for pattern in patterns if pattern}):
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if _counts(path) and path.name[0] != ".")


def _counts(path: Path) -> bool:
    """Whether it is a file, or has the name of one: Prometheus would try to read that."""
    return path.is_file() or path.suffix in SUFFIXES


def _without_port(path: Path, name: str) -> Iterator[str]:
    """Warnings of targets for which Prometheus chooses the port, which few programs listen on."""
    for node in documents(path):
        for group in items(node):
            for target in items(value(group, "targets")):
                address = text(target) or ""
                if not _PORT.search(address):
                    yield (
                        f"{name}:{line(target)}: {address} has no port: Prometheus takes 80, or 443 with "
                        f'__scheme__: https. Write "{address}:9100", or the port that is meant'
                    )


def _problems(path: Path, name: str) -> list[Problem]:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        nodes = list(documents(path))
    except RecursionError:
        return [(f"{name}: this is nested too deeply", "close the brackets")]
    except json.JSONDecodeError as error:
        return [
            (f"{name}:{error.lineno}:{error.colno}: {error.msg}", "write valid JSON, or YAML in a .yml file")
        ]
    except OSError as error:
        return [(f"{name}: {error.strerror or error}", of_the_system(error).fix or "put a file there")]
    except UnicodeDecodeError as error:
        return [(f"{name}: {error}", "save it as UTF-8 text")]
    except yaml.YAMLError:
        # YAML files were checked before; a JSON file that YAML cannot read is indented with tabs.
        return [(f"{name}: indented with tabs", "indent with spaces")]
    found: list[Problem] = []
    for node in nodes:
        if not isinstance(node, yaml.SequenceNode):
            found.append((f"{name}:{line(node)}: not a list of targets", _SHAPE))
        for group in items(node):
            found += _group(group, name, strict=path.suffix == ".json")
    return found


def _group(node: yaml.Node, name: str, *, strict: bool) -> Iterator[Problem]:
    if not isinstance(node, yaml.MappingNode):
        yield f"{name}:{line(node)}: neither targets nor labels", _SHAPE
        return
    for key, found in entries(node):
        where = f"{name}:{line(key)}"
        if key.value == "targets" and isinstance(found, yaml.SequenceNode):
            for target in found.value:
                yield from _target(target, name)
        elif key.value == "labels" and isinstance(found, yaml.MappingNode):
            yield from _labels(found, name, strict=strict)
        elif key.value in ("targets", "labels"):
            what, example = _VALUES[key.value]
            yield f"{where}: {key.value} is not {what}", f"write {key.value}: {example}"
        else:
            yield f"{where}: unknown key: {key.value!r}", "the keys of a target file are targets and labels"
    if value(node, "targets") is None:
        yield f"{name}:{line(node)}: no targets", _SHAPE


def _target(node: yaml.Node, name: str) -> Iterator[Problem]:
    address = text(node)
    where = f"{name}:{line(node)}"
    if address is None:
        yield f"{where}: a target is a text: host:port", _SHAPE
    elif "/" in address:
        host = re.sub(r"^\w+://", "", address).split("/")[0]
        yield (
            f"{where}: not host:port: {address!r}",
            f'write "{host}"; another path than /metrics is the label __metrics_path__, and for https '
            "__scheme__: https",
        )
    elif not address or re.search(r"\s", address):
        yield f"{where}: not host:port: {address!r}", 'write a target as "localhost:9100"'
    elif ":" in re.sub(r"^\[.*\]", "", address):
        port = _PORT.search(address)
        if port is None or not 1 <= int(port[1]) <= _LAST_PORT:
            yield (
                f"{where}: invalid port: {address!r}",
                f"give a number from 1 to {_LAST_PORT} after the colon",
            )


def _labels(node: yaml.Node, name: str, *, strict: bool) -> Iterator[Problem]:
    for key, found in entries(node):
        where = f"{name}:{line(key)}"
        if not _LABEL.fullmatch(str(key.value)):
            yield f"{where}: invalid label: {key.value!r}", "use letters, digits and _, with no digit first"
        elif not isinstance(found, yaml.ScalarNode):
            yield f"{where}: the label {key.value} has no plain value", "give each label one text"
        elif strict and found.tag != "tag:yaml.org,2002:str":
            yield f"{where}: the label {key.value} is not a text", f'put it in quotes: "{found.value}"'
