"""/api/openapi.json: the table of operations as OpenAPI 3.1."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from sla_worker import __version__
from sla_worker.web.http import CSV, Answer, json_answer
from sla_worker.web.operations import OPERATIONS, Operation, Parameter
from sla_worker.web.schemas import components

if TYPE_CHECKING:
    from sla_worker.web.request import Parts, Request

_ERROR = {"$ref": "#/components/schemas/Error"}
_TAGS = {
    "figures": "Compliance, measurements, breaches and what stands beside them. Times are epoch seconds,"
    " ratios 0 to 1; null is what is not known.",
    "status": "What is public, for the tools that people have: Statuspage's shape, Atom, iCalendar, badges.",
    "pages": "For people.",
    "machine": "Health, metrics and this document.",
    "changes": "Asked by Alertmanager and by commands. Needs the token of SLA_WEBHOOK_TOKEN if one is set.",
}


def document(_parts: Parts, _request: Request) -> Answer:
    """The description of every address."""
    return json_answer(described())


@cache
def described() -> dict[str, Any]:
    """The document. It is the same for every worker of this version."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sla-worker",
            "version": __version__,
            "summary": "Figures of SLAs, as the status page and the reports have them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": {each.path: {each.method.lower(): _operation(each)} for each in OPERATIONS},
        "components": {
            "schemas": components(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.handler.replace(".", "_")
        + ("_again" if operation.path.endswith("/") and operation.path != "/" else ""),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {
            "200": {"description": "The answer.", "content": _content(operation)},
            "default": {
                "description": "One line that says what is wrong.",
                "content": {"application/json": {"schema": _ERROR}},
            },
        },
    }
    if operation.parameters:
        found["parameters"] = [_parameter(operation, each) for each in operation.parameters]
    if operation.method == "POST":
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
        found["security"] = [{}, {"token": []}]
    return found


def _content(operation: Operation) -> dict[str, Any]:
    if operation.answer is None:
        return {operation.kind.partition(";")[0]: {"schema": {"type": "string"}}}
    kind = operation.kind.partition(";")[0]
    found: dict[str, Any] = {kind: {"schema": {"$ref": f"#/components/schemas/{operation.answer}"}}}
    if operation.rows is not None:
        found[CSV.partition(";")[0]] = {"schema": {"type": "string"}}
    return found


def _parameter(operation: Operation, parameter: Parameter) -> dict[str, Any]:
    in_path = re.search(rf"\{{{parameter.name}\}}", operation.path) is not None
    schema: dict[str, Any] = {"type": "string"}
    if parameter.most is not None:
        schema = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
        if parameter.default is not None:
            schema["default"] = int(parameter.default)
    elif parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.most is None and parameter.default is not None:
        schema["default"] = parameter.default
    found: dict[str, Any] = {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "description": parameter.words,
        "schema": schema,
    }
    if in_path or parameter.missing is not None:
        found["required"] = True
    return found
