"""`make release`: reads the arguments."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

from release.making import Wish, make
from release.repository import Repository
from release.version import Version
from stack import console
from stack.errors import StackError, of_the_system

ROOT = Path(__file__).resolve().parents[3]


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Make a release; return the exit code."""
    parser = argparse.ArgumentParser(prog="release", description="Make a release; push nothing unless asked.")
    parser.add_argument("version", help="1.2.3, greater than the one in pyproject.toml")
    parser.add_argument("--dry-run", action="store_true", help="check, and print what would be done")
    parser.add_argument(
        "--push", action="store_true", help="push commit and tag to origin, images to --registry"
    )
    parser.add_argument("--registry", help="where images go: registry.example.com/team")
    parser.add_argument("--no-images", action="store_true", help="build no images")
    arguments = parser.parse_args(argv)
    try:
        wish = Wish(
            Version.parse(arguments.version),
            dt.datetime.now(dt.UTC).date(),
            arguments.registry,
            push=arguments.push,
            images=not arguments.no_images,
            dry_run=arguments.dry_run,
        )
        make(Repository(root), wish)
    except StackError as error:
        console.fail(error)
        return 1
    except OSError as error:
        console.fail(of_the_system(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
