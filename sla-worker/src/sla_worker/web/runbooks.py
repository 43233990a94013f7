"""The runbooks of a directory: which there are, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sla_worker.render.pages import runbook_index, runbook_page
from sla_worker.web.http import HTML, Answer, HTTPError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


class Runbooks:
    """Markdown files named after their alert, in a directory that may be missing, and links for each page."""

    def __init__(self, directory: Path | None, links: Mapping[str, str]) -> None:
        self._directory = directory
        self._links = links

    def index(self) -> Answer:
        """The list of them."""
        return Answer(runbook_index(sorted(self._files()), self._links).encode(), HTML)

    def page(self, name: str) -> Answer:
        """One of them. Raises 404, and 503 when its file cannot be read."""
        # The name is looked up in the directory's listing and never joined to a path.
        file = self._files().get(name)
        if file is None:
            raise HTTPError(404, f"there is no runbook {name}; /runbooks/ lists all runbooks")
        try:
            markdown = file.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise HTTPError(503, f"the runbook {name} cannot be read ({error.strerror})") from error
        return Answer(runbook_page(name, markdown, self._links).encode("utf-8", "replace"), HTML)

    def _files(self) -> dict[str, Path]:
        if self._directory is None:
            return {}
        try:
            return {
                each.stem: each
                for each in self._directory.glob("*.md")
                if _NAME.fullmatch(each.stem) and each.is_file()
            }
        except OSError:  # a directory that may not be read shows nothing, as one that is not there
            return {}
