"""Programs are found on PATH or in the cache, and one that does not run here is not taken."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import platform
import shutil
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ports import bound
from stack import binaries, debian, mailhog, releases
from stack.binaries import Found, Missing
from stack.errors import StackError
from stack.releases import Release
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
    assert found.words == "0.25.0, from PATH in place of 0.34.1"


def test_a_tool_is_found_in_the_package_of_its_program(path: Path, instance: Instance) -> None:
    assert not list(path.iterdir())
    file = program(instance.cache / "debian/prometheus/usr/bin/promtool", "promtool, version 2.42.0+ds")
    assert binaries.look("promtool", instance) == Found(
        "promtool", file, "Debian's package in place of 3.13.4", (2, 42, 0)
    )


def test_a_program_that_does_not_run_here_is_passed_over(path: Path, instance: Instance) -> None:
    program(path / "prometheus", "version 9.9.9", status=1)
    file = program(instance.cache / "releases/prometheus-3.13.4/prometheus", "prometheus, version 3.13.4")
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


def test_debians_prometheus_is_fetched_with_its_pages_and_told_where_they_are(
    path: Path, tmp_path: Path
) -> None:
    depends = "prometheus\n  Depends: libjs-a\n  Depends: libc6\nlibjs-a\n  Depends: fonts-b\nfonts-b\nlibc6"
    (path / "apt-cache").write_text(
        f'#!/bin/sh\n[ "$1" = show ] && echo "Filename: it" || echo "{depends}"\n'
    )
    (path / "apt-get").write_text('#!/bin/sh\nshift 2\nfor each; do : > "$each.deb"; done\n')
    unpack = '#!/bin/sh\nmkdir -p "$3/usr/bin" "$3/usr/share/prometheus/web/templates" "$3/${2##*/}"\n'
    (path / "dpkg-deb").write_text(unpack)
    for each in ("apt-cache", "apt-get", "dpkg-deb"):
        (path / each).chmod(0o755)
    for each in ("mkdir", "sh"):
        (path / each).symlink_to(shutil.which(each, path=os.defpath) or each)
    debian.fetch("prometheus", tmp_path, lambda _: None)
    root = tmp_path / "debian" / "prometheus"
    assert sorted(each.name for each in root.glob("*.deb")) == [
        "fonts-b.deb",
        "libjs-a.deb",
        "prometheus.deb",
    ]
    web = root / "usr/share/prometheus/web"
    assert debian.page_flags("prometheus", root / "usr/bin/prometheus") == (f"--web.local-assets={web}/",)
    assert debian.page_flags("alertmanager", root / "usr/bin/prometheus-alertmanager") == ()
    assert debian.page_flags("prometheus", tmp_path / "release/prometheus") == ()


@dataclass
class Source:
    """An HTTP server with releases, what was asked of it, and the table that names it."""

    directory: Path
    asked: list[str]
    table: dict[str, Release]

    def publish(self, name: str, version: str, *, checksum: str | None = None) -> None:
        """Put a release there, with its checksum or another one."""
        words = {"v": version, "os": platform.system().lower(), "cpu": "amd64"}
        archive = self.directory / self.table[name].archive.format(**words).rsplit("/", 1)[1]
        top = self.directory / "work" / f"{name}-{version}"
        program(top / name, f"{name}, version {version}")
        with tarfile.open(archive, "w:gz") as opened:
            opened.add(top, top.name)
        found = checksum or hashlib.sha256(archive.read_bytes()).hexdigest()
        sums = self.table[name].checksum.format(**words).rsplit("/", 1)[1]
        (self.directory / sums).write_text(f"{found}  {archive.name}\n")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    directory, asked = tmp_path / "source", list[str]()
    directory.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(directory))

        def log_request(self, *_arguments: object) -> None:
            asked.append(self.path)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    table = {
        name: Release(f"{base}/{name}-{{v}}.{{os}}-{{cpu}}.tar.gz", f"{base}/{name}-{{v}}.sums")
        for name in ("prometheus", "alertmanager")
    }
    yield Source(directory, asked, table)
    server.shutdown()
    server.server_close()
    thread.join()


def put(name: str, version: str) -> Path:
    """Where local mode keeps a release."""
    return Path("releases") / f"{name}-{version}" / name


def test_the_pinned_release_is_fetched_once_and_comes_before_debians_package(
    path: Path, instance: Instance, source: Source
) -> None:
    assert not list(path.iterdir())
    program(instance.cache / "debian/prometheus/usr/bin/prometheus", "prometheus, version 2.42.0+ds")
    source.publish("prometheus", "3.13.4")
    for _ in range(2):
        assert binaries.get("prometheus", instance, lambda _: None, source.table) == Found(
            "prometheus", instance.cache / put("prometheus", "3.13.4"), "the project's release", (3, 13, 4)
        )
    assert len(source.asked) == 2  # a checksum and an archive


def test_a_changed_pin_fetches_that_release_and_removes_the_old_one(
    path: Path, instance: Instance, source: Source
) -> None:
    assert not list(path.iterdir())
    for version in ("3.13.4", "3.14.0"):
        source.publish("prometheus", version)
        instance.env["PROMETHEUS_IMAGE"] = f"prom/prometheus:v{version}"
        found = binaries.get("prometheus", instance, lambda _: None, source.table)
        assert isinstance(found, Found)
        assert found.path == instance.cache / put("prometheus", version)
    assert [each.name for each in (instance.cache / "releases").iterdir()] == ["prometheus-3.14.0"]


def test_the_release_is_taken_before_another_version_on_path(
    path: Path, instance: Instance, source: Source
) -> None:
    program(path / "prometheus", "prometheus, version 2.53.0")
    source.publish("prometheus", "3.13.4")
    found = binaries.get("prometheus", instance, lambda _: None, source.table)
    assert isinstance(found, Found)
    assert found.words == "3.13.4, the project's release"


def test_what_is_on_path_in_the_pinned_version_is_taken_as_it_is(
    path: Path, instance: Instance, source: Source
) -> None:
    file = program(path / "prometheus", "prometheus, version 3.13.4")
    found = binaries.get("prometheus", instance, lambda _: None, source.table)
    assert found == Found("prometheus", file, "from PATH", (3, 13, 4))
    assert source.asked == []


def test_without_the_release_debians_package_is_named_as_its_substitute(
    path: Path, instance: Instance, source: Source
) -> None:
    assert not list(path.iterdir())
    program(instance.cache / "debian/alertmanager/usr/bin/prometheus-alertmanager", "version 0.25.0")
    said: list[str] = []
    reasons: list[tuple[str, ...]] = []
    for _ in range(2):
        found = binaries.get("alertmanager", instance, said.append, source.table)
        assert isinstance(found, Found)
        assert found.words == "0.25.0, Debian's package in place of 0.34.1"
        reasons.append(found.reasons)
    host = source.table["alertmanager"].archive.split("/")[2]
    words = f"its release cannot be fetched from {host}: it answers 404 (tried again after an hour)"
    assert reasons == [(words,), (words,)]  # the same, so that it is said once
    assert said == [f"looking for alertmanager-0.34.1 at {host}"]
    assert len(source.asked) == 1  # what failed is tried again after an hour, not at each start
    record = instance.cache / "releases" / "alertmanager-0.34.1.failed"
    hour = time.time() - 3601
    os.utime(record, (hour, hour))
    binaries.get("alertmanager", instance, said.append, source.table)
    assert len(source.asked) == 2


def test_a_source_that_refuses_connections_is_given_up(path: Path, instance: Instance) -> None:
    assert not list(path.iterdir())
    program(instance.cache / "debian/prometheus/usr/bin/prometheus", "prometheus, version 2.42.0")
    with bound() as closed:
        base = f"http://127.0.0.1:{closed.getsockname()[1]}"
        found = binaries.get(
            "prometheus",
            instance,
            lambda _: None,
            {"prometheus": Release(f"{base}/a.tar.gz", f"{base}/sums")},
        )
    assert isinstance(found, Found)
    assert found.version == (2, 42, 0)


def test_a_source_that_takes_no_connection_is_not_waited_for(path: Path, instance: Instance) -> None:
    """As behind a firewall that swallows what is sent. Without a limit the system tries for two minutes."""
    assert not list(path.iterdir())
    program(instance.cache / "debian/prometheus/usr/bin/prometheus", "prometheus, version 2.42.0")
    with contextlib.ExitStack() as opened:
        silent = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # its queue is full: who comes now gets no answer
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(silent.getsockname())
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        source = {"prometheus": Release(f"{base}/a.tar.gz", f"{base}/sums")}
        found = binaries.get("prometheus", instance, lambda _: None, source)
    assert isinstance(found, Found)
    assert found.version == (2, 42, 0)
    assert "timed out (tried again after an hour)" in found.reasons[0]


def test_a_release_with_a_wrong_checksum_is_not_used(path: Path, instance: Instance, source: Source) -> None:
    assert not list(path.iterdir())
    source.publish("prometheus", "3.13.4", checksum="a" * 64)
    missing = binaries.get("prometheus", instance, lambda _: None, source.table)
    assert isinstance(missing, Missing)
    assert any("it is not used" in reason for reason in missing.reasons)
    assert not (instance.cache / put("prometheus", "3.13.4")).exists()


def test_another_lock_file_of_mailhog_is_another_program(path: Path, instance: Instance) -> None:
    assert not list(path.iterdir())
    module = instance.root / "mailhog"
    module.mkdir()
    (module / "go.sum").write_text("one\n")
    program(mailhog.directory(module, instance.cache) / "MailHog", "MailHog version: 1.0.1")
    assert binaries.look("mailhog", instance) is not None
    (module / "go.sum").write_text("two\n")
    assert binaries.look("mailhog", instance) is None


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
