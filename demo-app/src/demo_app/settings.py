"""The only reader of the environment.

Every variable NAME is understood as NAME_FILE too: the path of a file that holds the value.
"""

import difflib
import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo_app.errors import StartError

PREFIX = "DEMO_"
SHORTEST_TOKEN = 16


class SettingsError(StartError):
    """A setting that cannot be used; the message holds its name and its value."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment sets; the defaults suit a run on your own machine.

    `rate` is in requests per second. `time_scale` divides the intervals of the app's own housekeeping
    (heartbeats, supervision, restart delay, crashes of a restart loop), never the durations of faults,
    sessions or deliveries. `data_dir` is where mechanisms may store what outlives the process, used by
    nothing else; None: nowhere. `memory_limit_mib` and `cpu_limit_cores` are what the app's own use is
    compared with, `retention_days` how long it keeps its own usage figures. `token` is what every change
    through the API must carry; None: nothing.
    """

    metrics_port: int = 9091
    api_port: int = 8000
    bind: str = "127.0.0.1"
    rate: float = 5.0
    seed: int = 1
    time_scale: float = 1.0
    data_dir: Path | None = None
    memory_limit_mib: int = 160
    cpu_limit_cores: float = 0.25
    retention_days: int = 15
    token: str | None = field(default=None, repr=False)  # a secret has no place in a log


def load(environment: Mapping[str, str]) -> Settings:
    """Return the settings that `environment` holds.

    Raises SettingsError for an unknown variable with our prefix and for a value that is out of range.
    """
    _refuse_unknown(environment)
    values = {name: value for name in _READERS if (value := _raw(environment, name)) is not None}
    settings = Settings(**{_field(name): _READERS[name](name, value) for name, value in values.items()})  # type: ignore[arg-type]  # each reader returns its field's type
    if settings.metrics_port == settings.api_port:
        raise SettingsError(
            f"DEMO_METRICS_PORT and DEMO_API_PORT are both {settings.api_port}",
            "set one of them to another port",
        )
    return settings


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).lower()


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = [*_READERS, *(f"{name}_FILE" for name in _READERS)]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            fix = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(_READERS)}"
            raise SettingsError(f"unknown setting: {name}", fix)


def _raw(environment: Mapping[str, str], name: str) -> str | None:
    """Return the value of a variable or of its file; None when it is unset or empty."""
    value = environment.get(name) or None
    path = environment.get(f"{name}_FILE") or None
    if path is None:
        return value
    if value is not None:
        raise SettingsError(f"{name} and {name}_FILE are both set", "keep one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{name}_FILE={path!r} cannot be read: {error}",
            "give the path of a text file that holds the value",
        ) from error


def _whole(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise SettingsError(f"invalid {name}: {value!r}", f"give a whole number from {low} to {high}")
        return number

    return read


def _number(low: float, high: float) -> Callable[[str, str], float]:
    def read(name: str, value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:  # false for NaN too
            raise SettingsError(f"invalid {name}: {value!r}", f"give a number from {low:g} to {high:g}")
        return number

    return read


def _address(name: str, value: str) -> str:
    if value == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise SettingsError(
            f"invalid {name}: {value!r}", "give an IP address such as 127.0.0.1 or 0.0.0.0"
        ) from error


def _directory(name: str, value: str) -> Path:
    path = Path(value)
    if not path.is_dir() or not os.access(path, os.W_OK):
        raise SettingsError(f"invalid {name}: {value!r}", "give an existing directory that can be written to")
    return path


def _token(name: str, value: str) -> str:
    if len(value) < SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", value):
        raise SettingsError(  # without the value: it may be most of a secret
            f"invalid {name} ({len(value)} characters)",
            f"give at least {SHORTEST_TOKEN} ASCII letters, digits or signs, without spaces",
        )
    return value


_READERS: Mapping[str, Callable[[str, str], object]] = {
    "DEMO_METRICS_PORT": _whole(1, 65535),
    "DEMO_API_PORT": _whole(1, 65535),
    "DEMO_BIND": _address,
    "DEMO_RATE": _number(0.1, 200),
    "DEMO_SEED": _whole(0, 2**63 - 1),
    "DEMO_TIME_SCALE": _number(1, 100),
    "DEMO_DATA_DIR": _directory,
    "DEMO_MEMORY_LIMIT_MIB": _whole(96, 224),  # above what the app needs, below what its container may take
    "DEMO_CPU_LIMIT_CORES": _number(0.05, 1),  # one thread can burn one core
    "DEMO_RETENTION_DAYS": _whole(1, 365),
    "DEMO_TOKEN": _token,
}
