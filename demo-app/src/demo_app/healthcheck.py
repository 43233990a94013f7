"""`python -m demo_app.healthcheck`: exit 0 when API and metrics of the app on this machine answer, else 1.

While the fault metrics_gone is active, its 503 is the right answer of a healthy app and counts as one: Docker
would otherwise show a broken container, and hold up whatever depends on it. Any other 503 is a failure.
"""

import http.client
import ipaddress
import os
import sys

from demo_app.catalogue import METRICS_GONE
from demo_app.settings import SettingsError, load

TIMEOUT_SECONDS = 2.0


def main() -> int:
    """Check `/healthz` and `/metrics`, say on stderr what is wrong, and return the exit code."""
    try:
        settings = load(os.environ)
    except SettingsError as error:
        print(error.lines, file=sys.stderr)
        return 2
    address = ipaddress.ip_address(settings.bind)
    host = ("127.0.0.1" if address.version == 4 else "::1") if address.is_unspecified else str(address)  # noqa: PLR2004  # the version of IP
    for port, path in ((settings.api_port, "/healthz"), (settings.metrics_port, "/metrics")):
        problem = _ask(host, port, path)
        if problem is not None:
            print(f"demo_app.healthcheck: http://{host}:{port}{path}: {problem}", file=sys.stderr)
            return 1
    return 0


def _ask(host: str, port: int, path: str) -> str | None:
    """Return what is wrong with an answer, or None when it is fine."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    text = body[:300].decode(errors="replace")
    meant = response.status == http.HTTPStatus.SERVICE_UNAVAILABLE and f"fault {METRICS_GONE} " in text
    if response.status == http.HTTPStatus.OK or meant:
        return None
    return f"{response.status} {text}"


if __name__ == "__main__":
    sys.exit(main())
