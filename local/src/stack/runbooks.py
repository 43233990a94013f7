"""Each alert has a runbook: its mail links to one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stack import checks
from stack.errors import StackError
from stack.settings import Instance
from stack.yaml_nodes import documents, items, line, text, value


def check(instance: Instance) -> int:
    """Return the number of alerts; StackError names those without a page in runbooks/, with file and line."""
    found = list(_alerts(checks.directories(instance)["prometheus"]))
    pages = instance.root / "runbooks"
    missing = [
        f"{checks.shown(path, instance.root)}:{number}: {name} has no runbook: no file runbooks/{name}.md"
        for path, number, name in found
        if not (pages / f"{name}.md").is_file()
    ]
    if missing:
        raise StackError(
            "\n".join(missing),
            "write the page, with the headings of its neighbours: Meaning, Impact, Diagnosis, Mitigation",
        )
    return len(found)


def _alerts(directory: Path) -> Iterator[tuple[Path, int, str]]:
    """The alerts of all rule files that prometheus.yml names: file, line, name."""
    config = directory / "prometheus.yml"
    patterns = [
        text(pattern) or ""
        for document in documents(config)
        for pattern in items(value(document, "rule_files"))
    ]
    for path in checks.matching(directory, patterns):
        for document in documents(path):
            for group in items(value(document, "groups")):
                for rule in items(value(group, "rules")):
                    name = value(rule, "alert")
                    if name is not None and (words := text(name)):  # promtool says what is wrong with others
                        yield path, line(name), words
