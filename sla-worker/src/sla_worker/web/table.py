"""A list of the API as JSON, or as a table: nested values have dotted names, nothing is a formula."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sla_worker.web.http import CSV, Answer, json_answer
from sla_worker.web.request import Request


def listed(request: Request, value: Mapping[str, Any]) -> Answer:
    """The value as JSON, or its list as CSV if that is asked for; `next` is then in a header."""
    if not request.as_csv:
        return json_answer(value)
    headers = {"Content-Disposition": f'attachment; filename="{request.operation.rows}.csv"'}
    if value.get("next") is not None:
        headers["X-Next-Cursor"] = str(value["next"])
    text = as_csv(value[request.operation.rows or ""])
    return Answer(text.encode("utf-8", "replace"), CSV, 200, headers)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a row under the names of all values that any row has; what is not known is empty."""
    from sla_worker.render.data import harmless  # noqa: PLC0415 - only who asks for a table

    flat = [_flat(each) for each in rows]
    names = list(dict.fromkeys(name for each in flat for name in each))
    written = io.StringIO()
    out = csv.writer(written, lineterminator="\r\n")
    out.writerow([harmless(name) for name in names])
    out.writerows([harmless(each.get(name)) for name in names] for each in flat)
    return written.getvalue()


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        elif isinstance(value, list | tuple):
            simple = all(isinstance(each, str | int | float) for each in value)
            found[before + name] = (
                " ".join(map(str, value)) if simple else json.dumps(value, ensure_ascii=False, default=str)
            )
        elif isinstance(value, bool):
            found[before + name] = "true" if value else "false"
        else:
            found[before + name] = value
    return found
