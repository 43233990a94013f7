"""`python -m sla_worker` is the service."""

import sys

from sla_worker.commands.worker import main

if __name__ == "__main__":
    sys.exit(main())
