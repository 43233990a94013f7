"""What a test needs another way is given to the code, not put over what a module of ours holds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {
    path.name
    for source in ("sla-worker/src", "demo-app/src", "local/src", "grafana/src")
    for path in (ROOT / source).iterdir()
    if (path / "__init__.py").is_file()
}
PUTS = {"setattr", "setitem", "delattr", "delitem", "patch", "object"}
"""The methods of pytest's monkeypatch, and of unittest.mock's patch."""


def patched(tree: ast.AST) -> Iterator[int]:
    """The lines that put something over a module, a class or a table of ours."""
    names = set(imported(tree))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in PUTS
            and node.args
        ):
            first = node.args[0]
            text = first.value if isinstance(first, ast.Constant) else ast.unparse(first)
            begin = re.split(r"\W", str(text))[0]
            if begin in (OURS if isinstance(first, ast.Constant) else names):
                yield node.lineno


def imported(tree: ast.AST) -> Iterator[str]:
    """The names that stand for something of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            yield from (each.asname or each.name for each in node.names)
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] in OURS:
                    yield each.asname or each.name.partition(".")[0]


def test_no_test_patches_what_a_module_holds() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in patched(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == [], "give it to the function or the class instead"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("from stack import cli\nmonkeypatch.setattr(cli, 'run', f)", 1),
        ("from stack import cli as it\nmonkeypatch.setattr(it.checks, 'run', f)", 1),
        ("from stack.cli import COMMANDS\nmonkeypatch.setitem(COMMANDS, 'up', f)", 1),
        ("import sla_worker.cli\nmock.patch.object(sla_worker.cli, 'run')", 1),
        ("monkeypatch.setattr('stack.cli.run', f); mock.patch('sla_worker.cli.run')", 2),
        ("monkeypatch.setattr(sys, 'stdout', f); monkeypatch.setenv('stack', 'x')", 0),
        ("from stack.cli import Stack\nmonkeypatch.setattr(Stack(), 'run', f)", 1),
        ("from stack.cli import Stack\nmade = Stack()\nmonkeypatch.setattr(made, 'run', f)", 0),
    ],
)
def test_the_kinds_are_found(text: str, count: int) -> None:
    assert len(list(patched(ast.parse(text)))) == count
