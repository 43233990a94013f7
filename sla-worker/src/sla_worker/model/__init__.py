"""The values that the modules hand to one another: frozen, checked by whoever makes them.

Ratios are 0 to 1, times are whole epoch seconds, durations are seconds. None means "not known", never 0.
"""

from __future__ import annotations

from sla_worker.model.alert_quality import AlertEpisode, AlertQuality, AlertRecord
from sla_worker.model.breach import (
    Breach,
    WatchdogOutage,
)
from sla_worker.model.cause import BeganBreach, BreachAlert, Causes
from sla_worker.model.correction import Correction, CountsAs, Wrong
from sla_worker.model.definition import (
    CATEGORIES,
    SEVERITIES,
    Comparison,
    Definition,
    Input,
    Judgement,
    Member,
    MetricType,
    Promise,
    Sli,
    objective_ratio,
    title,
)
from sla_worker.model.details import (
    Details,
    policy_values,
    read_details,
    read_policy_values,
    read_terms,
    terms_values,
    write_details,
)
from sla_worker.model.drawing import Brand, Drawn, Sheet
from sla_worker.model.exclusion import BadBefore, CalendarEvent, Exclusion, Planned, Scope, Spans, StillBad
from sla_worker.model.long_report import (
    Incident,
    Line,
    LongReport,
    Score,
    Whole,
    clipped,
    seconds_together,
)
from sla_worker.model.mail import (
    Attachment,
    Delivery,
    Mail,
    Notification,
    OwedMail,
    WebhookAlert,
    follow_up,
    follow_up_key,
)
from sla_worker.model.measurement import (
    Figures,
    FutureRows,
    Measurement,
    PassResult,
    Reason,
    State,
    Status,
    Stored,
)
from sla_worker.model.month import FrozenMonth
from sla_worker.model.outlook import Prospect
from sla_worker.model.period import (
    Budget,
    Category,
    Report,
    SLAStatus,
)
from sla_worker.model.policy import (
    DEFAULT_POLICY,
    WINDOWS,
    CreditTerms,
    Maintenance,
    NewSeries,
    NoData,
    Policy,
    ServiceHours,
    Tier,
)
from sla_worker.model.team import (
    RECEIVER_KINDS,
    Receivers,
    Team,
    read_receivers,
    receivers_of,
    write_receivers,
)
from sla_worker.needs import UNDIVIDED

__all__ = [
    "CATEGORIES",
    "DEFAULT_POLICY",
    "RECEIVER_KINDS",
    "SEVERITIES",
    "UNDIVIDED",
    "WINDOWS",
    "AlertEpisode",
    "AlertQuality",
    "AlertRecord",
    "Attachment",
    "BadBefore",
    "BeganBreach",
    "Brand",
    "Breach",
    "BreachAlert",
    "Budget",
    "CalendarEvent",
    "Category",
    "Causes",
    "Comparison",
    "Correction",
    "CountsAs",
    "CreditTerms",
    "Definition",
    "Delivery",
    "Details",
    "Drawn",
    "Exclusion",
    "Figures",
    "FrozenMonth",
    "FutureRows",
    "Incident",
    "Input",
    "Judgement",
    "Line",
    "LongReport",
    "Mail",
    "Maintenance",
    "Measurement",
    "Member",
    "MetricType",
    "NewSeries",
    "NoData",
    "Notification",
    "OwedMail",
    "PassResult",
    "Planned",
    "Policy",
    "Promise",
    "Prospect",
    "Reason",
    "Receivers",
    "Report",
    "SLAStatus",
    "Scope",
    "Score",
    "ServiceHours",
    "Sheet",
    "Sli",
    "Spans",
    "State",
    "Status",
    "StillBad",
    "Stored",
    "Team",
    "Tier",
    "WatchdogOutage",
    "WebhookAlert",
    "Whole",
    "Wrong",
    "clipped",
    "follow_up",
    "follow_up_key",
    "objective_ratio",
    "policy_values",
    "read_details",
    "read_policy_values",
    "read_receivers",
    "read_terms",
    "receivers_of",
    "seconds_together",
    "terms_values",
    "title",
    "write_details",
    "write_receivers",
]
