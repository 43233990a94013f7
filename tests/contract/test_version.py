"""The version stands in pyproject.toml; what cannot read it there (packages, images) says the same."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import demo_app
import sla_worker
from release.version import PLACES, Version, current, write
from sla_worker.web.openapi import described
from stack.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_packages_images_and_api_say_the_version_of_the_bundle() -> None:
    assert str(current(ROOT)) == VERSION
    assert demo_app.__version__ == sla_worker.__version__ == described()["info"]["version"] == VERSION
    for place in PLACES:
        assert place.read(ROOT) == Version.parse(VERSION), place.path


def test_no_other_file_has_a_version_of_the_bundle() -> None:
    """Each Dockerfile is a place, and no package has a version that `make release` does not know of."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [Path(name) for name in listed.splitlines()]
    known = {place.path for place in PLACES}
    assert {str(path) for path in files if path.name == "Dockerfile"} <= known
    for path in files:
        if path.name == "pyproject.toml" and str(path) not in known:
            project = tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]
            assert "version" not in project, path
            assert project["dynamic"] == ["version"], path
        elif path.name == "__init__.py" and str(path) not in known:
            assert not re.search(r"^__version__ ?=", (ROOT / path).read_text(encoding="utf-8"), re.M), path


def test_another_version_is_written_into_every_place_and_changes_nothing_else(tmp_path: Path) -> None:
    before = {}
    for place in PLACES:
        before[place.path] = (ROOT / place.path).read_text(encoding="utf-8")
        (tmp_path / place.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place.path).write_text(before[place.path], encoding="utf-8")

    assert write(tmp_path, Version(7, 20, 3)) == list(before)

    for path, text in before.items():
        lines = zip(text.splitlines(), (tmp_path / path).read_text("utf-8").splitlines(), strict=True)
        [(_, changed)] = [(old, new) for old, new in lines if old != new]
        assert '"7.20.3"' in changed
    assert current(tmp_path) == Version(7, 20, 3)


@pytest.mark.parametrize("text", ["1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.2.3-rc1", "", "1.2.x", "1.2.٣"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(StackError, match="not a version: ") as refused:
        Version.parse(text)
    assert refused.value.fix == "give three numbers: make release VERSION=1.2.3"


def test_versions_are_ordered_as_numbers() -> None:
    assert Version.parse("0.10.0") > Version.parse("0.9.12") > Version.parse("0.9.2")
