"""Bills of materials: what the image of each Python service installs, as CycloneDX JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.version import Version
from stack.errors import StackError

LOCKS = {
    "sla-worker": ("sla-worker/requirements.lock", "sla-worker/postgresql.lock"),
    "demo-app": ("demo-app/requirements.lock",),
}
"""The lock files that the Dockerfile of each service installs."""

# What an image is, for the markers of the lock files.
_INSIDE = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of a lock file."""

    name: str
    version: str


def bill(root: Path, service: str, version: Version, python: str) -> str:
    """What a service of that version has in its image with that Python; raises StackError.

    The same bytes whenever it is made: the serial number is of the service and its version.
    """
    project = tomllib.loads((root / service / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {each.name: _component(each) for path in LOCKS[service] for each in locked(root / path, python)}
    own = Component(
        name=service,
        version=str(version),
        type=ComponentType.APPLICATION,
        description=project["description"],
        bom_ref=f"{service}@{version}",
    )
    direct = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    if absent := sorted(direct - parts.keys()):
        raise StackError(f"{service}: no lock file has {', '.join(absent)}", "make lock")
    bom = Bom(
        components=parts.values(),
        metadata=BomMetaData(component=own),
        serial_number=uuid5(NAMESPACE_URL, f"urn:{service}:{version}"),
        dependencies=[
            Dependency(own.bom_ref, [Dependency(parts[name].bom_ref) for name in sorted(direct)]),
            *(Dependency(each.bom_ref) for each in parts.values()),
        ],
    )
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise StackError(f"{service}: the bill of materials does not fit CycloneDX 1.6: {error}")
    return text


def locked(path: Path, python: str) -> Iterator[Locked]:
    """What a lock file installs on Linux with that Python."""
    inside = _INSIDE | {"python_version": python, "python_full_version": f"{python}.0"}
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        words = line.partition("--hash=")[0].strip()
        if not words or words.startswith("#"):
            continue
        requirement = Requirement(words)
        if requirement.marker is None or requirement.marker.evaluate(inside):
            [pin] = requirement.specifier
            yield Locked(canonicalize_name(requirement.name), pin.version)


def _component(locked: Locked) -> Component:
    purl = PackageURL("pypi", None, locked.name, locked.version)
    return Component(name=locked.name, version=locked.version, purl=purl, bom_ref=str(purl))
