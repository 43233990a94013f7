"""Links, commands and tests that the documents name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sla_worker.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(
    re.findall(
        r"^([a-z][a-z-]+)(?= ?[a-z-]*:)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
)
MADE = {"runbooks/ShopLosesOrders.md"}  # by the reader of the README
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> str:
    """What is marked as code: the rest is prose, where `make` is a word."""
    return "\n".join(CODE.findall(text_of(page)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_a_page_names_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text_of(page))
    assert [each for each in links if not (page.parent / each).exists()] == []
    named = re.findall(r"\b((?:docs|runbooks)/[\w-]+\.md)\b", text_of(page))
    assert [each for each in named if each not in MADE and not (ROOT / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_are_there(page: Path) -> None:
    code = code_of(page)
    assert set(re.findall(r"(?<!install )\bmake ([a-z][a-z-]+)", code)) - TARGETS == set()
    assert set(re.findall(r"sla_worker\.cli ([a-z]+)", code)) - set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_are_there(page: Path) -> None:
    for file, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", text_of(page)):
        assert re.search(rf"^def {name}\(", text_of(ROOT / file), re.MULTILINE), f"{file}::{name}"


def test_each_threat_names_a_test_that_holds_what_stops_it() -> None:
    page = text_of(ROOT / "docs" / "threat-model.md")
    table = page[page.index("## What stops them") : page.index("## What is left")]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 15
    assert [row for row in rows if "::test_" not in row] == []


def test_the_readme_leads_to_every_page() -> None:
    """A page that nothing leads to is not read; one step further than the README is near enough."""
    first = set(re.findall(r"docs/([\w-]+\.md)", text_of(ROOT / "README.md")))
    second = {name for page in first for name in re.findall(r"([\w-]+\.md)", text_of(ROOT / "docs" / page))}
    second |= set(re.findall(r"docs/([\w-]+\.md)", text_of(ROOT / "CONTRIBUTING.md")))
    assert {page.name for page in PAGES[2:]} - first - second == set()
