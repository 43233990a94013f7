"""Words that this project does not use, as a native engineer would not: each with what stands instead."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWN = "tests/contract/test_words.py"
LEFT_OUT = re.compile(r"^CHANGELOG\.md$|\.lock$|(^|/)package-lock\.json$|^tests/fonts/|^LICENSE$")
"""What is history, made by a tool, or the words of others; and this file."""

WORDS = {
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"\banew\b": "again",
    r"\b(ills?|illness(es)?)\b": "unhealthy, in trouble",
    r"[}'\"`] (is|are) no (?!longer\b|more\b)\w": "invalid …: value",
    r"(?<!there )\b(is|are) no (port|setting|duration|directory|YAML|step|number)\b": "invalid port: value",
    r"\b(was|were) not told\b": "went unreported",
    r"\btells (that|which|what|whether|why|how|since|where|when|of)\b": "says, shows, reports",
    r"(?<!all )\b(is|are) (not )?well\b(?! \w+(ed|en)\b)": "healthy, unhealthy",
}


def texts() -> list[tuple[str, str]]:
    """The path and the text of every text file in version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    found = []
    for name in listed:
        path = ROOT / name
        if not name or name == OWN or LEFT_OUT.search(name) or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((name, content.decode("utf-8")))
    return found


def lines_with(pattern: str, text: str) -> list[int]:
    """The numbers of the lines that hold a word."""
    word = re.compile(pattern, re.IGNORECASE)
    return [number for number, line in enumerate(text.splitlines(), start=1) if word.search(line)]


@pytest.mark.parametrize(("word", "instead"), WORDS.items(), ids=lambda value: value)
def test_no_file_holds_the_word(word: str, instead: str) -> None:
    found = [f"{name}:{number}" for name, text in texts() for number in lines_with(word, text)]
    assert found == [], f"write {instead}"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("error: 70000 is no port", 1),
        ("f'{value} is no size'", 1),
        ("it is no longer a port, there is no port", 0),
        ("Mend the fence, amend the text", 1),
        ("all is well; the words are well chosen", 0),
        ("the worker is well, the cache is not well", 2),
        ("it tells which file, it tells you which file", 1),
        ("a failure was not told", 1),
    ],
)
def test_the_list_finds_what_it_should_and_nothing_else(text: str, count: int) -> None:
    assert sum(len(re.findall(word, text, re.IGNORECASE)) for word in WORDS) == count


def test_the_list_looks_at_messages_documents_and_pages_alike() -> None:
    suffixes = {Path(name).suffix for name, _ in texts()}
    assert {".py", ".md", ".yml", ".html", ".js", ".tmpl", ".toml", ".sh"} <= suffixes
