"""`python -m sla_worker` is the service."""

import sys

from sla_worker.cli import worker

if __name__ == "__main__":
    sys.exit(worker())
