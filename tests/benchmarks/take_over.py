"""How long nobody leads after the leader of two workers is lost, with the intervals that ship.

On a PostgreSQL of its own, with three SLAs. KILLS=6 and PAUSES=2 say how often; a pause takes half a minute.
"""

from __future__ import annotations

import os
import sys

from ports import free_port
from postgresql import running_postgresql
from sla_worker.standby import SILENT_SECONDS
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.setting import Mailbox
from unit.sla_worker.take_over import KILL, PAUSE, Orders, environ_of, process_of


def main() -> int:
    """Print the figures."""
    losses = [KILL] * int(os.environ.get("KILLS") or 6) + [PAUSE] * int(os.environ.get("PAUSES") or 2)
    port = free_port()
    with running_postgresql() as server, Mailbox(port):
        orders = Orders(
            1, losses, environ_of(server.url(), THREE, port), hurry=False, silent_seconds=SILENT_SECONDS
        )
        with process_of(orders) as process:
            process.communicate()  # the figures come on stderr
            return process.returncode


if __name__ == "__main__":
    sys.exit(main())
