"""Grafana's password: the one in the settings must be the one that lets a person in."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from stack import console
from stack.errors import StackError

CLI_WORDS = ("admin", "reset-admin-password", "--password-from-stdin")
"""What Grafana's own command line is asked to do; the password comes on standard input, where no list of
processes shows it."""

_UNAUTHORIZED = 401
_ANSWER_SECONDS = 10
# Without proxies: Grafana is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ensure(port: str, password: str, reset: Callable[[str], str | None]) -> None:
    """See to it that `admin` can log in to the Grafana on `port` with `password`.

    Grafana takes the password of its environment at its first start only. When it refuses the one that is set
    now, `reset` is called with it; it returns None, or what went wrong. Raises StackError when the password
    does not work in the end.
    """
    if not refused(port, password):
        return
    trouble = reset(password)
    if trouble is None and not refused(port, password):
        console.say("grafana has taken the password that is set now")
        return
    raise StackError(
        "Grafana refuses the password in GRAFANA_ADMIN_PASSWORD, and it could not be reset: "
        f"{trouble or 'it is still refused'}",
        "log in with the old password and change it at /profile/password to the one in .env",
    )


def refused(port: str, password: str) -> bool:
    """Whether Grafana answers that this password is wrong."""
    credentials = base64.b64encode(f"admin:{password}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/user", headers={"Authorization": f"Basic {credentials}"}
    )
    try:
        with _OPENER.open(request, timeout=_ANSWER_SECONDS):
            return False
    except urllib.error.HTTPError as error:
        with error:
            return error.code == _UNAUTHORIZED
    except OSError:
        return False  # whether it is healthy is asked elsewhere


def cli(program: str, homepath: str) -> Sequence[str]:
    """The command that resets the password, for a Grafana installed at `homepath`."""
    words = (program, "cli") if program.rsplit("/", 1)[-1] == "grafana" else (program,)
    return (*words, "--homepath", homepath, *CLI_WORDS)
