"""The report for customers as a file of its own: with the sender's name, logo and colour."""

from __future__ import annotations

import base64

from sla_worker.brand import PLACE
from sla_worker.customer import customer_report
from sla_worker.database import SLADatabase
from sla_worker.delivery.branding import branded
from sla_worker.model import Mail
from sla_worker.render.customer import customer_html, customer_json, customer_text
from sla_worker.settings import Settings


def customers_month(database: SLADatabase, settings: Settings, month: str, form: str, now: int) -> str:
    """A month as html, text or json. Raises SLAWorkerError."""
    report = customer_report(database, month, settings.timezone, now)
    if form == "json":
        return customer_json(report)
    made = branded(Mail("", customer_text(report), customer_html(report)), settings)
    if form == "text":
        return made.text
    html = made.html.replace(PLACE, "")
    for each in made.pictures:
        inside = f"data:{each.media_type};base64,{base64.b64encode(each.content).decode()}"
        html = html.replace(f"cid:{each.name}", inside)
    return html
