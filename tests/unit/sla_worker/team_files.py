"""Files of definitions as teams write them, in a directory of a test."""

from __future__ import annotations

from pathlib import Path

from unit.sla_worker.fake_prometheus import THREE

UPTIME = """\
  - key: {key}
    name: {name}
    category: availability
    severity: {severity}
    comparison: ">="
    target: {target}
    unit: ratio
    description: It answers.
    sli: {{kind: uptime, selector: 'up{{job="demo-app"}}'}}
"""


def uptime(key: str, name: str = "", *, target: float = 0.99, severity: str = "critical") -> str:
    """One SLA, as the list of a file has it."""
    named = name or key.replace("-", " ").capitalize()
    return UPTIME.format(key=key, name=named, target=target, severity=severity)


def team(name: str, *slas: str, more: str = "") -> str:
    """The text of a team's file; its SLAs begin on line 4 unless there is more."""
    return f"team: {name}\nowner: {name}@example.com\n{more}slas:\n{''.join(slas)}"


class Files:
    """The three SLAs of the platform, and what teams put beside them."""

    def __init__(self, directory: Path) -> None:
        self.platform = directory / "sla_thresholds.yml"
        self.directory = directory / "sla.d"
        self.platform.write_text(THREE.read_text(encoding="utf-8"), encoding="utf-8")

    def put(self, name: str, text: str) -> Path:
        """Write a team's file."""
        self.directory.mkdir(exist_ok=True)
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        return path
