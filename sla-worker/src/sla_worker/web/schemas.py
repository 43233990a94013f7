"""The schemas of the API's answers. Those of the package's own values are made of their types.

Every object is closed: a value that is added to an answer is added here, or a test fails.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from sla_worker.model import (
    Breach,
    Budget,
    Causes,
    Correction,
    Exclusion,
    FrozenMonth,
    Measurement,
    OwedMail,
    SLAStatus,
    State,
    Status,
    WebhookAlert,
)
from sla_worker.model.credit import Stage
from sla_worker.model.definition import SEVERITIES, Comparison

Schema = dict[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_WHOLE: Final[Schema] = {"type": "integer"}
_TIME: Final[Schema] = {"type": "integer", "description": "Epoch seconds."}
_LOGICAL: Final[Schema] = {"type": "boolean"}
_ON_OFF: Final[Schema] = {"enum": ["on", "off"]}
_STATUS: Final[Schema] = {"enum": [each.label for each in Status]}
_STATE: Final[Schema] = {"enum": [each.word for each in State]}
_MAINTENANCE: Final[Schema] = {"enum": ["active", "planned", "over", "revoked"]}
_KEY: Final[Schema] = {"type": "string", "description": "The key of an SLA."}


def optional(schema: Schema) -> Schema:
    """The same, or null where it is not known."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    """Another schema, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def closed(properties: Schema, *left_out: str) -> Schema:
    """An object with just these values; `left_out` are those that may not be there."""
    required = [each for each in properties if each not in left_out]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def at_least(properties: Schema) -> Schema:
    """An object with these values and others."""
    return {"type": "object", "properties": properties, "required": list(properties)}


