"""`python -m sla_worker.healthcheck`: exit code 0 when the service of this machine is healthy, else 1.

Imports little, since it runs every few seconds.
"""

import http.client
import os
import sys


def main() -> int:
    """Ask /healthz and print the reason when it is not healthy."""
    text = os.environ.get("SLA_WORKER_PORT") or "8080"
    if not (text.isascii() and text.isdigit()):
        print(f"SLA_WORKER_PORT={text}: give a whole number from 1 to 65535")
        return 1
    port = int(text)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace").strip()
    except (OSError, OverflowError, http.client.HTTPException) as error:
        print(f"the sla-worker does not answer on port {port}: {error}")
        return 1
    finally:
        connection.close()
    print(body)
    return 0 if response.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
