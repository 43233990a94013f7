"""No test hangs on chance: how fast the machine is, and what others log meanwhile."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NOT_TESTS = ("benchmarks", "mutation", "readme/pictures.py", "waiting.py", "logged.py")
"""What measures, what runs by hand, and the two modules that everybody else goes by."""

HTTPX = {"get", "post", "put", "delete", "request", "Client"}
"""What waits for an answer, 5 s unless it is told otherwise."""


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, str]]:
    """Each call as `owner.name(…)`; without an owner "" stands in its place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            yield node, owner.id if isinstance(owner, ast.Name) else "", node.func.attr


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def sleeps(tree: ast.AST) -> Iterator[int]:
    """A fixed wait; one of 0 seconds only lets others have their turn."""
    for call, owner, name in calls(tree):
        fixed = owner in {"time", "asyncio"} and name == "sleep" and ast.unparse(call.args[0]) != "0"
        if fixed or name == "wait_for_timeout":
            yield call.lineno


def limits(tree: ast.AST) -> Iterator[int]:
    """A limit in seconds that `patience` does not stretch; a pause within a loop is none."""
    named = numbers(tree)
    pauses = {
        id(call) for node in ast.walk(tree) if isinstance(node, ast.While) for call in ast.walk(node.test)
    }
    for call, owner, name in calls(tree):
        given = [each.value for each in call.keywords if each.arg == "timeout"]
        if name in {"join", "wait"} and id(call) not in pauses:
            given += call.args[:1]
        unlimited = owner == "httpx" and name in HTTPX and not {"timeout", "transport"} & keywords(call)
        if unlimited or any(is_number(each) or ast.unparse(each) in named for each in given):
            yield call.lineno


def numbers(tree: ast.AST) -> set[str]:
    """The names that stand for a number."""
    return {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_number(node.value)
        for target in node.targets
    }


def reused(tree: ast.AST) -> Iterator[int]:
    """Kept connections: the server may close one just as a question is sent (`limits=NEW_CONNECTIONS`)."""
    for call, owner, name in calls(tree):
        if (owner, name) == ("httpx", "Client") and not {"limits", "transport"} & keywords(call):
            yield call.lineno


def keywords(call: ast.Call) -> set[str]:
    return {each.arg for each in call.keywords if each.arg}


def all_that_is_logged(tree: ast.AST) -> Iterator[int]:
    """All messages, of whatever logger: `logged.lines` has those of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"caplog.messages", "caplog.records"}:
            yield node.lineno


ALLOWED = {
    "unit/sla_worker/test_smtp.py": {"sleeps"},  # plays a name server that is slow
    "unit/sla_worker/take_over.py": {"sleeps"},  # until a leader is lost, at moments that are drawn
    "unit/sla_worker/test_take_over.py": {"sleeps"},  # plays a mail server that is slow
    "alerts/prerequisites.py": {"sleeps"},  # between two looks
    "alerts/engine.py": {"limits"},  # the pause of a loop, so that Ctrl-C is heard
}


@pytest.mark.parametrize("kind", [sleeps, limits, reused, all_that_is_logged], ids=lambda kind: kind.__name__)
def test_no_test_hangs_on_chance(kind: Callable[[ast.AST], Iterator[int]]) -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        name = path.relative_to(TESTS).as_posix()
        if not name.startswith(NOT_TESTS) and kind.__name__ not in ALLOWED.get(name, ()):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += [f"tests/{name}:{line}: {kind.__doc__}" for line in kind(tree)]
    assert found == []


@pytest.mark.parametrize(
    ("kind", "text", "count"),
    [
        (sleeps, "time.sleep(1); asyncio.sleep(0); page.wait_for_timeout(500)", 2),
        (limits, "process.wait(30); run(timeout=5)\nthread.join(patience(5))", 1),
        (limits, "subprocess.run(words, timeout=5)", 1),
        (limits, "LIMIT = 3\nsubprocess.run(words, timeout=LIMIT); run(timeout=patience(LIMIT))", 1),
        (reused, "httpx.Client(timeout=limit); httpx.Client(limits=NEW_CONNECTIONS)", 1),
        (reused, "httpx.Client(transport=httpx.MockTransport(answer)); requests.get(url)", 0),
        (limits, "while not done.wait(0.02): look()", 0),
        (limits, "httpx.get(url); httpx.get(url, timeout=limit); httpx.Client(transport=fake)", 1),
        (limits, "', '.join(names)", 0),
        (all_that_is_logged, "assert caplog.messages == [line]", 1),
    ],
)
def test_the_kinds_are_found(kind: Callable[[ast.AST], Iterator[int]], text: str, count: int) -> None:
    assert len(list(kind(ast.parse(text)))) == count
