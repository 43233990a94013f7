"""The detached signature of a release's checksums, by the key with which git signs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from release.repository import Repository
from stack.errors import StackError

NAMESPACE = "file"  # what ssh-keygen -Y calls the purpose of a signature


@dataclass(frozen=True, slots=True)
class Key:
    """A key of ssh or of gpg, as git's user.signingKey names it."""

    kind: str
    name: str
    email: str

    @property
    def suffix(self) -> str:
        """What a signature's file ends in."""
        return ".sig" if self.kind == "ssh" else ".asc"

    def sign(self, path: Path) -> Path:
        """Write the signature beside a file."""
        signature = path.with_name(path.name + self.suffix)
        signature.unlink(missing_ok=True)
        if self.kind == "ssh":
            command = ["ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", str(Path(self.name).expanduser())]
        else:
            command = ["gpg", "--batch", "--armor", "--local-user", self.name, "--detach-sign"]
        command.append(str(path))
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # the user's key
        except OSError as error:
            raise StackError(
                f"{command[0]} cannot be run: {error.strerror}", f"install {command[0]}"
            ) from error
        if done.returncode:
            line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise StackError(f"{path.name} cannot be signed: {line}", "check git config user.signingKey")
        return signature

    def verify_command(self, file: str) -> str:
        """How a user verifies it."""
        if self.kind == "ssh":
            named = f"-f allowed_signers -I {self.email} -n {NAMESPACE}"
            return f"ssh-keygen -Y verify {named} -s {file}.sig < {file}"
        return f"gpg --verify {file}.asc {file}"


def key_of(repository: Repository) -> Key | None:
    """The key that git is configured to sign with; None: none is."""
    name = repository.setting("user.signingKey")
    if name is None:
        return None
    kind = repository.setting("gpg.format") or "openpgp"
    if kind not in ("ssh", "openpgp"):
        raise StackError(f"gpg.format is {kind!r}", "sign with ssh or openpgp: git config gpg.format ssh")
    return Key(kind, name, repository.setting("user.email") or "")
