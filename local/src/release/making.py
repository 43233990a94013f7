"""A release, step by step: what is checked before anything is written, what is made, what is pushed."""

from __future__ import annotations

import datetime as dt
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from release import archive, changelog, images, sbom, signing, version
from release.repository import Repository
from release.signing import Key
from release.version import Version
from stack.console import plain, say, warn
from stack.envfile import EXAMPLE, read
from stack.errors import StackError


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `push`: git and images leave this machine. `images` False: none are built."""

    version: Version
    day: dt.date
    registry: str | None
    push: bool
    images: bool
    dry_run: bool


def make(repository: Repository, wish: Wish) -> None:
    """Make a release; raises StackError, before the tag with everything as it was.

    One that has its tag, and that something kept from being finished, is gone on with.
    """
    root = repository.root
    target = root / "dist" / wish.version.tag
    begun = _is_begun(repository, wish) and not (target / archive.SUMS).exists()
    text = _checked(repository, wish, begun=begun)
    key = signing.key_of(repository)
    if key is None:
        warn("no signing key (git config user.signingKey): tag and checksums are NOT signed")
    pins = read(root / EXAMPLE)
    if begun:
        say(f"{wish.version.tag} is tagged already; going on with its files")
    if wish.dry_run:
        _tell(repository, wish, key, pins, target, begun=begun)
        return
    if not begun:
        _commit_and_tag(repository, wish, text, signed=key is not None)
    names = _write_files(repository, wish, pins, target)
    if wish.push:
        repository.git("push", "--atomic", "origin", "HEAD", wish.version.tag)
        say(f"pushed the commit and {wish.version.tag}")
    if wish.images:
        names += _build(repository, wish, pins, target)
    (target / archive.SUMS).write_text(archive.sums(target, names), encoding="utf-8")
    say(f"dist/{wish.version.tag}/{archive.SUMS}, of {len(names)} files")
    if key is not None:
        say(f"dist/{wish.version.tag}/{key.sign(target / archive.SUMS).name}; verify it with")
        plain(f"    {key.verify_command(archive.SUMS)}")
    if not wish.push:
        plain(f"Nothing was pushed. To do so: git push --atomic origin HEAD {wish.version.tag}")


def _is_begun(repository: Repository, wish: Wish) -> bool:
    """Whether what is checked out is the release itself."""
    tag = wish.version.tag
    return (
        version.current(repository.root) == wish.version
        and repository.has_tag(tag)
        and repository.git("rev-parse", f"{tag}^{{commit}}") == repository.git("rev-parse", "HEAD")
    )


def _checked(repository: Repository, wish: Wish, *, begun: bool) -> str:
    """The changelog as it will be, once nothing speaks against the release."""
    now = version.current(repository.root)
    if wish.version <= now and not begun:
        raise StackError(f"{wish.version} is not greater than {now}", f"take a version after {now}")
    if changed := repository.changed():
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""  # noqa: PLR2004 - as many fit on a line
        files = ", ".join(line[3:] for line in changed[:3])
        raise StackError(f"not committed: {files}{more}", "commit them, or put them aside, then try again")
    if repository.has_tag(wish.version.tag) and not begun:
        raise StackError(f"there is a tag {wish.version.tag} already", "take the next version")
    if wish.push and wish.images and wish.registry is None:
        raise StackError(
            "PUSH=1 needs a registry for the images",
            "REGISTRY=registry.example.com/team, or IMAGES=0 to push git alone",
        )
    if wish.images and not wish.dry_run:
        _check_buildx()
    text = (repository.root / changelog.FILE).read_text(encoding="utf-8")
    return text if begun else changelog.cut(text, wish.version, wish.day)


def _check_buildx() -> None:
    fix = "install Docker's buildx plugin (Debian 13: docker-buildx), or make no images: IMAGES=0"
    if shutil.which("docker") is None:
        raise StackError("docker is not installed, which builds the images", fix)
    done = subprocess.run(["docker", "buildx", "version"], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise StackError("docker has no buildx, which builds for several architectures", fix)


def _commit_and_tag(repository: Repository, wish: Wish, text: str, *, signed: bool) -> None:
    before = repository.git("rev-parse", "HEAD")
    paths = [*(each.path for each in version.PLACES), changelog.FILE]
    message = f"{wish.version.tag}\n\n{changelog.section(text, wish.version)}"
    try:
        version.write(repository.root, wish.version)
        (repository.root / changelog.FILE).write_text(text, encoding="utf-8")
        repository.commit(paths, f"Release {wish.version}")
        repository.tag(wish.version.tag, message, signed=signed)
    except BaseException:  # also whoever is asked for a passphrase and presses Ctrl-C
        if repository.has_tag(wish.version.tag):
            repository.git("tag", "--delete", wish.version.tag)
        repository.git("reset", "--quiet", "--soft", before)
        repository.git("checkout", "--force", before, "--", *paths)
        raise
    say(f"committed and tagged {wish.version.tag}{' (signed)' if signed else ' (not signed)'}")


def _write_files(repository: Repository, wish: Wish, pins: dict[str, str], target: Path) -> list[str]:
    """The source archive and the bills of materials; returns their names."""
    target.mkdir(parents=True, exist_ok=True)
    name = _name(repository.root, wish.version)
    archive.write(repository, wish.version.tag, name, target / f"{name}.tar.gz")
    names = [f"{name}.tar.gz"]
    for service in sbom.LOCKS:
        text = sbom.bill(repository.root, service, wish.version, _python(pins))
        names.append(f"{service}-{wish.version}.cdx.json")
        (target / names[-1]).write_text(text, encoding="utf-8")
    for each in names:
        say(f"dist/{wish.version.tag}/{each}")
    return names


def _build(repository: Repository, wish: Wish, pins: dict[str, str], target: Path) -> list[str]:
    for command in _commands(repository, wish, pins, target):
        plain(shlex.join(command))
        if subprocess.run(command, cwd=repository.root, check=False).returncode:  # noqa: S603  # docker
            raise StackError(
                "an image could not be built: see above",
                f"{wish.version.tag} stays tagged: the same make release again goes on with it",
            )
    return [] if wish.push else [f"{name}-{wish.version}.oci.tar" for name in images.BUILT]


def _commands(repository: Repository, wish: Wish, pins: dict[str, str], target: Path) -> list[list[str]]:
    revision = repository.git("rev-parse", "HEAD")
    return images.commands(
        wish.version, revision, wish.registry or "insa", pins, None if wish.push else target
    )


def _tell(
    repository: Repository, wish: Wish, key: Key | None, pins: dict[str, str], target: Path, *, begun: bool
) -> None:
    """What would be done, as commands; nothing is written."""
    name, tag = _name(repository.root, wish.version), wish.version.tag
    if not begun:
        plain(f"# would write {wish.version} into {', '.join(each.path for each in version.PLACES)}")
        plain(f"# would cut {changelog.FILE}: ## {wish.version} - {wish.day.isoformat()}")
        plain(f"git commit --message 'Release {wish.version}'")
        plain(f"git tag {'--sign' if key else '--annotate'} {tag}")
    plain(f"git archive --format=tar --prefix={name}/ {tag} | gzip --no-name > dist/{tag}/{name}.tar.gz")
    plain(
        f"# would write dist/{tag}/: " + ", ".join(f"{each}-{wish.version}.cdx.json" for each in sbom.LOCKS)
    )
    if wish.push:
        plain(f"git push --atomic origin HEAD {tag}")
    if wish.images:
        relative = target.relative_to(repository.root)
        for command in _commands(repository, wish, pins, relative):
            plain(shlex.join(command))
    plain(f"# would write dist/{tag}/{archive.SUMS}" + (f" and {archive.SUMS}{key.suffix}" if key else ""))


def _name(root: Path, of: Version) -> str:
    project = tomllib.loads((root / version.BUNDLE.path).read_text(encoding="utf-8"))["project"]
    return f"{project['name']}-{of}"


def _python(pins: dict[str, str]) -> str:
    """The Python of the images: 3.14 of python:3.14-slim."""
    return pins["PYTHON_IMAGE"].partition(":")[2].partition("-")[0]
