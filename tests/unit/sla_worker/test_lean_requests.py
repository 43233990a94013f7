"""The worker's requests: without the 2.7 MB of what guesses encodings, and without a warning."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from sla_worker import service
assert "requests" in sys.modules
print([name for name in sys.modules if name.startswith(("charset_normalizer", "psycopg", "statistics"))])
"""


def test_what_the_worker_does_not_need_is_not_imported() -> None:
    """And that PostgreSQL's driver, 9 MB, is not there unless a URL asks for it."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "[]\n", "")
