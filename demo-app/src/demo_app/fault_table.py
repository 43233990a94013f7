"""`python -m demo_app.fault_table [FILE]`: the faults as a page of Markdown, printed or written to a file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from demo_app.catalogue import CARRIED, SPECS, FaultSpec
from demo_app.fault_groups import group_of, groups_of
from demo_app.faults import (
    DEFAULT_DURATION_SECONDS,
    MAXIMUM_DURATION_SECONDS,
    MINIMUM_DURATION_SECONDS,
)

_CARRIED = ", ".join(f"`{name}`" for name in sorted(CARRIED))

INTRODUCTION = f"""\
# The faults of the demo-app

<!-- Generated from the catalogue: python -m demo_app.fault_table docs/faults.md -->

Each fault is injected at its cause and ends on its own, after {DEFAULT_DURATION_SECONDS:g} seconds by
default (from {MINIMUM_DURATION_SECONDS:g} to {MAXIMUM_DURATION_SECONDS:g}). Several can be active at once.
Start one on the page at http://localhost:8000, or with

```sh
curl -X POST localhost:8000/faults/latency -H 'content-type: application/json' \\
  -d '{{"intensity": 20, "duration_seconds": 900}}'
```

and end it with `curl -X DELETE localhost:8000/faults/latency`, or all of them with
`curl -X DELETE localhost:8000/faults`. With `DEMO_TOKEN` set, add `-H "Authorization: Bearer $DEMO_TOKEN"`.

The alerts are those that fire at the default or the maximum intensity, if the fault lasts long enough.
The metrics are those that move by a fifth or more. Nearly every fault also moves these, and
lists them only where they are its main sign: {_CARRIED}.
Tests run the app with each fault and check all of this.
"""

HEAD = """\
| fault | what breaks | intensity | metrics that move | alerts that must notice | SLAs that must notice |
|---|---|---|---|---|---|
"""


def document(specs: Sequence[FaultSpec]) -> str:
    """Return the page: an introduction, then a table for each part of the system."""
    tables = [
        f"\n## {group}\n\n{HEAD}" + "".join(_row(spec) for spec in specs if group_of(spec) == group)
        for group in groups_of(specs)
    ]
    return INTRODUCTION + "".join(tables)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the page or write it to a file, and return the exit code."""
    parser = argparse.ArgumentParser(prog="demo_app.fault_table", description="The faults as Markdown.")
    parser.add_argument("file", nargs="?", type=Path, help="where to write; without it, standard output")
    file = parser.parse_args(argv).file
    if file is None:
        sys.stdout.write(document(SPECS))
    else:
        file.write_text(document(SPECS), encoding="utf-8")
    return 0


def _row(spec: FaultSpec) -> str:
    cells = (
        f"`{spec.name}`",
        _cell(spec.description),
        _intensity(spec),
        _names(spec.metrics),
        _names(spec.alerts),
        _names(spec.slas),
    )
    return f"| {' | '.join(cells)} |\n"


def _intensity(spec: FaultSpec) -> str:
    if spec.minimum == spec.maximum:
        return "a switch"
    kind = "whole, " if spec.whole else ""
    return f"{_cell(spec.unit)}: {kind}{spec.minimum:g} to {spec.maximum:g}, default {spec.default:g}"


def _names(names: Sequence[str]) -> str:
    return "<br>".join(f"`{_cell(name)}`" for name in names) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
