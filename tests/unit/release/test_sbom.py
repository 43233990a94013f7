"""The bills of materials: what the images install, by the schema of CycloneDX."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from release.sbom import LOCKS, bill, locked
from release.version import Version
from stack.errors import StackError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("service", LOCKS)
def test_a_bill_has_every_package_of_the_lock_files_that_the_dockerfile_installs(service: str) -> None:
    """`bill` holds it against the schema of CycloneDX 1.6, formats and unknown keys too."""
    text = bill(ROOT, service, Version(4, 5, 6), "3.14")
    document = json.loads(text)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert (document["metadata"]["component"]["name"], document["metadata"]["component"]["version"]) == (
        service,
        "4.5.6",
    )
    assert text == bill(ROOT, service, Version(4, 5, 6), "3.14")
    installed = re.findall(r"-r (\S+\.lock)", (ROOT / service / "Dockerfile").read_text("utf-8"))
    assert [f"{service}/{each}" for each in installed] == list(LOCKS[service])
    pinned = {}
    for lock in LOCKS[service]:
        pinned |= dict(
            re.findall(r"^([a-z0-9.-]+)(?:\[\w+\])?==(\S+)", (ROOT / lock).read_text("utf-8"), re.M)
        )
    found = {each["name"]: each["version"] for each in document["components"]}
    assert found.items() <= pinned.items()
    # What is left out is for other systems or older Pythons, and says so in its markers.
    for name in pinned.keys() - found.keys():
        assert all(re.search(r"win32|< '3\.1[0-4]'", line) for line in _lines(service, name)), name
    [own] = [each for each in document["dependencies"] if each["ref"] == f"{service}@4.5.6"]
    assert "pkg:pypi/prometheus-client@" + found["prometheus-client"] in own["dependsOn"]


def _lines(service: str, name: str) -> list[str]:
    text = "".join((ROOT / lock).read_text("utf-8") for lock in LOCKS[service])
    return re.findall(rf"^{re.escape(name)}==.*$", text, re.M)


def test_markers_decide_what_an_image_installs(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# a comment\n"
        "One_Package==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "two==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:cc\n"
        "three[more]==3.0 ; python_full_version < '3.15' \\\n    --hash=sha256:dd\n"
    )
    assert [(each.name, each.version) for each in locked(lock, "3.14")] == [
        ("one-package", "1.0"),
        ("three", "3.0"),
    ]


def test_a_dependency_without_a_pin_is_named(tmp_path: Path) -> None:
    for path in ("sla-worker/pyproject.toml", *LOCKS["sla-worker"]):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text((ROOT / path).read_text("utf-8"))
    (tmp_path / LOCKS["sla-worker"][0]).write_text("certifi==1.0\n")
    with pytest.raises(StackError, match="sla-worker: no lock file has fpdf2, icalendar, ") as refused:
        bill(tmp_path, "sla-worker", Version(1, 0, 0), "3.14")
    assert refused.value.fix == "make lock"
