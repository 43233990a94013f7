"""The projects' own releases, checked against the checksums that the projects publish beside them."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

_TIMEOUT_SECONDS = 10
_CHUNK = 1 << 20
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Release:
    """Where a project keeps an archive and its SHA-256; `{v}`, `{os}` and `{cpu}` are filled in."""

    archive: str
    checksum: str


# Versions are those of the images in .env.example. The checksum comes over TLS from the same place as the
# archive:
# it holds against a broken or cut download, and as much against a forger as the project's own page does.
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


def fetch(name: str, image: str, cache: Path, tell: Callable[[str], None]) -> None:
    """Unpack the release of `name`, of the version in the tag of `image`, to `cache`/releases/`name`.

    Raises StackError with the reason when it cannot be reached or its checksum is missing or wrong.
    """
    match = re.search(r":v?(\d+\.\d+\.\d+)$", image)
    cpu = _MACHINES.get(platform.machine().lower())
    if match is None or cpu is None:
        raise StackError(f"no release for {image} on {platform.machine()}")
    words = {"v": match[1], "os": platform.system().lower(), "cpu": cpu}
    release = RELEASES[name]
    url = release.archive.format(**words)
    file_name = url.rsplit("/", 1)[1]
    tell(f"looking for {name} {match[1]} at {url.split('/')[2]}")
    wanted = published_checksum(_read(release.checksum.format(**words)), file_name)
    work = cache / "releases" / f"{name}.part"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tell(f"fetching {file_name}")
    _download(url, work / file_name)
    check(work / file_name, wanted)
    unpack(work / file_name, cache / "releases" / name)
    shutil.rmtree(work)


def published_checksum(text: str, file_name: str) -> str:
    """The SHA-256 of `file_name` in a list of checksums (or in a file that holds one alone); StackError if
    absent."""
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


def _open(url: str) -> urllib.request._UrlopenRet:
    try:
        return urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS)  # noqa: S310  # the table above knows https only
    except (urllib.error.URLError, OSError) as error:
        host = url.split("/")[2]
        raise StackError(
            f"its release cannot be fetched from {host}: {getattr(error, 'reason', error)}"
        ) from error


def _read(url: str) -> str:
    with _open(url) as answer:
        return str(answer.read(1 << 20).decode("utf-8", "replace"))


def _download(url: str, target: Path) -> None:
    try:
        with _open(url) as answer, target.open("wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
    except OSError as error:
        raise StackError(f"the download of {target.name} broke off: {error}") from error
