"""Programs are found on PATH or in the cache, and one that does not run here is not taken."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from stack import binaries, debian, mailhog, releases
from stack.binaries import Found, Missing
from stack.errors import StackError
from stack.settings import Instance


def program(path: Path, output: str, status: int = 0) -> Path:
    """A program that prints `output` and ends with `status`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is all of PATH but for the shell."""
    directory = tmp_path / "path"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def test_debians_name_of_alertmanager_is_known(path: Path, instance: Instance) -> None:
    program(path / "prometheus-alertmanager", "alertmanager, version 0.25.0 (branch: debian/sid)")
    found = binaries.look("alertmanager", instance)
    assert found is not None
    assert found.version == (0, 25, 0)
    assert found.words == "0.25.0, from PATH"


def test_a_tool_is_found_in_the_package_of_its_program(path: Path, instance: Instance) -> None:
    assert not list(path.iterdir())
    file = program(instance.cache / "debian/prometheus/usr/bin/promtool", "promtool, version 2.42.0+ds")
    assert binaries.look("promtool", instance) == Found("promtool", file, "Debian's package", (2, 42, 0))


def test_a_program_that_does_not_run_here_is_passed_over(path: Path, instance: Instance) -> None:
    program(path / "prometheus", "version 9.9.9", status=1)
    file = program(instance.cache / "releases/prometheus/prometheus", "prometheus, version 3.13.4")
    assert binaries.look("prometheus", instance) == Found(
        "prometheus", file, "the project's release", (3, 13, 4)
    )


def test_what_cannot_be_had_says_every_way_that_was_tried(path: Path, instance: Instance) -> None:
    assert not list(path.iterdir())
    missing = binaries.get("mailhog", instance, lambda _: None)
    assert isinstance(missing, Missing)
    assert missing.reasons == ("not on PATH", "cannot be built: Go is not installed")
    assert "install MailHog" in missing.fix


def test_without_apt_the_reason_is_said(path: Path, tmp_path: Path) -> None:
    assert not list(path.iterdir())
    with pytest.raises(StackError, match="this system has no apt"):
        debian.fetch("prometheus", tmp_path, lambda _: None)


def test_a_failed_build_says_gos_last_word(path: Path, tmp_path: Path) -> None:
    program(path / "go", "first\nlast word", status=1)
    (path / "go").write_text("#!/bin/sh\necho first >&2\necho last word >&2\nexit 1\n")
    with pytest.raises(StackError, match=r"cannot be built with .*/go: last word"):
        mailhog.build(tmp_path, tmp_path / "out", lambda _: None)


def test_the_path_in_debians_alertmanager_becomes_a_relative_one_of_the_same_length(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager"
    before = b"\0abc/usr/share/prometheus/alertmanager/ui/xyz\0"
    file.write_bytes(before)
    debian.relocate(file)
    after = file.read_bytes()
    assert len(after) == len(before)
    assert after.startswith(b"\0abc.///")
    assert after.endswith(b"/alertmanager/ui/xyz\0")


CHECKSUM = "a" * 64


@pytest.mark.parametrize(
    "text", [f"{CHECKSUM}  x.tar.gz\n", f"{'b' * 64}  y\n{CHECKSUM} *x.tar.gz\n", f"{CHECKSUM}\n"]
)
def test_the_published_checksum_is_found(text: str) -> None:
    assert releases.published_checksum(text, "x.tar.gz") == CHECKSUM


@pytest.mark.parametrize(
    "text", ["", f"{CHECKSUM}  y.tar.gz\n", "<html>404</html>", f"{CHECKSUM}\n{CHECKSUM}\n"]
)
def test_without_a_checksum_nothing_is_used(text: str) -> None:
    with pytest.raises(StackError, match="no checksum is published"):
        releases.published_checksum(text, "x.tar.gz")


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"other")
    with pytest.raises(StackError, match="it is not used"):
        releases.check(tmp_path / "x", CHECKSUM)


def test_an_archive_is_unpacked_without_its_top(tmp_path: Path) -> None:
    top = tmp_path / "prometheus-1.2.3"
    program(top / "prometheus", "1.2.3")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(top, "prometheus-1.2.3")
    shutil.rmtree(top)
    releases.unpack(tmp_path / "x.tar.gz", tmp_path / "target")
    assert (tmp_path / "target" / "prometheus").exists()
