"""Who may change something through the API, and the headers that every answer carries.

Reading is open: the state holds no secret. A change is refused

- with 403, when a browser sends it on behalf of another site: a page from elsewhere can make a browser send a
  POST without a body to this machine without anyone noticing;
- with 403, without a token, when it is addressed to a host name that others may own: a name that was
  bound to 127.0.0.1 only after its page was loaded makes that page look like ours (DNS rebinding). Addresses,
  localhost and names of one word, as containers have them, cannot be owned by others;
- with 401, when there is a token and the change does not bring it;
- with 413, when its body is longer than any order of a fault.
"""

import hmac
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_BODY: Final = 16 * 1024

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing from elsewhere, nothing inline; the last two make the browser refuse text as HTML altogether."""

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}

NEEDS_TOKEN: Final = "a change needs the header 'Authorization: Bearer …' with the token of DEMO_TOKEN"  # noqa: S105  # no secret
WRONG_TOKEN: Final = "the token does not match DEMO_TOKEN"  # noqa: S105  # no secret


FOREIGN: Final = "a browser sends this change for another site"
OWN_PAGE: Final = "make it on the demo-app's own page, or with a program"
CHALLENGE: Final = 'Bearer realm="demo-app"'


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a change that is refused."""

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Guard:
    """ASGI middleware; without a token every program on the way to the API may change something."""

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in READING:
            await self._app(scope, receive, send_with_headers)
            return
        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            body = await _body(receive)
            if body is not None:
                await self._app(scope, _again(body, receive), send_with_headers)
                return
            refusal = Refusal(413, f"the body is longer than {LONGEST_BODY} bytes", {"connection": "close"})
        await _answer(refusal, send_with_headers)

    def _refusal(self, headers: Headers) -> Refusal | None:
        problem = foreign_site(headers)
        if problem is None and self._token is None:
            problem = foreign_host(headers.get("host", ""))
        if problem is not None:
            return Refusal(403, problem)
        if self._token is None:
            return None
        given = headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer":
            return Refusal(401, NEEDS_TOKEN, {"www-authenticate": CHALLENGE})
        if not hmac.compare_digest(token.strip().encode("latin-1"), self._token.encode("latin-1")):
            return Refusal(401, WRONG_TOKEN, {"www-authenticate": f'{CHALLENGE}, error="invalid_token"'})
        return None


def foreign_site(headers: Mapping[str, str]) -> str | None:
    """Return why a change comes from another site, or None; programs other than browsers name no site.

    Where the browser says itself how the sites are related, that counts: a proxy may have changed the host.
    """
    related = headers.get("sec-fetch-site")
    if related is not None:
        if related in {"same-origin", "none"}:
            return None
        return f"{FOREIGN} (Sec-Fetch-Site: {related}): {OWN_PAGE}"
    origin = headers.get("origin")
    if origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower():
        return None
    return f"{FOREIGN} (Origin: {origin}): {OWN_PAGE}"


def foreign_host(host: str) -> str | None:
    """Return why a host, as in the header, may belong to someone else, or None when it cannot."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        name = ""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if name and ("." not in name or name.endswith(".localhost")):
            return None
        return (
            f"without DEMO_TOKEN, changes addressed to the host {name!r} are refused, as others may own that "
            "name: use localhost, an address or a name of one word, or set DEMO_TOKEN"
        )
    return None


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is too long or breaks off; the rest is not read."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LONGEST_BODY or message["type"] == "http.disconnect":
            return None
        more = message.get("more_body", False)
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the body once, and then whatever the connection sends."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _answer(refusal: Refusal, send: Send) -> None:
    body = json.dumps({"detail": refusal.detail}).encode()
    fields = {"content-type": "application/json", "content-length": str(len(body)), **refusal.headers}
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
