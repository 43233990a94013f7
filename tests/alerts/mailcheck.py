"""What a mail about an alert must be: to one mailbox, readable in both parts, its links lead somewhere."""

from __future__ import annotations

import html.parser
import math
import re
from collections.abc import Iterator
from urllib.parse import unquote

import httpx

from alerts.errors import ProofError
from alerts.shipped import Alert
from e2e.live import Mail, Stack, links

ALLOWED_TAGS = frozenset(
    "html head meta title body table tr td div a b br span p h1 h2 h3 ul li bdi wbr".split()  # noqa: SIM905  # shorter
)
PANEL = re.compile(r"/d/insa-[a-z-]+\?viewPanel=\d+$")
TROUBLE = ("<no value>", "&lt;no value&gt;", "ZgotmplZ", "{{", "%!")
"""What templates leave in a text when they go wrong."""


def check_firing(stack: Stack, mail: Mail, address: str, alert: Alert, condition_at: float) -> None:
    """Raise ProofError unless the mail is as it must be; `condition_at` is when the rule began to hold."""
    _check_form(mail, address, alert)
    found = list(links(mail))
    for trouble in _link_troubles(stack, found, alert, condition_at):
        raise ProofError(f"the mail to {address}: {trouble}; its links are {found}")
    for heading in ("Impact", "Likely causes", "First steps"):
        if heading not in mail.text:
            raise ProofError(f"the mail to {address} does not tell: {heading}")


def check_resolved(mail: Mail, address: str, alert: Alert) -> None:
    """Raise ProofError unless the mail says that the alert is over."""
    _check_form(mail, address, alert)
    if "RESOLVED" not in mail.text or "RESOLVED" not in mail.html:
        raise ProofError(f"the resolved mail to {address} does not say RESOLVED in both parts")


def _check_form(mail: Mail, address: str, alert: Alert) -> None:
    if mail.recipients != (address,):
        raise ProofError(f"the mail to {address} went to {', '.join(mail.recipients)}")
    for part, text in (("HTML", mail.html), ("text", mail.text)):
        if alert.name not in text:
            raise ProofError(f"the {part} part of the mail to {address} does not name {alert.name}")
        for trouble in TROUBLE:
            if trouble in text:
                raise ProofError(f"the {part} part of the mail to {address} holds {trouble!r}")
    if odd := sorted(set(_tags(mail.html)) - ALLOWED_TAGS):
        raise ProofError(f"the HTML part of the mail to {address} holds <{'>, <'.join(odd)}>")


def _tags(source: str) -> list[str]:
    found: list[str] = []

    class Tags(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)

    Tags().feed(source)
    return found


def _link_troubles(stack: Stack, found: list[str], alert: Alert, condition_at: float) -> Iterator[str]:
    """What is wrong with the links of a firing mail."""
    runbook = next((url for url in found if "/runbooks/" in url), None)
    if runbook is None:
        yield "no link to a runbook"
    elif alert.name not in stack.client.get(runbook).raise_for_status().text:
        yield f"{runbook} does not name {alert.name}"
    expression = next((url for url in found if "g0.expr" in url), None)
    if expression is None:
        yield "no link to the expression"
    else:
        yield from _expression_troubles(stack, httpx.URL(expression), condition_at)
    if not any("/silences/new" in url and f'alertname="{alert.name}"' in unquote(url) for url in found):
        yield "no link to a silence of this alert"
    if not any(PANEL.search(url) for url in found):
        yield "no link to a panel of a dashboard"


def _expression_troubles(stack: Stack, url: httpx.URL, condition_at: float) -> Iterator[str]:
    """The linked expression must be on this Prometheus, and have held when the alert began."""
    if url.port != httpx.URL(stack.prometheus).port:
        yield f"{url} is not this Prometheus"
    # Evaluated at the very time of the rule, it has the rule's result.
    elif not stack.query(url.params["g0.expr"], at=math.floor(condition_at * 1000) / 1000):
        yield f"the linked expression did not hold at {condition_at:.3f}"
