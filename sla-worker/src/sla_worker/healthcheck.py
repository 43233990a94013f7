"""`python -m sla_worker.healthcheck`: exit code 0 when the service of this machine is well, else 1.

Imports little, since it runs every few seconds.
"""

import http.client
import os
import sys


def main() -> int:
    """Ask /healthz and print the reason when it is not well."""
    port = int(os.environ.get("SLA_WORKER_PORT") or 8080)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        body = response.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        print(f"the sla-worker does not answer on port {port}: {error}")
        return 1
    finally:
        connection.close()
    print(body)
    return 0 if response.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
