"""Puts the sender's name, logo and colour on top of a mail."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from sla_worker.brand import INK, PLACE, logo_size
from sla_worker.model import Attachment, Mail
from sla_worker.settings import Settings

_LOGO = "logo"
_HEIGHT = 32


def branded(mail: Mail, settings: Settings) -> Mail:
    """The mail with the row of its sender; as it is where the settings say nothing of one."""
    name, logo = settings.report_sender_name, settings.report_logo
    if name is None and logo is None:
        return mail
    cells = []
    if logo is not None:
        width, height = logo_size(logo, _HEIGHT)
        cells.append(
            f'<img src="cid:{_LOGO}" alt="" width="{width}" height="{height}"'
            f' style="display:inline-block;max-width:100%;vertical-align:middle;border:0;">'
        )
    if name is not None:
        cells.append(f'<span style="vertical-align:middle;">{escape(name)}</span>')
    colour = settings.report_colour or INK
    row = (
        f'<tr><td bgcolor="{colour}" style="background:{colour};padding:12px 24px;color:#ffffff;'
        f'font-size:16px;line-height:{_HEIGHT}px;font-weight:600;">{"&nbsp; ".join(cells)}</td></tr>'
    )
    pictures = () if logo is None else (Attachment(_LOGO, "image/png", logo),)
    return replace(
        mail,
        text=mail.text if name is None else f"{mail.text}\n-- \n{name}\n",
        html=mail.html.replace(PLACE, row, 1),
        pictures=(*pictures, *mail.pictures),
    )
