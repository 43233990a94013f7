"""What a release builds runs on amd64 and arm64 alike, and installs what its lock files name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from release.images import BUILT, PLATFORMS, commands
from release.version import Version
from stack.envfile import read

ROOT = Path(__file__).resolve().parents[2]
FILES = {path.parent.name: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*/Dockerfile"))}
# Words that name an architecture, as Docker, Debian, Go, Python and the kernel call them.
ARCHITECTURE = re.compile(
    r"amd64|x86|arm64|aarch64|armv\d|i[36]86|GOARCH|TARGETARCH|--platform", re.IGNORECASE
)


def built() -> dict[str, set[str]]:
    """The directories that the files of Compose build from, and the arguments of each."""
    found = {}
    for file in ROOT.glob("docker-compose*.yml"):
        # Compose's own marks, like !override, say how files are merged: here each is read by itself.
        document = yaml.safe_load(re.sub(r" ![a-z]+\b", "", file.read_text(encoding="utf-8")))
        for each in (part["build"] for part in document["services"].values() if "build" in part):
            found[each["context"].removeprefix("./")] = set(each["args"])
    return found


def test_every_image_of_ours_is_released() -> None:
    assert set(FILES) == set(BUILT)
    # With the same arguments, whose values are the pins of .env.example.
    assert built() == {name: set(arguments) for name, arguments in BUILT.items()}
    made = commands(Version(1, 2, 3), "r", "team", read(ROOT / ".env.example"), None)
    assert all(f"--platform={','.join(PLATFORMS)}" in command for command in made)


@pytest.mark.parametrize("name", FILES)
def test_a_dockerfile_names_no_architecture(name: str) -> None:
    lines = [line for line in FILES[name].splitlines() if not line.lstrip().startswith("#")]
    assert [line for line in lines if ARCHITECTURE.search(line)] == []
    # Nothing is fetched but by the package managers, which choose by the machine's architecture.
    assert [line for line in lines if re.search(r"\b(curl|wget|ADD)\b.*http", line)] == []


def test_images_install_by_hash_alone() -> None:
    for name in ("sla-worker", "demo-app"):
        installs = re.findall(r"pip install (.*)", FILES[name])
        assert installs
        for words in installs:
            assert "--require-hashes" in words or words.startswith("--no-deps --no-build-isolation ."), words
    assert "-mod=readonly" in FILES["mailhog"]
