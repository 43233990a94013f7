"""A mail as it is kept: text, HTML, charts and files, packed into one value, and unpacked again.

JSON, compressed by zlib; what is no text stands in it as base64, which compresses to what it was. What all
mails have in common stands in sent_dictionary.txt, the dictionary of zlib: a mail about a breach takes a
fifth of what it does without. What was packed names its dictionary (RFC 1950, DICTID), so that file never
changes: a better one would be another file.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from importlib.resources import files

from sla_worker.model import Attachment, Mail

_LOGO = "logo"  # the same in every mail, and up to 100 kB
_NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
_LARGEST = 128 * 1024  # compressed: with 36 SLAs none has half of that
_LEVEL = 9


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a mail. `left_out` are the names of files that were too large."""

    mail: Mail
    left_out: tuple[str, ...]

    def page(self) -> str:
        """The HTML as one file: the charts stand in it, and the logo is left out."""
        html = self.mail.html.replace(f'src="cid:{_LOGO}"', f'src="{_NOTHING}"')
        for each in self.mail.pictures:
            source = f"data:{each.media_type};base64,{b64encode(each.content).decode()}"
            html = html.replace(f'src="cid:{each.name}"', f'src="{source}"')
        return html

    def file(self, media_type: str) -> Attachment | None:
        """The file of that type that went with it; None: there was none, or it was too large.

        A large table went in an archive of its own.
        """
        from sla_worker.render.data import ZIP, unzipped  # noqa: PLC0415 - only who reads one needs them

        ending = f".{media_type.rpartition('/')[2]}.zip"
        for each in self.mail.attachments:
            if each.media_type == media_type:
                return each
            if each.media_type == ZIP and each.name.endswith(ending):
                return unzipped(each, media_type)
        return None


def packed(mail: Mail) -> bytes:
    """What is kept of a mail. The same mail gives the same bytes."""
    pictures = [each for each in mail.pictures if each.name != _LOGO]
    small = [each for each in mail.attachments if len(zlib.compress(each.content, _LEVEL)) <= _LARGEST]
    value = {
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "pictures": [_written(each) for each in pictures],
        "files": [_written(each) for each in small],
        "left_out": [each.name for each in mail.attachments if each not in small],
    }
    # Half a surrogate pair, which no UTF-8 can hold, becomes a question mark, as in the mail.
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    packer = zlib.compressobj(_LEVEL, zdict=_dictionary())
    return packer.compress(text) + packer.flush()


def unpacked(content: bytes) -> Kept:
    """What was kept."""
    value = json.loads(zlib.decompressobj(zdict=_dictionary()).decompress(content))
    mail = Mail(
        subject=value["subject"],
        text=value["text"],
        html=value["html"],
        attachments=tuple(_read(*each) for each in value["files"]),
        pictures=tuple(_read(*each) for each in value["pictures"]),
    )
    return Kept(mail, tuple(value["left_out"]))


def _dictionary() -> bytes:
    return (files("sla_worker") / "sent_dictionary.txt").read_bytes()


def _written(file: Attachment) -> tuple[str, str, str]:
    """Text as it is, which compresses with the rest; else base64."""
    if file.media_type.startswith("text/") or file.media_type == "application/json":
        try:
            return file.name, file.media_type, f"t{file.content.decode('utf-8')}"
        except UnicodeDecodeError:
            pass
    return file.name, file.media_type, f"b{b64encode(file.content).decode()}"


def _read(name: str, media_type: str, written: str) -> Attachment:
    plain = written[1:]
    return Attachment(name, media_type, plain.encode() if written[0] == "t" else b64decode(plain))
