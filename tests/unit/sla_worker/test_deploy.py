"""What runs the worker without Docker: systemd accepts its units, cron runs what it should and when."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from programs import not_there
from sla_worker.settings import read_settings
from waiting import patience

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "sla-worker" / "deploy"
PROGRAMS = frozenset(
    tomllib.loads((ROOT / "sla-worker/pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def analyze(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        not_there("no systemd-analyze found: NOT TESTED. Install Debian's package systemd")
    return subprocess.run(
        ["systemd-analyze", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units as they would be installed, with programs that are there."""
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        (tmp_path / "bin" / name).symlink_to("/bin/true")
    for path in sorted((DEPLOY / "systemd").iterdir()):
        text = path.read_text(encoding="utf-8").replace("/opt/sla-worker", str(tmp_path))
        name = path.name.replace("@.", "@daily.")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return sorted(each.name for each in tmp_path.iterdir() if each.is_file())


def test_systemd_has_nothing_to_say_against_the_units(units: list[str], tmp_path: Path) -> None:
    assert len(units) == 7
    done = analyze("verify", "--man=no", *(f"./{each}" for each in units), cwd=tmp_path)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_each_service_is_confined(units: list[str], tmp_path: Path) -> None:
    """Of 10, which is no confinement at all; up to 2 systemd calls it OK."""
    services = [each for each in units if each.endswith(".service")]
    assert len(services) == 3
    for each in services:
        done = analyze("security", "--offline=true", f"./{each}", cwd=tmp_path)
        found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        assert found, done.stderr
        assert float(found[1]) <= 2


def test_timers_are_due_when_reports_are(tmp_path: Path) -> None:
    """From Sunday the 1st of March 2026, 10:00 on."""
    for name, due in (
        ("sla-calculate", "Sun 2026-03-01 10:01:00"),
        ("sla-report-daily", "Mon 2026-03-02 09:00:00"),
        ("sla-report-weekly", "Mon 2026-03-02 09:00:00"),
        ("sla-report-monthly", "Wed 2026-04-01 09:00:00"),
    ):
        text = (DEPLOY / "systemd" / f"{name}.timer").read_text(encoding="utf-8")
        when = re.search(r"^OnCalendar=(.*)$", text, re.MULTILINE)
        assert when
        done = analyze("calendar", "--base-time=2026-03-01 10:00:00 UTC", f"{when[1]} UTC", cwd=tmp_path)
        assert f"Next elapse: {due} UTC" in done.stdout


def values(field: str, low: int, high: int) -> set[int]:
    """The values of a field of a cron line. Raises ValueError for what cron would refuse."""
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(\*|(\d+)(?:-(\d+))?)(?:/(\d+))?", part)
        if match is None:
            raise ValueError(field)
        first = low if match[1] == "*" else int(match[2])
        last = high if match[1] == "*" else int(match[3] or match[2])
        if not low <= first <= last <= high:
            raise ValueError(field)
        found.update(range(first, last + 1, int(match[4] or 1)))
    return found


def test_cron_runs_the_same() -> None:
    """Minute 1, 6 … 56; and at 9:00 each day, on Mondays, on the 1st. A `%` would end a command."""
    all_of = [set(range(low, high + 1)) for low, high in RANGES]
    nine = [{0}, {9}, *all_of[2:]]
    wanted = {
        "sla_calculator": [set(range(1, 60, 5)), *all_of[1:]],
        "sla_reporter --daily": nine,
        "sla_reporter --weekly": [*nine[:4], {1}],
        "sla_reporter --monthly": [*nine[:2], {1}, *nine[3:]],
    }
    lines = (DEPLOY / "sla-worker.cron").read_text(encoding="utf-8").splitlines()
    jobs = [each for each in lines if each and each[0] not in "#SPM"]
    found = {}
    for job in jobs:
        *fields, user, command = job.split(maxsplit=6)
        assert (user, "%" in command) == ("sla-worker", False)
        program = re.search(r"sla\.db (\S.*) >/dev/null$", command)
        assert program
        found[program[1]] = [values(each, *span) for each, span in zip(fields, RANGES, strict=True)]
        assert program[1].split()[0] in PROGRAMS
    assert found == wanted
    with pytest.raises(ValueError, match="60"):
        values("60", 0, 59)


def test_the_settings_of_the_example_are_settings() -> None:
    text = (DEPLOY / "sla-worker.env.example").read_text(encoding="utf-8")
    found = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert read_settings(found).smtp.port == 25
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    known = example + (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{name}\b", known) for name in found)


def test_a_line_of_cron_reads_the_settings_and_keeps_the_ledger_to_its_user(tmp_path: Path) -> None:
    settings = tmp_path / "sla-worker.env"
    settings.write_text((DEPLOY / "sla-worker.env.example").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "bin").mkdir()
    for name in PROGRAMS:
        program = tmp_path / "bin" / name
        program.write_text('#!/bin/sh\necho "$PROMETHEUS_URL $SLA_DATABASE_PATH $(umask)" >&2\n')
        program.chmod(0o755)
    lines = (DEPLOY / "sla-worker.cron").read_text(encoding="utf-8").splitlines()
    commands = [each.split(maxsplit=6)[6] for each in lines if each[:1] in {"0", "1"}]
    assert len(commands) == 4
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("/etc/sla-worker/sla-worker.env", str(settings))],
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=patience(30),
        )
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == "http://127.0.0.1:9090 /var/lib/sla-worker/sla.db 0077\n"
