"""The projects' own releases, checked against the checksums that the projects publish beside them."""

from __future__ import annotations

import hashlib
import http.client
import platform
import re
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 30.0
_RETRY_SECONDS = 3600.0
_CHUNK = 1 << 20
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Release:
    """Where a project keeps an archive and its SHA-256; `{v}`, `{os}` and `{cpu}` are filled in."""

    archive: str
    checksum: str


# Versions are those of the images in .env. The checksum comes over TLS from the same place as the archive: it
# guards against a broken download, and against a forger as much as the project's own page does.
RELEASES = {
    "prometheus": Release(
        "https://github.com/prometheus/prometheus/releases/download/v{v}/prometheus-{v}.{os}-{cpu}.tar.gz",
        "https://github.com/prometheus/prometheus/releases/download/v{v}/sha256sums.txt",
    ),
    "alertmanager": Release(
        "https://github.com/prometheus/alertmanager/releases/download/v{v}/alertmanager-{v}.{os}-{cpu}.tar.gz",
        "https://github.com/prometheus/alertmanager/releases/download/v{v}/sha256sums.txt",
    ),
    "grafana": Release(
        "https://dl.grafana.com/oss/release/grafana-{v}.{os}-{cpu}.tar.gz",
        "https://dl.grafana.com/oss/release/grafana-{v}.{os}-{cpu}.tar.gz.sha256",
    ),
}


def version_of(image: str) -> str | None:
    """The version in the tag of an image; None when the tag holds none."""
    match = re.search(r":v?(\d+\.\d+\.\d+)$", image)
    return match[1] if match else None


def directory(name: str, image: str, cache: Path) -> Path:
    """Where the release that an image pins is kept: another pin, another directory."""
    return cache / "releases" / f"{name}-{version_of(image) or 'unknown'}"


def fetch(
    name: str,
    image: str,
    cache: Path,
    tell: Callable[[str], None],
    sources: Mapping[str, Release] | None = None,
) -> None:
    """Unpack the release of `name`, of the version in the tag of `image`, to its directory in the cache.

    A source that could not be reached is left alone for an hour. Other releases of `name` are removed in the
    end. Raises StackError with the reason when it cannot be reached or its checksum is missing or wrong.
    """
    version, cpu = version_of(image), _MACHINES.get(platform.machine().lower())
    if version is None or cpu is None:
        raise StackError(f"no release for {image} on {platform.machine()}")
    target = directory(name, image, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    failed = target.with_name(f"{target.name}.failed")
    age = time.time() - failed.stat().st_mtime if failed.exists() else _RETRY_SECONDS
    if 0 <= age < _RETRY_SECONDS:
        raise StackError(failed.read_text(encoding="utf-8"))
    try:
        _fetch(target, _filled((sources or RELEASES)[name], version, cpu), tell)
    except StackError as error:
        words = f"{error.message} (tried again after an hour)"
        failed.write_text(words, encoding="utf-8")
        raise StackError(words) from error
    for old in target.parent.glob(f"{name}*"):
        if old not in (target, target.with_name(f"{name}.part")):
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def _filled(release: Release, version: str, cpu: str) -> Release:
    words = {"v": version, "os": platform.system().lower(), "cpu": cpu}
    return Release(release.archive.format(**words), release.checksum.format(**words))


def _fetch(target: Path, release: Release, tell: Callable[[str], None]) -> None:
    file_name = release.archive.rsplit("/", 1)[1]
    tell(f"looking for {target.name} at {release.archive.split('/')[2]}")
    wanted = published_checksum(_read(release.checksum), file_name)
    work = target.with_name(f"{target.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    tell(f"fetching {file_name}")
    _download(release.archive, work / file_name)
    check(work / file_name, wanted)
    unpack(work / file_name, target)
    shutil.rmtree(work)


def published_checksum(text: str, file_name: str) -> str:
    """The SHA-256 of `file_name` in a list of checksums, or in a file that holds one alone.

    Raises StackError when it is not there.
    """
    for line in text.splitlines():
        fields = line.split()
        alone = len(fields) == 1 and len(text.split()) == 1
        if (
            fields
            and re.fullmatch(r"[0-9a-f]{64}", fields[0])
            and (alone or fields[-1].lstrip("*") == file_name)
        ):
            return fields[0]
    raise StackError(f"no checksum is published for {file_name}, so it is not used")


def check(file: Path, wanted: str) -> None:
    """Raise StackError unless the file has the SHA-256 `wanted`."""
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != wanted:
        raise StackError(f"{file.name} has the checksum {found}, but {wanted} is published: it is not used")


def unpack(archive: Path, target: Path) -> None:
    """Unpack an archive with one directory at its top, so that this directory becomes `target`."""
    inside = archive.parent / "unpacked"
    with tarfile.open(archive) as opened:
        # Python before 3.11.4 has no filter; the archive's checksum was right, so it is the project's own.
        opened.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        opened.extractall(inside)  # noqa: S202  # filtered where Python can, checked by its sum everywhere
    tops = list(inside.iterdir())
    if len(tops) != 1:
        raise StackError(f"{archive.name} holds {len(tops)} entries at its top instead of one")
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    tops[0].replace(target)


class _ShortConnect(http.client.HTTPConnection):
    """Gives up soon where nothing answers, and waits longer for what comes."""

    def connect(self) -> None:
        self.timeout = _CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(_READ_SECONDS)


class _ShortConnectTLS(http.client.HTTPSConnection):
    """The same over TLS."""

    def connect(self) -> None:
        self.timeout = _CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(_READ_SECONDS)


class _HTTP(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ShortConnect, req)


class _HTTPS(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_ShortConnectTLS, req)


_OPENER = urllib.request.build_opener(_HTTP, _HTTPS)


def _open(url: str) -> Any:  # a response, which urllib does not type
    try:
        return _OPENER.open(url)
    except (OSError, http.client.HTTPException) as error:
        host = url.split("/")[2]
        reason = getattr(error, "reason", None) or error
        if isinstance(error, urllib.error.HTTPError):
            reason = f"it answers {error.code}"
        raise StackError(f"its release cannot be fetched from {host}: {reason}") from error


def _read(url: str) -> str:
    with _open(url) as answer:
        return str(answer.read(1 << 20).decode("utf-8", "replace"))


def _download(url: str, target: Path) -> None:
    try:
        with _open(url) as answer, target.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise StackError(f"the download of {target.name} broke off: {error}") from error
