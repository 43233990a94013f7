"""Who may ask: the answers are for programs and people of this machine, not for pages of other sites.

A request is refused

- with 403, when it is addressed to a host name that somebody else may own: a name that was bound to
  127.0.0.1 only after its page was loaded makes that page look like ours (DNS rebinding). Addresses,
  localhost and names of one word, as containers have them, cannot be owned by others; further
  names are a setting;
- with 403, when it changes something and a browser sends it on behalf of another site;
- with 401, when it changes something, there is a token, and it does not bring it.

/healthz is open to any host name: it says whether the worker is healthy, and why not.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from sla_worker.web.http import HTTPError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN: Final = "/healthz"
_HOST = re.compile(r"(?:\[([0-9A-Za-z:.%_-]+)\]|([0-9A-Za-z._-]+))(?::[0-9]*)?")
CHALLENGE: Final = 'Bearer realm="sla-worker"'


class Guard:
    """WSGI middleware. `hosts` are names that are answered too; without a token every program may post."""

    def __init__(
        self, app: WSGIApplication, *, token: str | None, hosts: Iterable[str], opened: bool = True
    ) -> None:
        """Without `opened` not even /healthz is answered to any host name."""
        self._app = app
        self._token = None if token is None else token.encode()
        self._open = OPEN if opened else None
        self._hosts = frozenset(each.lower().removesuffix(".") for each in hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let a request pass, or answer it."""
        try:
            self._check(environ)
        except HTTPError as error:
            _log.warning("request refused path=%r error=%s", environ.get("PATH_INFO"), error)
            return error.answer().send(environ, start_response)
        return self._app(environ, start_response)

    def _check(self, environ: WSGIEnvironment) -> None:
        if environ.get("PATH_INFO") == self._open:
            return
        self._check_host(environ.get("HTTP_HOST", ""))
        if environ["REQUEST_METHOD"] not in READING:
            _check_site(environ)
            self._check_token(environ.get("HTTP_AUTHORIZATION", ""))

    def _check_host(self, host: str) -> None:
        name = _name(host)
        if name in self._hosts or _nobody_elses(name):
            return
        raise HTTPError(
            403,
            f"unknown host {host!r}: use localhost, an address or a name of one word, or add the name to"
            " SLA_WORKER_ALLOWED_HOSTS",
        )

    def _check_token(self, given: str) -> None:
        if self._token is None:
            return
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer":
            raise HTTPError(
                401,
                "a change needs the header 'Authorization: Bearer …' with the token of SLA_WEBHOOK_TOKEN",
                {"WWW-Authenticate": CHALLENGE},
            )
        if not hmac.compare_digest(token.strip().encode("utf-8", "replace"), self._token):
            raise HTTPError(
                401,
                "the token is not that of SLA_WEBHOOK_TOKEN",
                {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'},
            )


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty when there is none, or more than one."""
    found = _HOST.fullmatch(host)
    return "" if found is None else (found[1] or found[2]).lower().removesuffix(".")


def _nobody_elses(name: str) -> bool:
    """Whether nobody else can make a page at this host name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(".localhost"))
    return True


def _check_site(environ: WSGIEnvironment) -> None:
    """Refuse what a browser sends on behalf of another site. Programs send neither header."""
    related = environ.get("HTTP_SEC_FETCH_SITE")
    origin = environ.get("HTTP_ORIGIN")
    if related is not None and related not in {"same-origin", "none"}:
        raise HTTPError(403, f"a browser sends this change for another site (Sec-Fetch-Site: {related})")
    if related is None and origin is not None:
        host = environ.get("HTTP_HOST", "")
        if origin.partition("://")[2].lower() != host.lower():
            raise HTTPError(403, f"a browser sends this change for another site (Origin: {origin})")
