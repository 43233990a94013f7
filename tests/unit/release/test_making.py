"""A release in a repository of its own: what refuses it, what it makes, and that nothing leaves unasked."""

from __future__ import annotations

import datetime as dt
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from release import archive, version
from release.__main__ import main
from release.making import Wish, make
from release.repository import Repository
from release.sbom import LOCKS
from release.version import Version

ROOT = Path(__file__).resolve().parents[3]
CHANGES = "# Changelog\n\n## Unreleased\n\n- A thing that users see.\n"
FILES = (
    *(place.path for place in version.PLACES),
    *(lock for locks in LOCKS.values() for lock in locks),
    *(f"{service}/pyproject.toml" for service in LOCKS),
    ".env.example",
    ".gitignore",
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The files that a release reads, at version 0.1.0, in one commit of a fixed time."""
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
        "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    }.items():
        monkeypatch.setenv(name, value)
    root = tmp_path / "bundle"
    for path in FILES:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes((ROOT / path).read_bytes())
    version.write(root, Version(0, 1, 0))
    (root / "CHANGELOG.md").write_text(CHANGES)
    made = Repository(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("config", "user.name", "Ann")
    made.git("config", "user.email", "ann@example.com")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "All")
    return made


def ssh_key(repository: Repository, directory: Path) -> None:
    """Have git sign with a key of ssh."""
    key = directory / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (directory / "allowed_signers").write_text(f"ann@example.com {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingKey": str(key),
        "gpg.ssh.allowedSignersFile": str(directory / "allowed_signers"),
    }.items():
        repository.git("config", name, value)


def state(repository: Repository) -> tuple[str, str, str]:
    return repository.git("rev-parse", "HEAD"), repository.git("tag"), repository.git("status", "--porcelain")


def dirty(repository: Repository) -> None:
    (repository.root / "new").touch()


def empty(repository: Repository) -> None:
    (repository.root / "CHANGELOG.md").write_text("## Unreleased\n\n## 0.1.0\n\n- x\n")
    repository.git("commit", "--quiet", "--all", "--message", "empty")


def tagged(repository: Repository) -> None:
    repository.git("tag", "v0.2.0")


@pytest.mark.parametrize(
    ("spoil", "words", "said"),
    [
        (dirty, ["0.2.0"], "error: not committed: new\n"),
        (empty, ["0.2.0"], "error: CHANGELOG.md: nothing is under ## Unreleased\n"),
        (tagged, ["0.2.0"], "error: there is a tag v0.2.0 already\n"),
        (lambda _: None, ["0.1.0"], "error: 0.1.0 is not greater than 0.1.0\n"),
        (lambda _: None, ["0.0.9"], "error: 0.0.9 is not greater than 0.1.0\n"),
        (lambda _: None, ["next"], "error: not a version: 'next'\n"),
        (lambda _: None, ["0.2.0", "--push"], "error: PUSH=1 needs a registry for the images\n"),
    ],
)
def test_what_speaks_against_a_release_is_said_and_nothing_is_written(
    repository: Repository,
    spoil: Callable[[Repository], None],
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoil(repository)
    before = state(repository)
    assert main([*words, "--dry-run"], repository.root) == 1
    assert capsys.readouterr().err.startswith(said)
    assert state(repository) == before


def test_a_dry_run_prints_the_commands_and_writes_nothing(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(repository)
    words = ["0.2.0", "--dry-run", "--push", "--registry", "registry.example.com/team"]
    assert main(words, repository.root) == 0
    said = capsys.readouterr().out.splitlines()
    assert "git tag --annotate v0.2.0" in said
    assert "git push --atomic origin HEAD v0.2.0" in said
    [worker] = [
        line for line in said if line.startswith("docker buildx build") and line.endswith("./sla-worker")
    ]
    assert "--platform=linux/amd64,linux/arm64" in worker
    assert "--tag=registry.example.com/team/sla-worker:0.2.0 " in worker
    assert " --push " in worker
    assert f"--label=org.opencontainers.image.revision={before[0]}" in worker
    assert state(repository) == before
    assert not (repository.root / "dist").exists()
    assert main(["0.2.0", "--dry-run"], repository.root) == 0
    assert "push" not in capsys.readouterr().out


def test_a_release_without_a_key_says_so_and_its_files_can_be_checked(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["0.2.0", "--no-images"], repository.root) == 0

    said = capsys.readouterr().out
    assert "tag and checksums are NOT signed" in said
    assert "Nothing was pushed" in said
    assert repository.git("log", "-1", "--format=%s") == "Release 0.2.0"
    assert repository.changed() == []
    assert "A thing that users see." in repository.git("tag", "--list", "--format=%(contents)", "v0.2.0")
    assert all(place.read(repository.root) == Version(0, 2, 0) for place in version.PLACES)
    made = repository.root / "dist" / "v0.2.0"
    names = ["demo-app-0.2.0.cdx.json", "insa-observability-0.2.0.tar.gz", "sla-worker-0.2.0.cdx.json"]
    assert sorted(each.name for each in made.iterdir()) == sorted([*names, "SHA256SUMS"])
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=made, capture_output=True, text=True, check=True
    )
    assert checked.stdout == "".join(f"{name}: OK\n" for name in names)
    # The archive is what git has, below one directory, with the time of the commit: the same bytes again.
    archive.write(repository, "v0.2.0", "insa-observability-0.2.0", made / "again")
    assert (made / "again").read_bytes() == (made / names[1]).read_bytes()
    with tarfile.open(made / names[1]) as tar:
        files = {each.name: each for each in tar if each.isfile()}
    tracked = repository.git("ls-files").splitlines()
    assert sorted(files) == sorted(f"insa-observability-0.2.0/{each}" for each in tracked)
    assert {each.mtime for each in files.values()} == {1_767_323_045}  # 2026-01-02 03:04:05 UTC


def test_tag_and_checksums_are_signed_by_the_key_of_git(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ssh_key(repository, tmp_path)
    assert main(["0.2.0", "--no-images"], repository.root) == 0
    said = capsys.readouterr().out
    repository.git("tag", "--verify", "v0.2.0")
    # The command that it prints, as a user types it beside the files.
    [command] = [line.strip() for line in said.splitlines() if "ssh-keygen -Y verify" in line]
    made = repository.root / "dist" / "v0.2.0"
    (made / "allowed_signers").write_text((tmp_path / "allowed_signers").read_text())
    subprocess.run(command, shell=True, cwd=made, check=True, capture_output=True)  # noqa: S602  # its very words
    (made / "SHA256SUMS").write_text("another")
    assert subprocess.run(command, shell=True, cwd=made, check=False, capture_output=True).returncode  # noqa: S602


@pytest.mark.parametrize("part", ["commit", "tag"])
def test_a_release_that_git_refuses_leaves_all_as_it_was(
    repository: Repository, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if part == "commit":
        hook = repository.root / ".git" / "hooks" / "pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
        hook.chmod(0o755)
    else:
        repository.git("config", "gpg.format", "ssh")
        repository.git("config", "user.signingKey", "/no/such/key")
    before = state(repository)
    assert main(["0.2.0", "--no-images"], repository.root) == 1
    assert capsys.readouterr().err.startswith(f"error: git {part}: ")
    assert state(repository) == before
    assert version.current(repository.root) == Version(0, 1, 0)


@pytest.mark.parametrize("made", [False, True])
def test_whoever_gives_up_while_the_tag_is_signed_finds_all_as_it_was(
    repository: Repository, *, made: bool
) -> None:
    """The passphrase is asked for once the commit is there; else its version would be taken for good."""

    class GivenUp(Repository):
        def tag(self, name: str, message: str, *, signed: bool) -> None:
            if made:
                super().tag(name, message, signed=signed)
            raise KeyboardInterrupt

    before = state(repository)
    wish = Wish(Version(0, 2, 0), dt.date(2026, 1, 2), None, push=False, images=False, dry_run=False)
    with pytest.raises(KeyboardInterrupt):
        make(GivenUp(repository.root), wish)
    assert state(repository) == before
    assert main(["0.2.0", "--no-images"], repository.root) == 0


def test_a_release_whose_images_failed_is_gone_on_with(
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first image is built, then the builder has no more room; later it has."""
    programs = tmp_path / "bin"
    programs.mkdir()
    docker = programs / "docker"
    docker.write_text(
        '#!/bin/sh\n[ "$2" = version ] && exit\n'
        'case "$*" in *./demo-app) [ -e "$0.room" ] || exit 1 ;; esac\n'
        'for each; do case "$each" in --output=*) echo image >"${each#*dest=}" ;; esac; done\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    assert main(["0.2.0"], repository.root) == 1
    assert capsys.readouterr().err == (
        "error: an image could not be built: see above\n"
        "fix:   v0.2.0 stays tagged: the same make release again goes on with it\n"
    )
    (programs / "docker.room").touch()
    tagged_at = state(repository)
    assert main(["0.2.0", "--dry-run"], repository.root) == 0
    assert "git tag" not in capsys.readouterr().out
    assert main(["0.2.0"], repository.root) == 0
    assert state(repository) == tagged_at
    made = repository.root / "dist" / "v0.2.0"
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=made, capture_output=True, text=True, check=True
    )
    assert len(checked.stdout.splitlines()) == 3 + 4  # archive and two bills, four images
    assert main(["0.2.0"], repository.root) == 1  # it is complete
    assert "0.2.0 is not greater than 0.2.0" in capsys.readouterr().err


def test_commit_and_tag_are_pushed_when_asked_for(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "origin.git")
    subprocess.run(["git", "init", "--quiet", "--bare", other.root], check=True)
    repository.git("remote", "add", "origin", str(other.root))
    assert main(["0.2.0", "--no-images", "--push"], repository.root) == 0
    assert other.git("rev-parse", "v0.2.0^{commit}", "main") == repository.git("rev-parse", "HEAD", "HEAD")
