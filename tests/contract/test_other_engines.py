"""The examples of docs/scale.md for other engines: Prometheus takes one part, the sla-worker the other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from rules import binaries
from sla_worker.prometheus import HTTPTransport
from sla_worker.settings import read_settings
from stack import envfile
from stack.composefile import given

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def example(engine: str, language: str) -> str:
    """The one block in that language below the engine's heading."""
    section = PAGE.partition(f"\n### {engine}\n")[2].partition("\n#")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("engine", ["Mimir", "Thanos"])
def test_prometheus_takes_the_example(engine: str, tmp_path: Path) -> None:
    file = tmp_path / "prometheus.yml"
    file.write_text(example(engine, "yaml"), encoding="utf-8")
    (target,) = yaml.safe_load(file.read_text(encoding="utf-8"))["remote_write"]
    assert target["headers"]
    subprocess.run([binaries.newest("promtool"), "check", "config", file], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("engine", "url", "header"),
    [
        ("Mimir", "http://mimir:9009/prometheus", ("X-Scope-OrgID", "sla")),
        ("Thanos", "http://thanos-query:10902", ("THANOS-TENANT", "sla")),
    ],
)
def test_the_worker_takes_the_example(engine: str, url: str, header: tuple[str, str], tmp_path: Path) -> None:
    """From `.env` through docker-compose.yml to what is sent with every query."""
    file = tmp_path / ".env"
    file.write_text(example(engine, "sh"), encoding="utf-8")
    example_file = envfile.read(ROOT / ".env.example")
    chosen = envfile.read(file)
    assert chosen.keys() <= example_file.keys()
    inside = given(ROOT / "docker-compose.yml", example_file | chosen, "sla-worker")
    settings = read_settings(
        {name: each.value for name, each in inside.items() if name.startswith("PROMETHEUS")}
    )
    assert settings.prometheus.url == url
    assert HTTPTransport(settings.prometheus).headers[header[0]] in (header[1], header[1].encode())
