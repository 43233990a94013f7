"""The page for people: one document with its own styles and scripts, all of them files of this package."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

DOCUMENT: Final = "index.html"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page and its media type."""

    content: bytes
    media_type: str


def load_assets() -> dict[str, Asset]:
    """Return the files of the page by name, the document among them."""
    directory = resources.files("demo_app") / "page_files"
    return {
        file.name: Asset(file.read_bytes(), MEDIA_TYPES[f".{file.name.rpartition('.')[2]}"])
        for file in sorted(directory.iterdir(), key=lambda file: file.name)
    }


def wants_page(accept: str) -> bool:
    """Return whether the sender of this Accept header prefers HTML to JSON.

    A browser would; curl and others that take anything get JSON.
    """
    return _quality(accept, "text", "html") > _quality(accept, "application", "json")


def _quality(accept: str, kind: str, subtype: str) -> float:
    """Return how much a media type is wanted, 0 to 1; the entry that says most of it counts (RFC 9110)."""
    ranges = [f"{kind}/{subtype}", f"{kind}/*", "*/*"]
    found = {
        name.strip().lower(): _weight(parameters)
        for name, _, parameters in (entry.partition(";") for entry in accept.split(","))
    }
    return next((found[each] for each in ranges if each in found), 0.0)


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
