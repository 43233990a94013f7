"""Frozen months over HTTP: what was frozen is handed out as it was frozen."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sla_worker.errors import DatabaseError, SLAWorkerError
from sla_worker.web.http import HTML, JSON, TEXT, Answer, HTTPError, json_answer
from sla_worker.web.pages import Pages

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from sla_worker.model import FrozenMonth

API, PAGE = "/api/months", "/months"
_PREFIXES = (f"{API}/", f"{PAGE}/")


def is_one(path: str) -> bool:
    """Whether a path names a month."""
    return path.startswith(_PREFIXES)


def listed(pages: Pages) -> Answer:
    """Every revision of every month, oldest first."""
    return json_answer({"months": [asdict(each) for each in pages.months()]})


def page(pages: Pages) -> Answer:
    """The same as a page, the newest first."""
    return Answer(pages.months_page().encode("utf-8", "replace"), HTML)


def one(pages: Pages, path: str, environ: WSGIEnvironment) -> Answer:
    """A month as JSON or as text, byte by byte as it was frozen; `revision=N`, by default the newest."""
    as_json = path.startswith(f"{API}/")
    label = path.removeprefix(f"{API}/" if as_json else f"{PAGE}/")
    month = _found(pages, label, _revision(environ))
    headers = {"ETag": f'"{month.sha256}"'} if as_json else {}
    return Answer(pages.frozen(month, as_json=as_json).encode(), JSON if as_json else TEXT, 200, headers)


def _found(pages: Pages, label: str, revision: int | None) -> FrozenMonth:
    try:
        return pages.month(label, revision)
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(400 if str(error).startswith("invalid") else 404, str(error)) from error


def _revision(environ: WSGIEnvironment) -> int | None:
    text = parse_qs(environ.get("QUERY_STRING", "")).get("revision", [None])[-1]
    if text is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        raise HTTPError(400, f"revision={text[:40]}: give a whole number from 1 to 99999")
    return int(text)
