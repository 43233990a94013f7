"""Becomes one service: `python launch.py SPEC.json PIDFILE`.

supervisord starts this instead of the service itself, so that arguments and environment (passwords among
them) need no quoting in its configuration and are read again at each restart. It runs by its path, with the
standard library alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(argv: list[str]) -> None:
    """Write this process' id, then replace this program by the one that the specification names."""
    specification, pid_file = Path(argv[1]), Path(argv[2])
    spec = json.loads(specification.read_text(encoding="utf-8"))
    pid_file.write_text(str(os.getpid()), encoding="utf-8")
    os.chdir(spec["directory"])
    try:
        os.execve(spec["argv"][0], spec["argv"], spec["environment"])  # noqa: S606  # the launcher wrote this file
    except OSError as error:
        sys.exit(f"{spec['argv'][0]} cannot be started: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv)
