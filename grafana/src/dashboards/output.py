"""The files that are made (dashboards as JSON, their page, the alert rule as YAML): written, or compared.

A record says which definitions they were made from: `make up` compares it, which works without the SDK.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import yaml

from . import keys, sdk
from .alerting import alert_file
from .definitions import DEFINITIONS_FILE, REPOSITORY, Sla, sources
from .page import page
from .registry import DASHBOARDS

SCHEMA_VERSION = 37
"""What Grafana 9.4 writes; 10 to 13 bring it up to their own when they load it."""

DASHBOARD_DIRECTORY = pathlib.PurePosixPath("grafana/dashboards/json")
RECORD = pathlib.PurePosixPath("grafana/dashboards/made-from.json")
PAGE = pathlib.PurePosixPath("docs/dashboards.md")
ALERT_FILE = pathlib.PurePosixPath("grafana/provisioning/alerting/sla.yml")


def dashboard_json(dashboard: sdk.dashboard_model.Dashboard) -> dict[str, Any]:
    """The dashboard as plain values, in the form that the oldest supported Grafana reads."""
    plain: dict[str, Any] = json.loads(json.dumps(dashboard, cls=sdk.JSONEncoder))
    plain["schemaVersion"] = SCHEMA_VERSION
    keys.strip(plain)
    return plain


def dashboards(slas: list[Sla]) -> list[dict[str, Any]]:
    """Every dashboard of the bundle, as plain values."""
    return [dashboard_json(make(slas)) for make in DASHBOARDS]


def files(slas: list[Sla], source: pathlib.Path = DEFINITIONS_FILE) -> dict[pathlib.PurePosixPath, str]:
    """Path below the repository → text; the same definitions always give the same bytes.

    `source` is the file that the SLAs were read from.
    """
    record = {name: _digest(file) for name, file in sources(source).items()}
    made = {ALERT_FILE: alert_file(slas), RECORD: json.dumps(record) + "\n"}
    shown = dashboards(slas)
    made[PAGE] = page(shown)
    for dashboard in shown:
        text = json.dumps(dashboard, indent=2, sort_keys=True, ensure_ascii=False)
        made[DASHBOARD_DIRECTORY / f"{dashboard['uid']}.json"] = text + "\n"
    return made


def _digest(source: pathlib.Path) -> str:
    """What the definitions say, without comments and layout; stack.agreement computes the same."""
    said = json.dumps(yaml.safe_load(source.read_text(encoding="utf-8-sig")), sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def stale(
    slas: list[Sla], root: pathlib.Path = REPOSITORY, source: pathlib.Path = DEFINITIONS_FILE
) -> list[str]:
    """What differs on disk, a line each; empty when nothing does. Dashboards that no code makes count too."""
    made = files(slas, source)
    problems = []
    for path, text in made.items():
        file = root / path
        if not file.exists():
            problems.append(f"{path} is missing")
        elif file.read_text(encoding="utf-8") != text:
            problems.append(f"{path} is stale")
    for file in sorted((root / DASHBOARD_DIRECTORY).glob("*.json")):
        if DASHBOARD_DIRECTORY / file.name not in made:
            problems.append(f"{DASHBOARD_DIRECTORY / file.name} is not made by any code: remove it")
    return problems


def write(
    slas: list[Sla], root: pathlib.Path = REPOSITORY, source: pathlib.Path = DEFINITIONS_FILE
) -> list[pathlib.PurePosixPath]:
    """Writes the files that differ; returns their paths."""
    written = []
    for path, text in files(slas, source).items():
        file = root / path
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        written.append(path)
    return written
