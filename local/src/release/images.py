"""The images of a release, for amd64 and arm64, by `docker buildx`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from release.version import Version

PLATFORMS = ("linux/amd64", "linux/arm64")
BUILT = {
    "sla-worker": ("PYTHON_IMAGE",),
    "demo-app": ("PYTHON_IMAGE",),
    "mailhog": ("GOLANG_IMAGE", "ALPINE_IMAGE"),
    "victoriametrics": ("VMSTORAGE_IMAGE",),
}
"""The directory of each image, and the pins of .env.example that its Dockerfile takes."""


def commands(
    version: Version, revision: str, registry: str, pins: Mapping[str, str], target: Path | None
) -> list[list[str]]:
    """One command an image. `target` is the directory for archives of OCI; None: pushed to the registry."""
    made = []
    for name, arguments in BUILT.items():
        image = f"{registry}/{name}:{version}"
        out = (
            ["--provenance=true", "--sbom=true", "--push"]
            if target is None
            else [f"--output=type=oci,dest={target}/{name}-{version}.oci.tar"]
        )
        made.append(
            [
                *("docker", "buildx", "build", f"--platform={','.join(PLATFORMS)}"),
                *(f"--build-arg={each}={pins[each]}" for each in arguments),
                f"--label=org.opencontainers.image.revision={revision}",
                f"--tag={image}",
                *out,
                f"./{name}",
            ]
        )
    return made
