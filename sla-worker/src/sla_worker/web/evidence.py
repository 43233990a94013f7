"""The evidence of a frozen month, to download: made by a child process, and handed out as a file."""

from __future__ import annotations

from sla_worker.archives import BeingMadeError
from sla_worker.errors import DatabaseError, SLAWorkerError
from sla_worker.web.http import ZIP, Answer, Download, HTTPError
from sla_worker.web.months import found
from sla_worker.web.request import Parts, Request

_SOON = {"Retry-After": "5"}


def archive(parts: Parts, request: Request) -> Answer:
    """The archive of a revision, by default of the newest; 503 while it is being made."""
    month = found(parts, request)
    try:
        path = parts.pages.archives.get(month)
    except BeingMadeError as error:
        raise HTTPError(503, str(error), _SOON) from error
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(409, str(error)) from error
    name = f"sla-evidence-{month.month}-r{month.revision}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Download(b"", ZIP, 200, headers, path)
