"""Checks of configuration before anything is started: its YAML, and what promtool and amtool say of it."""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from stack.compose_yaml import Loader
from stack.errors import StackError, of_the_system
from stack.settings import Instance

_SUFFIXES = {".yml", ".yaml"}
_FIXES = (
    ("'\\t'", "indent with spaces, not with tabs"),
    (
        "mapping values are not allowed",
        "quote a value that holds a colon and a space, and check the indent of this line",
    ),
    ("block end", "check the indent: this line is indented less or more than its neighbours"),
    ("expected ':'", "write key: value, with a space after the colon"),
    ("quoted scalar", "close the quote"),
    ("flow", "close the bracket that was opened above"),
    ("is there twice", "keep one of the two"),
    ("alias", "quote a value that starts with *"),
    ("this value cannot be read", "quote a value that is meant as text, or correct it"),
)


class _UniqueKeys(Loader):
    """YAML without repeated keys: the last would win in silence."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # PyYAML's signature
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:  # a day like 2026-02-30
            raise yaml.MarkedYAMLError(
                problem=f"this value cannot be read: {error}", problem_mark=node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # PyYAML's signature
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def directories(instance: Instance) -> dict[str, Path]:
    """The directories with configuration, by what they are for."""
    return {
        "prometheus": instance.path(instance.env["PROMETHEUS_CONFIG_DIR"]),
        "alertmanager": instance.path(instance.env["ALERTMANAGER_CONFIG_DIR"]),
        "definitions": instance.path(instance.env["SLA_DEFINITIONS_DIR"]),
        "grafana": instance.root / "grafana" / "provisioning",
    }


def team_directory(instance: Instance) -> Path:
    """Where teams have files of definitions of their own, if there are any."""
    return directories(instance)["definitions"] / "sla.d"


def team_files(instance: Instance) -> list[Path]:
    """The files of teams, as the sla-worker reads them."""
    directory = team_directory(instance)
    found = (path for path in directory.glob("*") if path.suffix in {".yml", ".yaml"} and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def yaml_files(instance: Instance) -> list[Path]:
    """All YAML files that the services read; StackError names a directory that is missing."""
    files = [*instance.compose_files]
    for what, directory in directories(instance).items():
        if not directory.is_dir():
            raise StackError(
                f"the directory {directory} ({what}) is not there", f"check the paths in {instance.env_file}"
            )
        found = directory.glob("*") if what == "definitions" else directory.rglob("*")
        files += sorted(path for path in found if path.suffix in _SUFFIXES and path.is_file())
    return files


def check_yaml(instance: Instance) -> int:
    """Parse all YAML files and return their number; StackError names each broken one: line, reason, fix."""
    files = yaml_files(instance)
    problems = [problem for path in files if (problem := yaml_problem(path, shown(path, instance.root)))]
    if problems:
        raise StackError("\n".join(words for words, _ in problems), problems[0][1])
    return len(files)


def yaml_problem(path: Path, name: str) -> tuple[str, str] | None:
    """What is wrong with a YAML file (`name:line:column: reason`) and the fix; None when it parses."""
    try:
        with path.open(encoding="utf-8") as file:
            for _ in yaml.load_all(file, Loader=_UniqueKeys):  # a subclass of SafeLoader
                pass
    except yaml.MarkedYAMLError as error:
        begun = (
            error.context == "while scanning a simple key"
        )  # a line without its colon; noticed in the next
        mark = (error.context_mark if begun else None) or error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        reason = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        fix = next(
            (fix for sign, fix in _FIXES if sign in reason), "check the indent and the quotes of this line"
        )
        snippet = _line(path, mark.line) if mark else ""
        return f"{name}{place}: {reason}{snippet}", fix
    except OSError as error:
        return f"{name}: {error.strerror or error}", of_the_system(error).fix or "put a file there"
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return f"{name}: {error}", "save it as UTF-8 text"
    except RecursionError:
        return f"{name}: this is nested too deeply", "close the brackets, or indent less"
    return None


def matching(directory: Path, patterns: Iterable[str]) -> list[Path]:
    """The files that patterns of Prometheus name below a directory, those outside of it left out."""
    inside = (each for each in patterns if each[:1] not in ("", "/"))
    return sorted({directory / found for each in inside for found in glob.glob(each, root_dir=directory)})  # noqa: PTH207  # pathlib refuses **.yml, which is *.yml to Prometheus


def _line(path: Path, index: int) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"\n    {lines[index].rstrip()}" if index < len(lines) else ""


def shown(path: Path, root: Path) -> str:
    """A path as a person in the bundle's directory would write it."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def run_tool(command: list[str], names: Mapping[str, str], what: str) -> None:
    """Run a checking tool; if it refuses, raise StackError with its words, paths put back by `names`."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603  # tools we found
    if done.returncode == 0:
        return
    words = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if _explains(line))
    for rendered, original in names.items():
        words = words.replace(rendered, original)
    raise StackError(f"{what} is refused:\n{words}", "fix the file that is named, then try again")


def bare_environment() -> dict[str, str]:
    """The environment without what could reach a service as a setting."""
    return {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}


def trouble_of(command: Sequence[str], given: str, environment: Mapping[str, str]) -> str | None:
    """Run a command with `given` on its standard input; None when it succeeds, else its last words."""
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            command, input=given, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]


def _explains(line: str) -> bool:
    """Whether a line of a tool says what is wrong, instead of what it does or what is fine."""
    return bool(line.strip()) and not re.search(r"SUCCESS|WARN|^Checking [^']*$|^\s*FAILED:$", line)


def unreadable(instance: Instance) -> Iterator[Path]:
    """Files and directories of the configuration that only their owner can read, which containers are not.

    The secrets of receivers must be so: containers are given copies.
    """
    read, enter = 0o004, 0o001
    for directory in directories(instance).values():
        for path in (directory, *directory.rglob("*")):
            if "__pycache__" in path.parts or path.parent == directory / "secrets":
                continue
            wanted = read | enter if path.is_dir() else read
            if path.stat().st_mode & wanted != wanted:
                yield path
