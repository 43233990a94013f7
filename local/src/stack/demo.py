"""The demonstration, a stack of its own beside the user's: where it lies, and how it is set."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack import envfile, settings
from stack.envfile import EXAMPLE
from stack.errors import StackError
from stack.ports import is_free
from stack.services import PORT_VARIABLES
from stack.settings import DEMO, Instance

DAYS = 31
_SUFFIX = "-demo"
_RETENTION = "45d"
_IN_FILE = re.compile(r"(retention:\s*\{?\s*time:\s*)[^\s,}]+")
_MOVED = range(10_000, 50_000, 1_000)
"""What is added to the usual ports: the first that leads to free ones."""
_IMAGE = "_IMAGE"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demonstration beside the stack of that name."""

    root: Path
    beside: str

    @property
    def name(self) -> str:
        """The name of its stack."""
        return f"{self.beside}{_SUFFIX}"

    @property
    def directory(self) -> Path:
        """Where its settings, its configuration and its story lie."""
        return self.root / ".run" / "demo" / self.name

    @property
    def env_file(self) -> Path:
        """Its settings; those of the user's stack are never read by it, images apart."""
        return self.directory / "env"

    @property
    def lock(self) -> Path:
        """The file that keeps two commands from changing it at once."""
        return self.root / ".run" / f"{self.name}.lock"

    @property
    def words(self) -> str:
        """What other commands of make need to reach it."""
        return f"STACK_NAME={self.name} STACK_ENV_FILE={self.env_file.relative_to(self.root)}"

    def story(self) -> dict[str, Any] | None:
        """What happened in its month; None until the month is there."""
        path = self.directory / "story.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    def tell(self, story: Mapping[str, Any]) -> None:
        """The month is there, and this is its story."""
        (self.directory / "story.json").write_text(json.dumps(story, indent=1), encoding="utf-8")

    @property
    def mode(self) -> str | None:
        """How it runs, compose or local; None when it has not been started from here."""
        path = self.directory / "mode"
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    def run_in(self, mode: str) -> None:
        """It is about to start in that mode. Raises StackError when it is there in the other one."""
        if self.mode not in (None, mode):
            how = {"local": "as processes", "compose": "with Docker Compose"}
            raise StackError(
                f"the demonstration is there already, {how[str(self.mode)]}",
                "make demo-clean, then make demo",
            )
        (self.directory / "mode").write_text(f"{mode}\n", encoding="utf-8")

    def instance(self) -> Instance:
        """Its settings as they are. The shell's variables are those of the user's stack and do not count."""
        return settings.load(self.root, self.name, self.env_file, {})

    def to_stop(self) -> Instance:
        """As much of it as stopping takes."""
        return settings.load_to_stop(self.root, self.name, self.env_file, {})

    def prepare(self, users_env_file: Path) -> Instance:
        """Write its settings and its configuration, with ports that are free now."""
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not self.env_file.exists():
            envfile.ensure(self.env_file, self.root / EXAMPLE)
            for variable, value in self._settings(users_env_file).items():
                envfile.remember(self.env_file, variable, value)
        copy = self.directory / "prometheus"
        if self.story() is None or not copy.exists():  # a running Prometheus has mounted it: it stays
            self._copy_configuration(self.root / "prometheus", copy)
        return self.instance()

    def _copy_configuration(self, source: Path, copy: Path) -> None:
        """Prometheus' configuration, without the user's programs and with a longer retention."""
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source, copy)
        for path in (copy / "targets").glob("*"):
            if path.suffix in (".yml", ".yaml", ".json"):
                path.unlink()  # the user's own programs
        file = copy / "prometheus.yml"
        text, count = _IN_FILE.subn(rf"\g<1>{_RETENTION}", file.read_text(encoding="utf-8"))
        if count != 1:
            raise StackError(
                f"{source / 'prometheus.yml'} has no storage.tsdb.retention.time, or not in the usual form",
                "write it as in the shipped file: the demonstration needs more than a month",
            )
        file.write_text(text, encoding="utf-8")

    def _settings(self, users_env_file: Path) -> dict[str, str]:
        users = envfile.read(users_env_file) if users_env_file.exists() else {}
        usual = envfile.read(self.root / EXAMPLE)
        return {
            **{name: value for name, value in users.items() if name.endswith(_IMAGE) and name in usual},
            **free_ports({name: int(usual[name]) for name in PORT_VARIABLES}),
            "PROMETHEUS_CONFIG_DIR": f"./{(self.directory / 'prometheus').relative_to(self.root)}",
            "SLA_BEGIN_DAYS": str(DAYS),
            DEMO: "1",
        }

    def remove(self) -> None:
        """Remove what lies here; data and containers are the stack's to remove."""
        shutil.rmtree(self.directory, ignore_errors=True)
        with contextlib.suppress(OSError):  # not there, or that of another demonstration too
            self.directory.parent.rmdir()
        run = self.root / ".run"
        for path in (run / f"{self.name}.inputs", run / f"{self.name}.build.log", self.lock):
            path.unlink(missing_ok=True)


def free_ports(usual: Mapping[str, int]) -> dict[str, str]:
    """The usual ports, all moved by the same number of thousands, so that each is free."""
    for moved in _MOVED:
        found = {variable: port + moved for variable, port in usual.items()}
        if all(map(is_free, found.values())):
            return {variable: str(port) for variable, port in found.items()}
    raise StackError("no free ports for the demonstration", "stop what holds so many of them: make doctor")
