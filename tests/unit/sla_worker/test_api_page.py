"""docs/api.md: every address with its parameters, and examples that work."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.web.operations import OPERATIONS, Operation
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_ledger import filled

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^curl '?localhost:8080(/[^'\s]*)'?", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = filled(tmp_path_factory.mktemp("examples"))
    yield made
    made.close()


def row(operation: Operation) -> str:
    """The row of the table that an address should have."""
    names = ", ".join(
        f"`{each.name}`" for each in operation.parameters if f"{{{each.name}}}" not in operation.path
    )
    method = "" if operation.method == "GET" else f"{operation.method} "
    return f"| `{method}{operation.path}` | {names} | {operation.summary} |"


def test_the_page_has_a_row_for_each_address_and_no_other() -> None:
    wanted = [row(each) for each in OPERATIONS]
    written = [line for line in PAGE.splitlines() if re.match(r"\| `(POST )?/", line)]
    assert sorted(written) == sorted(wanted)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_works(setting: Setting, path: str) -> None:
    status, body = setting.ask(path)
    assert status == "200 OK", body
    if "format=csv" not in path and not path.startswith(("/feed", "/maintenance", "/badge")):
        assert json.loads(body)
