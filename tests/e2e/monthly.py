"""The monthly mail as MailHog delivers it: its text, its PDF and the ledger have the same figures."""

from __future__ import annotations

import datetime as dt
import re

from e2e.live import Mail, Stack
from e2e.report_tables import long_table_of_pdf, long_table_of_text
from programs import pages_of

_NONE = "—"


def figures_of_the_month(stack: Stack, mail: Mail) -> dict[str, str]:
    """Assert that they agree. Returns the average of each SLA, as it is printed."""
    [name] = [each for each in mail.files if each.endswith(".pdf")]
    [(year, month)] = re.findall(r"sla-monthly-(\d{4})-(\d{2})-01\.pdf", name)
    begin = dt.date(int(year), int(month), 1)
    after = (begin + dt.timedelta(days=31)).replace(day=1)
    times = {"from": f"{begin}T00:00", "to": f"{after}T00:00"}
    statuses = stack.get(f"{stack.sla_worker}/api/compliance", **times)["slas"]
    known = {
        each["name"] if each["component"] == "all" else f"{each['name']} / {each['component']}": each
        for each in statuses
    }
    in_text = long_table_of_text(mail.text, known)
    in_pdf = long_table_of_pdf(pages_of(mail.files[name]), known)
    assert in_text.keys() == known.keys()
    assert len(in_pdf) >= len(known) / 2  # others have titles of two lines
    for title, cells in in_pdf.items():
        _, _, least, average, most, _, result, *_ = in_text[title]
        assert cells == [title, least, average, most, result]
    for title, each in known.items():
        _, _, _, average, *_ = in_text[title]
        ratio = each["compliance_ratio"]
        if ratio is None:
            assert average == _NONE, title
        else:
            assert abs(float(average.removesuffix(" %")) - 100 * ratio) <= 0.005, title  # two digits or more
    return {title: cells[3] for title, cells in in_text.items()}
