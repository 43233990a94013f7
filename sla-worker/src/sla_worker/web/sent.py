"""Mails as they were sent: a page of its own, in which nothing can run, and their files to download."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sla_worker.brand import INK
from sla_worker.render.templates import template
from sla_worker.sent import Kept, unpacked
from sla_worker.web.http import HTML, SANDBOX, TEXT, Answer, HTTPError
from sla_worker.web.operations import PDF

if TYPE_CHECKING:
    from sla_worker.model import Changes, OwedMail, SentVersion
    from sla_worker.web.request import Parts, Request

_BODY = re.compile(r"<body[^>]*>")  # the first one: what people wrote is escaped, and stands nowhere before
_FILE = re.compile(r"[a-z0-9.-]+")


def page(parts: Parts, request: Request, mail: OwedMail, start: int | None) -> Answer:
    """What was sent, and on top of it when, and whether its figures have changed since.

    `start` is where the period of a report begins that can be made again.
    """
    version, kept = _kept(parts, request, mail)
    words, differs = None, False
    if start is not None:
        words, differs = changed(parts, start, mail.period_end or start, version.made_at)
    bar = template("page/sent.html").render(
        mail=mail,
        version=version,
        versions=parts.pages.database.sent.versions(mail.id),
        zone=parts.pages.zone,
        ink=INK,
        changed=words,
        differs=differs,
        pdf=kept.file(PDF) is not None,
        left_out=kept.left_out,
    )
    body = kept.page()
    at = _BODY.search(body)
    place = at.end() if at else 0
    return _answer(f"{body[:place]}{bar}{body[place:]}")


def html(parts: Parts, request: Request, mail: OwedMail) -> Answer:
    """The same as a file, without anything on top."""
    _, kept = _kept(parts, request, mail)
    return _answer(kept.page(), _attached(f"{_name(mail)}.html"))


def text(parts: Parts, request: Request, mail: OwedMail) -> Answer:
    """Its plain text."""
    _, kept = _kept(parts, request, mail)
    return Answer(kept.mail.text.encode("utf-8", "replace"), TEXT, 200, _attached(f"{_name(mail)}.txt"))


def file(parts: Parts, request: Request, mail: OwedMail, media_type: str) -> Answer:
    """A file that went with it. Raises HTTPError where there is none."""
    _, kept = _kept(parts, request, mail)
    found = kept.file(media_type)
    if found is None:
        why = "was too large to be kept" if kept.left_out else "went with it"
        kind = media_type.rpartition("/")[2]
        raise HTTPError(404, f"mail {mail.id}: {'the' if kept.left_out else 'no'} {kind} file {why}")
    kind = f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
    return Answer(found.content, kind, 200, _attached(found.name))


def changed(parts: Parts, start: int, end: int, since: int) -> tuple[str, bool]:
    """What has become of a period since a moment, in words, and whether its figures may differ."""
    pages = parts.pages
    found = pages.browser.changes(start, end, since)
    kept = start >= pages.database.slots_after()
    return changed_since(found, kept=kept), not kept or any(
        (found.slots, found.exclusions, found.corrections)
    )


def changed_since(since: Changes, *, kept: bool) -> str:
    """What has become of the period since its mail was sent; not `kept`: of some slots only sums are left."""
    found = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in (
            (since.slots, "slot was measured late or again", "slots were measured late or again"),
            (
                since.exclusions,
                "maintenance window was added, ended or revoked",
                "maintenance windows were added, ended or revoked",
            ),
            (since.corrections, "correction was made or revoked", "corrections were made or revoked"),
        )
        if count
    ]
    gone = "" if kept else " Whether slots that are not kept any more were measured again is not known."
    if not found:
        what = "measurement, maintenance or correction" if kept else "maintenance or correction"
        return f"No {what} of its period has changed since.{gone}"
    return f"Since then {', '.join(found)}: the mail had the figures from before.{gone}"


def _kept(parts: Parts, request: Request, mail: OwedMail) -> tuple[SentVersion, Kept]:
    """The version that is asked for; by default the newest that anybody has got. Raises HTTPError."""
    store = parts.pages.database.sent
    versions, wanted = store.versions(mail.id), request.optional_number("version")
    if not versions:
        raise HTTPError(
            404,
            f"what mail {mail.id} said is not kept: it was not sent yet, a former version sent it, or that"
            " was longer ago than SLA_KEEP_REPORTS days",
        )
    if wanted is None:
        chosen = next((each for each in reversed(versions) if each.recipients), versions[-1])
    else:
        known = {each.number: each for each in versions}
        if wanted not in known:
            raise HTTPError(
                404,
                f"version={wanted}: mail {mail.id} has {', '.join(map(str, known))}; without it, the newest",
            )
        chosen = known[wanted]
    content = store.content(mail.id, chosen.number)
    if content is None:  # deleted between two statements
        raise HTTPError(404, f"what mail {mail.id} said is not kept any more")
    return chosen, unpacked(content)


def _name(mail: OwedMail) -> str:
    return f"sla-{mail.type.replace('_', '-')}-{mail.id}"


def _answer(body: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer(body.encode("utf-8", "replace"), HTML, 200, {**SANDBOX, **(headers or {})})


def _attached(name: str) -> dict[str, str]:
    safe = name if _FILE.fullmatch(name) else "report"
    return {"Content-Disposition": f'attachment; filename="{safe}"'}
