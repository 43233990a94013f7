"""How a text is followed: which of its blocks are typed, which are files, and what stops it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from readme.walk import Step, Walk, WalkError, section, steps
from waiting import wait_for

TEXT = """\
# Title

## One

Words, and `a/file.txt`:

```yaml
port: 8100
```

```sh
cat a/file.txt
sleep 600 > /dev/null &
echo $! > pid
```

## Two

```sh
false
```
"""


def walk(text: str, directory: Path) -> Walk:
    return Walk(steps(text), directory, {"8100": "1234"}, dict(os.environ))


def state_of(pid: int) -> str:
    """Whether a process is there; a zombie that nobody has waited for yet is gone."""
    with contextlib.suppress(FileNotFoundError):
        return (
            "gone" if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z" else "there"
        )
    return "gone"


def test_a_section_ends_where_the_next_begins() -> None:
    assert "port: 8100" in section(TEXT, "One")
    assert "false" not in section(TEXT, "One")
    assert section(TEXT, "Two").strip() == "```sh\nfalse\n```"
    with pytest.raises(WalkError, match="no section is called 'Three'"):
        section(TEXT, "Three")


def test_a_heading_inside_of_a_block_is_none() -> None:
    text = "## One\n\n`page.md`:\n\n```markdown\n## Meaning\n```\n\n```sh\ntrue\n```\n\n## Two\n"
    assert steps(section(text, "One")) == [Step("## Meaning\n", "page.md"), Step("true\n")]


def test_a_block_is_a_file_only_after_a_line_with_its_name_alone() -> None:
    with pytest.raises(WalkError, match="a block of yaml needs a path before it"):
        steps(section(TEXT, "One"))  # "Words, and" stand before the name
    text = section(TEXT, "One").replace("Words, and ", "")
    assert [step.path for step in steps(text)] == ["a/file.txt", None]
    assert steps(text)[0] == Step("port: 8100\n", "a/file.txt")


def test_steps_are_taken_in_order_with_what_was_moved_and_nothing_runs_on(tmp_path: Path) -> None:
    made = walk(section(TEXT, "One").replace("Words, and ", ""), tmp_path)
    assert made.until("a/file.txt") == ""
    assert (tmp_path / "a/file.txt").read_text() == "port: 1234\n"
    assert not made.is_over
    assert made.until("cat") == "port: 1234\n"
    assert made.is_over
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 0)
    made.end()
    wait_for("gone", lambda: state_of(pid), "the end of what runs in the background")
    with pytest.raises(WalkError, match="no step with 'cat' is left"):
        made.until("cat")


def test_a_command_that_fails_stops_it_with_what_was_printed(tmp_path: Path) -> None:
    made = walk("```sh\necho before\nfalse\necho after\n```\n", tmp_path)
    with pytest.raises(WalkError, match=r"exit code 1 of\n(.*\n)*before\n$"):
        made.until("false")
