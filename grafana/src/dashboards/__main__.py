"""`python -m dashboards` writes dashboards and alert rule; with --check it only says which are stale.

From a checkout: `PYTHONPATH=grafana/src:sla-worker/src python -m dashboards`.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from .definitions import DEFINITIONS_FILE, DashboardError, Sla, load
from .lint import problems
from .output import dashboards, stale, write


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 when all is up to date, 1 when something is stale (--check) or cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    parser.add_argument(
        "--definitions",
        type=pathlib.Path,
        default=DEFINITIONS_FILE,
        metavar="FILE",
        help="the SLAs' definitions (default: sla-worker/sla_thresholds.yml)",
    )
    arguments = parser.parse_args(argv)
    try:
        slas = load(arguments.definitions)
        if arguments.check:
            return check(slas, arguments.definitions)
        for path in write(slas, source=arguments.definitions):
            print(f"wrote {path}")
    except (DashboardError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def check(slas: list[Sla], source: pathlib.Path = DEFINITIONS_FILE) -> int:
    """Prints what is stale and what breaks the house rules; 0 when nothing does, else 1."""
    complaints = [f"{problem}: run `python -m dashboards`" for problem in stale(slas, source=source)]
    for dashboard in dashboards(slas):
        complaints += [f"{dashboard['uid']}: {problem}" for problem in problems(dashboard)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
