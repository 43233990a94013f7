"""One request as a handler sees it: its parameters, read as the table of operations declares them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sla_worker.web.http import HTTPError, read_body

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from sla_worker.again import Ask
    from sla_worker.maintaining import Correct, Maintain
    from sla_worker.web.operations import Operation, Parameter
    from sla_worker.web.pages import Pages
    from sla_worker.web.runbooks import Runbooks

_SHOWN = 40  # letters of a value in an error
_FIRST, _LAST = "1971-01-01T00:00Z", "9000-01-01T00:00Z"  # for one of from and to that is not given
_OFFSET = re.compile(r" (\d\d:?\d\d)$")  # what a + that nobody has escaped becomes


def as_given(message: str) -> str:
    """An error about a range, without an end that nobody has given."""
    return message.replace(f"{_FIRST}/", "").replace(f"/{_LAST}", "")


@dataclass(frozen=True, slots=True)
class Parts:
    """What handlers answer from. `public`: for everybody, on an address of its own."""

    pages: Pages
    runbooks: Runbooks
    again: Ask
    maintain: Maintain
    correct: Correct
    ledger: str
    public: bool = False


@dataclass(frozen=True)
class Request:
    """`values` are those of the path."""

    environ: WSGIEnvironment
    operation: Operation
    values: Mapping[str, str]

    @cached_property
    def _query(self) -> Mapping[str, list[str]]:
        try:
            return parse_qs(self.environ.get("QUERY_STRING", ""), keep_blank_values=True)
        except ValueError as error:  # more fields than anybody needs
            raise HTTPError(400, f"the query cannot be read: {error}") from error

    def _declared(self, name: str) -> Parameter:
        [found] = [each for each in self.operation.parameters if each.name == name]
        return found

    def check_names(self) -> None:
        """Raises 400 for a parameter that is not declared: its default would be answered without a word."""
        declared = [each.name for each in self.operation.parameters if each.name not in self.values]
        unknown = [name for name in self._query if name not in declared]
        if unknown:
            known = f"takes {', '.join(declared)}" if declared else "takes no parameter"
            raise HTTPError(400, f"unknown parameter: {unknown[0][:_SHOWN]}; {self.operation.path} {known}")

    def given(self, name: str) -> bool:
        """Whether it is there, with a value or without."""
        return name in self._query

    def optional(self, name: str) -> str | None:
        """The value, else its default, else None. Raises 400 for one that is required or not a choice."""
        declared = self._declared(name)
        text = self.values.get(name) or self._query.get(name, [""])[-1] or declared.default
        if text is None:
            if declared.missing is not None:
                raise HTTPError(400, f"{name} is missing: {declared.missing}")
            return None
        if declared.choices and text not in declared.choices:
            few = len(declared.choices) == 2  # noqa: PLR2004 - two are joined by a word
            fix = " or ".join(declared.choices) if few else f"one of {', '.join(declared.choices)}"
            raise HTTPError(400, f"{name}={text[:_SHOWN]}: give {fix}")
        return text

    def text(self, name: str) -> str:
        """As `optional`, of a parameter that has a default or is required."""
        found = self.optional(name)
        assert found is not None, name  # noqa: S101 - the table says so
        return found

    def optional_number(self, name: str) -> int | None:
        """A whole number within its bounds."""
        declared, text = self._declared(name), self.optional(name)
        if text is None:
            return None
        least, most = declared.least or 0, declared.most or 0
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise HTTPError(400, f"{name}={text[:_SHOWN]}: give a whole number from {least} to {most}")
        return int(text)

    def number(self, name: str) -> int:
        """As `optional_number`, of a parameter that has a default."""
        found = self.optional_number(name)
        assert found is not None, name  # noqa: S101 - the table says so
        return found

    def range(self) -> str | None:
        """`from` and `to` as FROM/TO, as spans.py reads it; None where neither is given."""
        begin, until = self.optional("from"), self.optional("to")
        if begin is None and until is None:
            return None
        found = (begin or _FIRST, until or _LAST)
        return "/".join(_OFFSET.sub(r"+\1", each) for each in found)

    @property
    def as_csv(self) -> bool:
        """Whether the list is asked for as a table."""
        return self.operation.rows is not None and self.text("format") == "csv"

    def body(self) -> bytes:
        """The whole body. Raises 415, 411, 413 or 400."""
        return read_body(self.environ)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError or RecursionError."""
        return json.loads(self.body())
