"""Every address of the web side, once: requests are routed by this table, /api/openapi.json is made of it.

A handler is named and imported when it is first asked for: the worker's memory is for its passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Final

from sla_worker.web.http import CSV, HTML, JSON, TEXT, ZIP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sla_worker.web.http import Answer

PUBLIC_PAGE: Final = "/public"
METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"
ATOM: Final = "application/atom+xml; charset=utf-8"
CALENDAR: Final = "text/calendar; charset=utf-8"
PDF: Final = "application/pdf"
SVG: Final = "image/svg+xml; charset=utf-8"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query, or of the path where its name stands in {braces}.

    Whole numbers have a `least` and a `most`, words their `choices`. `missing` is the fix that is given when
    a required one is not there.
    """

    name: str
    words: str
    least: int | None = None
    most: int | None = None
    default: str | None = None
    choices: tuple[str, ...] = ()
    missing: str | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Operation:
    """What one address answers.

    `answer` names the schema of JSON in schemas.py; None: another kind. `rows` is the list in it that
    `format=csv` writes. `free`: it asks no database, so it never waits for one. `kept` answers stay
    for seconds, while nothing changes. `public`: it is there on the public address too.
    """

    path: str
    handler: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    method: str = "GET"
    answer: str | None = None
    kind: str = JSON
    rows: str | None = None
    tag: str = "figures"
    free: bool = False
    kept: bool = False
    public: bool = False

    @cached_property
    def call(self) -> Callable[..., Answer]:
        """The handler, of the parts that it answers from and a request."""
        module, _, name = self.handler.partition(".")
        found: Callable[..., Answer] = getattr(import_module(f"sla_worker.web.{module}"), name)
        return found

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pieces = re.split(r"(\{[a-z]+\})", self.path)
        return re.compile(
            "".join(
                f"(?P<{each[1:-1]}>[^/]+?)" if each[0] == "{" else re.escape(each) for each in pieces if each
            )
        )

    def match(self, path: str) -> Mapping[str, str] | None:
        """The values in a path that it answers; None: it answers another one."""
        found = self._pattern.fullmatch(path)
        return None if found is None else found.groupdict()


_SLA = Parameter(
    "sla",
    "The key of an SLA, as sla_thresholds.yml has it.",
    missing="give the key of an SLA, such as ?sla=platform-uptime",
)
_ONE_SLA = Parameter("sla", "Only those of the SLA with this key.")
_TEAM = Parameter("team", "Only the SLAs of this team.")
_LIMIT = Parameter("limit", "How many at most.", 1, 1000, "100")
_EXCLUSIONS = Parameter(
    "exclusions",
    "off: as it was measured, without maintenance and corrections.",
    default="on",
    choices=("on", "off"),
)
_FORMAT = Parameter("format", "csv: the list as a table.", default="json", choices=("json", "csv"))
_CURSOR = Parameter("cursor", "The `next` of the page before; without it, the first page.")
_FROM = Parameter("from", "A time like 2026-03-01T09:00 or a day, in the timezone of the reports.")
_TO = Parameter("to", "As `from`; without it, up to now.")
_REVISION = Parameter("revision", "A revision of the month; without it, the newest.", 1, 99999)
_MONTH = Parameter("month", "A month like 2026-03.")
_LIST = (_LIMIT, _CURSOR, _FORMAT)
_REPORT = Parameter("id", "The id of a mail, as /api/reports has it.", 1, 999_999_999)
NOW: Final = "now"
SENT: Final = "sent"
_KEPT = "Of a mail that was made again for those who got it later, this one; without it, the newest."
_VERSION = Parameter("version", _KEPT, 1, 9999)
_FILES = (
    _REPORT,
    Parameter("figures", "sent: the file that went with the mail.", default=NOW, choices=(NOW, SENT)),
    _VERSION,
)
_WINDOW = (
    "24h, 30d, month, quarter, year, 12m, any hours or days (6h, 7d), 2026-03, 2026-Q1, 2026, 2026-03-01"
)
_PERIOD = Parameter("period", f"A time (the slot that ends then), or {_WINDOW} or FROM/TO.", default="24h")

