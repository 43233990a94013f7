"""Changes every alert rule a little, again and again, and says which changes no case notices."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import track

from mutation.equivalents import FILE, read_equivalents
from mutation.errors import MutationError
from mutation.page import write_page
from mutation.report import as_json, reached, show, tally
from mutation.run import Plan, run
from mutation.trial import Finding
from rules.binaries import found
from rules.cases import ROOT, Case, Shipped, all_cases, shipped_alerts

WIDTH_SIGNS = 120
"""Of the tables, where no terminal tells its own width."""

PAGE = ROOT / "docs" / "mutation.md"


def main(argv: list[str] | None = None, cases: Callable[[], Sequence[Case]] = all_cases) -> int:
    """Try the mutants; 0 when the bar is reached, 1 below it, 2 with one line of what is wrong."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.write and (arguments.only or arguments.group):
        parser.error("--write needs a full run: give neither --only nor --group")
    console = Console(width=None if sys.stdout.isatty() else WIDTH_SIGNS)
    began = time.monotonic()
    try:
        outcomes = run(_plan(arguments, cases()), _progress)
        seconds = time.monotonic() - began
        if arguments.json:
            text = json.dumps(as_json(outcomes, seconds, arguments.bar), indent=2, ensure_ascii=False)
            arguments.json.write_text(f"{text}\n", encoding="utf-8")
        if arguments.write:
            write_page(PAGE, outcomes)
    except (
        MutationError,
        AssertionError,
        OSError,
        yaml.YAMLError,
    ) as error:  # cases are read with assertions
        print(f"mutation: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    show(outcomes, seconds, arguments.bar, console)
    return 0 if reached(tally(outcomes), arguments.bar) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("--only", action="append", metavar="ALERT", help="this alert only; repeatable")
    parser.add_argument("--group", action="append", metavar="GROUP", help="this rule file only; repeatable")
    parser.add_argument(
        "--bar", type=float, default=95.0, metavar="PERCENT", help="lowest kill rate (default: 95)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    parser.add_argument(
        "--all-versions", action="store_true", help="every promtool there is may kill, not just the newest"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON")
    parser.add_argument("--write", action="store_true", help="write the result into docs/mutation.md")
    return parser


def _plan(arguments: argparse.Namespace, cases: Sequence[Case]) -> Plan:
    promtools = list(found("promtool").values())[::-1]
    if not promtools:
        raise MutationError("no promtool found: set PROMETHEUS_BINARIES to the directory that holds it")
    return Plan(
        alerts=_chosen(shipped_alerts(), arguments.only, arguments.group),
        shipped=shipped_alerts(),
        cases=cases,
        promtools=promtools if arguments.all_versions else promtools[:1],
        reasons=read_equivalents(FILE),
        workers=max(1, arguments.workers),
    )


def _chosen(
    shipped: dict[str, Shipped], only: list[str] | None, groups: list[str] | None
) -> dict[str, Shipped]:
    """The alerts of these names and groups; raises MutationError for a name that is not there."""
    for word, names, there in (
        ("alert", only, set(shipped)),
        ("group", groups, {each.file.stem for each in shipped.values()}),
    ):
        if unknown := set(names or ()) - there:
            raise MutationError(
                f"there is no {word} {min(unknown)!r}: it is one of {', '.join(sorted(there))}"
            )
    return {
        alert: each
        for alert, each in shipped.items()
        if (not only or alert in only) and (not groups or each.file.stem in groups)
    }


def _progress(ended: Iterable[Future[Finding]], total: int) -> Iterable[Future[Finding]]:
    """A bar on the terminal while the mutants are tried; nothing where nobody looks."""
    console = Console(stderr=True)
    return track(
        ended, "Trying mutants", total=total, console=console, transient=True, disable=not console.is_terminal
    )


if __name__ == "__main__":
    sys.exit(main())
