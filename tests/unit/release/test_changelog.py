"""CHANGELOG.md is cut without a change of any other line."""

from __future__ import annotations

import datetime as dt

import pytest

from release.changelog import cut, section
from release.version import Version
from stack.errors import StackError

DAY = dt.date(2026, 11, 26)
BEFORE = """# Changelog

Words.

## Unreleased

### Added

- A thing.

## 0.1.0 - 2026-01-02

- The first.
"""
AFTER = """# Changelog

Words.

## Unreleased

## 0.2.0 - 2026-11-26

### Added

- A thing.

## 0.1.0 - 2026-01-02

- The first.
"""


def test_what_is_unreleased_becomes_the_section_of_the_version() -> None:
    assert cut(BEFORE, Version(0, 2, 0), DAY) == AFTER
    assert section(AFTER, Version(0, 2, 0)) == "### Added\n\n- A thing.\n"
    assert section(AFTER, Version(0, 1, 0)) == "- The first.\n"


def test_the_first_release_has_nothing_below_it() -> None:
    text = "# Changelog\n\n## Unreleased\n\n- A thing.\n"
    assert cut(text, Version(1, 0, 0), DAY) == (
        "# Changelog\n\n## Unreleased\n\n## 1.0.0 - 2026-11-26\n\n- A thing.\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (AFTER, "nothing is under ## Unreleased"),
        ("## Unreleased\n\n### Added\n\n## 0.1.0\n\n- x\n", "nothing is under ## Unreleased"),
        ("# Changelog\n", "0 sections ## Unreleased"),
        (BEFORE.replace("0.1.0", "0.2.0"), "has a section 0.2.0 already"),
    ],
)
def test_what_cannot_be_cut_is_refused(text: str, said: str) -> None:
    with pytest.raises(StackError, match=said):
        cut(text, Version(0, 2, 0), DAY)


def test_a_version_that_is_not_there_has_no_section() -> None:
    with pytest.raises(StackError, match=r"has no section 3\.0\.0"):
        section(AFTER, Version(3, 0, 0))