OPERATIONS: Final = (
    Operation(
        "/",
        "site.status",
        "The status page",
        (
            Parameter("window", f"The period of the figures: {_WINDOW} or FROM/TO."),
            Parameter("all", "Unfolds every category."),
            Parameter("q", "Only the SLAs that hold these words: name, key, severity, result, state."),
            Parameter("category", "Only the SLAs of this category."),
            _TEAM,
            _EXCLUSIONS,
            Parameter("refresh", "The page comes again every 30 seconds.", choices=("30",)),
            Parameter("page", "Of a category with more than a hundred rows, this page.", 1, 9999, "1"),
        ),
        kind=HTML,
        tag="pages",
        kept=True,
    ),
    Operation(
        "/incidents",
        "archive.incidents",
        "Breaches as a page, newest first",
        (
            _ONE_SLA,
            Parameter("state", "Only those that last, or that are over.", choices=("open", "over")),
            Parameter("severity", "Only these.", choices=("critical", "high", "medium", "low")),
            _CURSOR,
        ),
        kind=HTML,
        tag="pages",
    ),
    Operation(
        "/explain",
        "site.explanation",
        "Where the figures of an SLA come from, as a page",
        (_SLA, _PERIOD),
        kind=HTML,
        tag="pages",
    ),
    Operation(
        "/reports",
        "archive.reports",
        "Frozen months and the mails that were sent, as a page",
        (Parameter("type", "Only those of a kind."), _CURSOR),
        kind=HTML,
        tag="pages",
    ),
    Operation(
        "/reports/{id}.csv",
        "archive.table",
        "The rows of a report, with the figures as they are known now",
        _FILES,
        kind=CSV,
        tag="pages",
    ),
    Operation(
        "/reports/{id}.json",
        "archive.data",
        "A report as data, with the figures as they are known now",
        _FILES,
        answer="Report",
        tag="pages",
    ),
    Operation(
        "/reports/{id}.html",
        "archive.html",
        "A mail as it was sent, as one file with its charts",
        (_REPORT, _VERSION),
        kind=HTML,
        tag="pages",
    ),
    Operation(
        "/reports/{id}.txt",
        "archive.text",
        "The plain text of a mail as it was sent",
        (_REPORT, _VERSION),
        kind=TEXT,
        tag="pages",
    ),
    Operation(
        "/reports/{id}.pdf",
        "archive.pdf",
        "The PDF that went with a monthly report",
        (_REPORT, _VERSION),
        kind=PDF,
        tag="pages",
    ),
    Operation(
        "/reports/{id}",
        "archive.report",
        "A mail as it was sent, and what has changed since; a report that is not kept, as known now",
        (
            _REPORT,
            Parameter(
                "figures",
                "now: a daily, weekly or monthly report again, with the figures as they are known now.",
                default=SENT,
                choices=(SENT, NOW),
            ),
            _VERSION,
        ),
        kind=HTML,
        tag="pages",
    ),
    Operation("/months", "months.page", "The frozen months as a page", kind=HTML, tag="pages"),
    Operation(
        "/months/{month}",
        "months.text",
        "A frozen month as text, byte by byte as it was frozen",
        (_MONTH, _REVISION),
        kind=TEXT,
        tag="pages",
    ),
    Operation(
        "/evidence/{month}",
        "evidence.archive",
        "The evidence of a frozen month as an archive, which anybody can check; 503 while it is being made",
        (_MONTH, _REVISION),
        kind=ZIP,
        tag="pages",
    ),
    Operation("/runbooks", "site.runbooks", "The list of runbooks", kind=HTML, tag="pages", free=True),
    Operation("/runbooks/", "site.runbooks", "The list of runbooks", kind=HTML, tag="pages", free=True),
    Operation(
        "/runbooks/{name}",
        "site.runbook",
        "The runbook of an alert",
        (Parameter("name", "The name of an alert."),),
        kind=HTML,
        tag="pages",
        free=True,
    ),
    Operation(
        "/healthz", "site.health", "Whether the worker is healthy", answer="Health", tag="machine", free=True
    ),
    Operation(
        "/metrics", "site.metrics", "The metrics of the worker", kind=METRICS, tag="machine", free=True
    ),
    Operation(
        "/api/openapi.json", "openapi.document", "This document", tag="machine", answer="OpenAPI", free=True
    ),
    Operation(
        "/api/status",
        "api.status",
        "Every SLA over the last hours",
        (Parameter("hours", "So many hours.", 1, 999999, "24"), _TEAM, _EXCLUSIONS, _FORMAT),
        answer="StatusList",
        kept=True,
        rows="slas",
    ),
    Operation(
        "/api/compliance",
        "api.compliance",
        "Every SLA over a period, with verdict and error budget",
        (
            Parameter("window", f"The period: {_WINDOW} or FROM/TO.", default="month"),
            _FROM,
            _TO,
            _ONE_SLA,
            _TEAM,
            _EXCLUSIONS,
            _FORMAT,
        ),
        answer="Compliance",
        kept=True,
        rows="slas",
    ),
    Operation(
        "/api/measurements",
        "browse.measurements",
        "The rows of one SLA, newest first",
        (_SLA, _FROM, _TO, *_LIST),
        answer="MeasurementPage",
        kept=True,
        rows="measurements",
    ),
    Operation(
        "/api/breaches",
        "browse.breaches",
        "Breaches, newest first",
        (
            _ONE_SLA,
            Parameter("state", "Only those that last, or that are over.", choices=("open", "over")),
            Parameter("severity", "Only these.", choices=("critical", "high", "medium", "low")),
            Parameter("category", "Only those of the SLAs of a category."),
            _TEAM,
            _FROM,
            _TO,
            *_LIST,
        ),
        answer="BreachPage",
        kept=True,
        rows="breaches",
    ),
    Operation(
        "/api/explain",
        "api.explanation",
        "Where the figures of an SLA come from",
        (_SLA, _PERIOD),
        answer="Explanation",
    ),
    Operation(
        "/api/credits",
        "api.credits_owed",
        "What customers are owed for a month; of the running one an estimate",
        (_MONTH,),
        answer="Credits",
    ),
    Operation(
        "/api/credits/proposals",
        "credits.proposals",
        "What frozen months propose as credits, and what was decided",
        (_MONTH, _FORMAT),
        answer="Proposals",
        rows="proposals",
    ),
    Operation(
        "/api/months",
        "months.listed",
        "Frozen months, oldest first",
        (_FORMAT,),
        answer="Months",
        rows="months",
    ),
    Operation(
        "/api/months/{month}",
        "months.document",
        "A frozen month as JSON, byte by byte as it was frozen",
        (_MONTH, _REVISION),
        answer="FrozenMonth",
    ),
    Operation(
        "/api/maintenance",
        "api.maintenance",
        "Maintenance: time that does not count, revoked ones too",
        (
            Parameter("state", "Only these.", choices=("active", "planned", "over", "revoked")),
            _FORMAT,
        ),
        answer="MaintenanceList",
        kept=True,
        rows="maintenance",
    ),
    Operation(
        "/api/corrections",
        "api.corrections",
        "Corrections of figures, revoked ones too",
        (_FORMAT,),
        answer="CorrectionList",
        rows="corrections",
    ),
    Operation(
        "/api/reports",
        "browse.reports",
        "The mails that were owed, newest first: which, when, to how many",
        (
            Parameter(
                "type", "Only those of a kind: daily, weekly, monthly, breach and the others of the metrics."
            ),
            *_LIST,
        ),
        answer="ReportPage",
        rows="reports",
    ),
    Operation(
        "/api/alerts",
        "api.alerts",
        "The alerts that Alertmanager sent, newest first",
        (_LIMIT, _FORMAT),
        answer="AlertList",
        rows="alerts",
    ),
    Operation(
        PUBLIC_PAGE,
        "public.page",
        "The public page: what everybody may know. On the public address it is /",
        kind=HTML,
        tag="status",
        kept=True,
        public=True,
    ),
    *(
        Operation(
            f"/api/v2/{path}.json",
            f"statuspage.{handler}",
            summary,
            answer=answer,
            tag="status",
            kept=True,
            public=True,
        )
        for path, handler, summary, answer in (
            (
                "summary",
                "summary",
                "State, services, unresolved incidents, maintenance now and next",
                "Summary",
            ),
            ("status", "status", "The overall state", "StatusOnly"),
            ("components", "components", "The services: public SLAs", "Components"),
            ("incidents", "incidents", "The newest 50 incidents", "Incidents"),
            ("incidents/unresolved", "unresolved", "Incidents that last", "Incidents"),
            ("scheduled-maintenances", "maintenances", "Maintenance, the newest 50", "Maintenances"),
            ("scheduled-maintenances/upcoming", "upcoming", "Maintenance that is planned", "Maintenances"),
            ("scheduled-maintenances/active", "active", "Maintenance in progress", "Maintenances"),
        )
    ),
    Operation(
        "/feed.atom",
        "feed.atom",
        "Incidents and maintenance of public SLAs with every update, as Atom",
        kind=ATOM,
        tag="status",
        kept=True,
        public=True,
    ),
    Operation(
        "/maintenance.ics",
        "calendar.maintenance",
        "Maintenance of public SLAs as iCalendar, each time an event",
        kind=CALENDAR,
        tag="status",
        kept=True,
        public=True,
    ),
    Operation(
        "/badge/{sla}.json",
        "badge.endpoint",
        "Figure and verdict of 30 days, for shields' endpoint badge",
        (_SLA,),
        answer="Badge",
        tag="status",
        kept=True,
        public=True,
    ),
    Operation(
        "/badge/{sla}.svg",
        "badge.svg",
        "The same as a picture",
        (_SLA,),
        kind=SVG,
        tag="status",
        kept=True,
        public=True,
    ),
    Operation(
        "/webhook/alertmanager",
        "site.webhook",
        "Takes the alerts of Alertmanager",
        method="POST",
        answer="Stored",
        tag="changes",
    ),
    Operation(
        "/api/measure-again",
        "api.measure_again",
        "Asked by `sla_calculator --recompute` and `sla_backfill`",
        method="POST",
        answer="MeasuredAgain",
        tag="changes",
        free=True,
    ),
    Operation(
        "/api/maintain",
        "api.maintain",
        "Asked by `sla_maintenance`",
        method="POST",
        answer="Maintained",
        tag="changes",
    ),
    Operation(
        "/api/correct",
        "api.correct",
        "Asked by `sla_correct`",
        method="POST",
        answer="Corrected",
        tag="changes",
    ),
    Operation(
        "/api/credits/decide",
        "credits.decide",
        "Asked by `sla_credits`",
        method="POST",
        answer="Proposals",
        tag="changes",
    ),
)
"""In the order of the document. A path without braces wins over one with."""
