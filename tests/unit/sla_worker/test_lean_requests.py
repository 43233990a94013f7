"""The worker does without what it does not need: what guesses encodings, a driver, OpenSSL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sla_worker.commands.worker import speaks_tls
from sla_worker.settings import read_settings

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


@pytest.mark.parametrize(
    ("environ", "needed"),
    [
        ({}, False),
        ({"PROMETHEUS_URL": "https://prom.example"}, True),
        ({"PROMETHEUS_URL": "HTTPS://prom.example"}, True),
        ({"ALERTMANAGER_URL": "https://am.example"}, True),
        ({"SMTP_TLS": "starttls"}, True),
        ({"SMTP_TLS": "tls"}, True),
        ({"SLA_DATABASE_URL": "postgresql://db.example/sla?sslmode=require"}, False),
    ],
)
def test_openssl_is_there_where_something_is_encrypted(environ: dict[str, str], *, needed: bool) -> None:
    assert speaks_tls(read_settings(environ)) is needed
