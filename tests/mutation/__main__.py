"""Changes every rule a little, again and again, and says which changes no case notices."""

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

from mutation import tried
from mutation.equivalents import FILE, read_equivalents
from mutation.errors import MutationError
from mutation.page import write_page
from mutation.report import as_json, reached, show, tally
from mutation.run import Plan, run
from mutation.trial import Finding
from rules.binaries import found
from rules.cases import ROOT, Case, Shipped, shipped_alerts, shipped_records
from rules.scrapes import all_cases

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
        plan = _plan(arguments, cases())
        known = tried.read_tried(tried.FILE) if arguments.changed else {}
        outcomes = run(
            plan, _progress, {name: each.findings for name, each in tried.current(plan, known).items()}
        )
        seconds = time.monotonic() - began
        if arguments.json:
            text = json.dumps(as_json(outcomes, seconds, arguments.bar), indent=2, ensure_ascii=False)
            arguments.json.write_text(f"{text}\n", encoding="utf-8")
        if arguments.write:
            write_page(PAGE, outcomes)
            tried.write_tried(tried.FILE, tried.of(plan, outcomes))
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
    parser.add_argument(
        "--only", action="append", metavar="RULE", help="this alert or record only; repeatable"
    )
    parser.add_argument("--group", action="append", metavar="GROUP", help="this rule file only; repeatable")
    parser.add_argument(
        "--bar", type=float, default=95.0, metavar="PERCENT", help="lowest kill rate (default: 95)"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="rules at a time")
    parser.add_argument(
        "--all-versions", action="store_true", help="every promtool there is may kill, not just the newest"
    )
    parser.add_argument(
        "--changed",
        action="store_true",
        help="only what was not tried as it is now; the rest from tried.json",
    )
    parser.add_argument(
        "--alone",
        action="store_true",
        help="a run of promtool for each mutant: slow, to check the shared runs",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON")
    parser.add_argument("--write", action="store_true", help="write the result into docs/mutation.md")
    return parser


def _plan(arguments: argparse.Namespace, cases: Sequence[Case]) -> Plan:
    promtools = list(found("promtool").values())[::-1]
    if not promtools:
        raise MutationError("no promtool found: set PROMETHEUS_BINARIES to the directory that holds it")
    return Plan(
        rules=_chosen({**shipped_alerts(), **shipped_records()}, arguments.only, arguments.group),
        alerts=shipped_alerts(),
        records=shipped_records(),
        cases=cases,
        promtools=promtools if arguments.all_versions else promtools[:1],
        reasons=read_equivalents(FILE),
        workers=max(1, arguments.workers),
        hints={name: each.hints for name, each in tried.read_tried(tried.FILE).items()},
        alone=arguments.alone,
    )


def _chosen(
    shipped: dict[str, Shipped], only: list[str] | None, groups: list[str] | None
) -> dict[str, Shipped]:
    """The rules of these names and groups; raises MutationError for a name that is not there."""
    for word, names, there in (
        ("rule", only, set(shipped)),
        ("group", groups, {each.file.stem for each in shipped.values()}),
    ):
        if unknown := set(names or ()) - there:
            raise MutationError(
                f"there is no {word} {min(unknown)!r}: it is one of {', '.join(sorted(there))}"
            )
    return {
        name: each
        for name, each in shipped.items()
        if (not only or name in only) and (not groups or each.file.stem in groups)
    }


def _progress(ended: Iterable[Future[list[Finding]]], total: int) -> Iterable[Future[list[Finding]]]:
    """A bar on the terminal while the mutants are tried; nothing where nobody looks."""
    console = Console(stderr=True)
    return track(
        ended, "Trying mutants", total=total, console=console, transient=True, disable=not console.is_terminal
    )


if __name__ == "__main__":
    sys.exit(main())