@cache
def components() -> Schema:
    """All schemas by name."""
    own = _own()
    figures = own.pop("SLAStatus")["properties"] | {"status": _STATUS, "meets_target": optional(_LOGICAL)}
    row = own.pop("Measurement")["properties"]
    del row["key"]
    breach = own.pop("Breach")["properties"]
    del breach["key"]
    exclusion, correction = own["Exclusion"]["properties"], own["Correction"]
    mail = own.pop("OwedMail")["properties"]
    page = {"next": optional({"type": "string", "description": "The cursor of the next page."})}
    counted = {"good": _NUMBER, "total": _NUMBER, "coverage": _NUMBER, "actual": optional(_NUMBER)}
    measurement = closed(
        {
            "sla": _KEY,
            "state": _STATE,
            "status": _STATUS,
            **{name: value for name, value in row.items() if name not in {"state", "status"}},
            "version": _WHOLE,
            "counted": optional(closed(counted | {"state": _STATE, "status": _STATUS})),
        }
    )
    lowest = {"sla": _KEY, "name": optional(_TEXT), "compliance_ratio": optional(_NUMBER), "hours": _WHOLE}
    judged = {
        "held_to_ratio": _NUMBER,
        "verdict": {
            "enum": ["pass", "pass so far", "fail", "no data", "no traffic", "out of hours", "excluded"]
        },
        "error_budget": ref("Budget"),
    }
    period = {"start": _TIME, "end": _TIME, "exclusions": _ON_OFF}
    return {
        **own,
        "Error": closed({"error": {"type": "string", "description": "What is wrong, with the fix."}}),
        "Health": closed(
            {
                "status": {"const": "ok"},
                "role": {"enum": ["leader", "standby"]},
                "leader": _TEXT,
                "warnings": list_of(_TEXT),
            },
            "role",
            "leader",
            "warnings",
        ),
        "OpenAPI": at_least({"openapi": _TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
        "Figures": closed(figures),
        "StatusList": closed({"hours": _WHOLE, "exclusions": _ON_OFF, "slas": list_of(ref("Figures"))}),
        "Compliance": closed({"window": _TEXT, **period, "slas": list_of(closed(figures | judged))}),
        "MeasurementPage": closed(
            {"measurements": list_of(measurement), **page, "lowest": closed(lowest)}, "lowest"
        ),
        "BreachPage": closed(
            {
                "breaches": list_of(
                    closed(
                        {
                            **{name: value for name, value in breach.items() if name != "id"},
                            "id": _WHOLE,
                            "sla": _KEY,
                            "state": {"enum": ["open", "over"]},
                            "severity": {"enum": list(SEVERITIES)},
                            "comparison": {"enum": [str(each) for each in Comparison]},
                            "duration_seconds": optional(_WHOLE),
                            "causes": optional(ref("Causes")),
                        }
                    )
                ),
                **page,
            }
        ),
        "ReportPage": closed(
            {
                "reports": list_of(
                    closed(
                        mail | {"state": {"enum": ["owed", "sent", "sent in part", "given up", "dropped"]}}
                    )
                ),
                **page,
            }
        ),
        "MaintenanceList": closed({"maintenance": list_of(closed({"state": _MAINTENANCE, **exclusion}))}),
        "CorrectionList": closed({"corrections": list_of(correction)}),
        "AlertList": closed({"alerts": list_of(ref("WebhookAlert"))}),
        "Months": closed({"months": list_of(ref("Month"))}),
        "FrozenMonth": at_least({"month": _TEXT, "start": _TIME, "end": _TIME}),
        "Report": at_least(
            {"report": _TEXT, "start": _TEXT, "end": _TEXT, "rows": list_of({"type": "object"})}
        ),
        "Explanation": at_least(
            {"sla": _KEY, "start": _TIME, "end": _TIME, "figures": list_of({"type": "object"})}
        ),
        "Credits": at_least({"month": _TEXT}),
        "Proposals": closed({"proposals": list_of(_proposal())}),
        "Stored": closed({"stored": _WHOLE}),
        "MeasuredAgain": closed({"rows": _WHOLE}),
        "Maintained": closed(
            {
                "maintenance": optional(ref("Exclusion")),
                "remarks": list_of(_TEXT),
                "imported": list_of(at_least({"uid": _TEXT, "what": _TEXT})),
            }
        ),
        "Corrected": closed({"correction": ref("Correction")}),
        **_public(),
    }


def _public() -> Schema:
    """What /api/v2 answers, as Statuspage documents it; times are RFC 3339."""
    text, empty = _TEXT, {"type": "null"}
    page = closed(dict.fromkeys(("id", "name", "url", "time_zone", "updated_at"), text))
    component = closed(
        {
            "id": text,
            "name": text,
            "status": {
                "enum": [
                    "operational",
                    "under_maintenance",
                    "degraded_performance",
                    "partial_outage",
                    "major_outage",
                ]
            },
            "description": optional(text),
            "created_at": optional(text),
            "updated_at": text,
            "position": _WHOLE,
            "showcase": _LOGICAL,
            "start_date": optional(text),
            "group_id": optional(text),
            "page_id": text,
            "group": _LOGICAL,
            "only_show_if_degraded": _LOGICAL,
        }
    )
    incident_states = ["investigating", "identified", "monitoring", "resolved"]
    maintenance_states = ["scheduled", "in_progress", "completed"]
    update = {
        **dict.fromkeys(("id", "body", "incident_id", "created_at", "updated_at", "display_at"), text),
        "affected_components": list_of(closed({"code": text, "name": text})),
        "deliver_notifications": _LOGICAL,
        "custom_tweet": empty,
        "tweet_id": empty,
    }

    def event(states: list[str], impacts: list[str], **more: Schema) -> Schema:
        return closed(
            {
                **dict.fromkeys(("id", "name", "created_at", "updated_at", "started_at", "shortlink"), text),
                "page_id": text,
                "status": {"enum": states},
                "monitoring_at": optional(text),
                "resolved_at": optional(text),
                "impact": {"enum": impacts},
                "incident_updates": list_of(closed({**update, "status": {"enum": states}})),
                "components": list_of(ref("Component")),
                **more,
            }
        )

    overall = closed(
        {"indicator": {"enum": ["none", "minor", "major", "critical", "maintenance"]}, "description": text}
    )
    incidents, maintenances = list_of(ref("Incident")), list_of(ref("ScheduledMaintenance"))
    return {
        "Page": page,
        "Component": component,
        "Incident": event(incident_states, ["minor", "major", "critical"]),
        "ScheduledMaintenance": event(
            maintenance_states, ["maintenance"], scheduled_for=text, scheduled_until=text
        ),
        "Summary": closed(
            {
                "page": ref("Page"),
                "components": list_of(ref("Component")),
                "incidents": incidents,
                "scheduled_maintenances": maintenances,
                "status": overall,
            }
        ),
        "StatusOnly": closed({"page": ref("Page"), "status": overall}),
        "Components": closed({"page": ref("Page"), "components": list_of(ref("Component"))}),
        "Incidents": closed({"page": ref("Page"), "incidents": incidents}),
        "Maintenances": closed({"page": ref("Page"), "scheduled_maintenances": maintenances}),
        "Badge": closed(
            {
                "schemaVersion": {"const": 1},
                "label": text,
                "message": text,
                "color": text,
                "cacheSeconds": _WHOLE,
            }
        ),
    }


def _proposal() -> Schema:
    """A proposed credit: percentages are decimals as text."""
    texts = ("credit_percent", "below_percent", "reason", "yearly_cap_leaves_percent", "claim_until")
    decision = {
        "decision": {"enum": ["approved", "declined"]},
        "percent": _TEXT,
        "author": _TEXT,
        "reason": _TEXT,
        "decided_at": _TIME,
        "revoked_at": optional(_TIME),
        "revoked_by": optional(_TEXT),
        "revoke_reason": optional(_TEXT),
    }
    return closed(
        {
            "id": _WHOLE,
            "month": _TEXT,
            "revision": _WHOLE,
            "sla": _KEY,
            "component": _TEXT,
            "title": _TEXT,
            "stage": {"enum": [str(each) for each in Stage]},
            **dict.fromkeys(texts, optional(_TEXT)),
            "compliance_ratio": optional(_NUMBER),
            "coverage_ratio": optional(_NUMBER),
            "approved_percent": _TEXT,
            "terms": at_least({"yearly_cap": optional(_TEXT), "claim_days": optional(_WHOLE)}),
            "proposed_at": _TIME,
            "supersedes": optional(_WHOLE),
            "superseded_by": optional(_WHOLE),
            "decisions": list_of(closed(decision)),
        }
    )


def _own() -> dict[str, Schema]:
    """The values of the model as JSON has them: all their fields, and no others."""
    kinds = (
        SLAStatus,
        Budget,
        Measurement,
        Breach,
        Causes,
        Exclusion,
        Correction,
        FrozenMonth,
        OwedMail,
        WebhookAlert,
    )
    _, found = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    for each in found.values():
        if each.get("type") == "object":
            each |= {"required": list(each["properties"]), "additionalProperties": False}
            for value in each["properties"].values():
                value.pop("default", None)
        each.pop("title", None)
    found["Month"] = found.pop("FrozenMonth")
    del found["State"], found["Status"]  # which are numbers in the ledger, and words in every answer
    return found
