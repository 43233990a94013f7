"""/api/v2: what is public in the shape of Statuspage's API, for the tools that read it.

A service that was not measured lately is `degraded_performance` here, for that shape has no word for it; its
description says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from sla_worker.public import Event, Public, Service, ServiceState, Update
from sla_worker.web.http import Answer, json_answer
from sla_worker.web.request import Parts, Request

PAGE_ID: Final = "sla-worker"
_MOST = 50  # incidents, and times of maintenance, as Statuspage has it
_INDICATORS = {
    ServiceState.OPERATIONAL: "none",
    ServiceState.MAINTENANCE: "maintenance",
    ServiceState.UNKNOWN: "minor",
    ServiceState.DEGRADED: "minor",
    ServiceState.PARTIAL: "major",
    ServiceState.MAJOR: "critical",
}
_PLANNED, _NOW = ("scheduled",), ("in_progress",)


def summary(parts: Parts, _request: Request) -> Answer:
    """Status, services, unresolved incidents and maintenance now and next."""
    found = parts.pages.public()
    return _answer(
        parts,
        found,
        components=_components(found),
        incidents=_incidents(parts, found, found.unresolved),
        scheduled_maintenances=_maintenances(parts, found, found.maintenance_in(*_NOW, *_PLANNED)),
        status=_status(found),
    )


def status(parts: Parts, _request: Request) -> Answer:
    """The overall state."""
    found = parts.pages.public()
    return _answer(parts, found, status=_status(found))


def components(parts: Parts, _request: Request) -> Answer:
    """The services."""
    found = parts.pages.public()
    return _answer(parts, found, components=_components(found))


def incidents(parts: Parts, _request: Request) -> Answer:
    """The newest incidents."""
    found = parts.pages.public()
    return _answer(parts, found, incidents=_incidents(parts, found, found.incidents[:_MOST]))


def unresolved(parts: Parts, _request: Request) -> Answer:
    """The incidents that last."""
    found = parts.pages.public()
    return _answer(parts, found, incidents=_incidents(parts, found, found.unresolved))


def maintenances(parts: Parts, _request: Request) -> Answer:
    """Maintenance that was, is and will be, the newest first."""
    found = parts.pages.public()
    return _maintenance_answer(parts, found, found.maintenance)


def upcoming(parts: Parts, _request: Request) -> Answer:
    """Maintenance that will be, the next first."""
    found = parts.pages.public()
    return _maintenance_answer(parts, found, found.maintenance_in(*_PLANNED))


def active(parts: Parts, _request: Request) -> Answer:
    """Maintenance now."""
    found = parts.pages.public()
    return _maintenance_answer(parts, found, found.maintenance_in(*_NOW))


def _maintenance_answer(parts: Parts, found: Public, events: Iterable[Event]) -> Answer:
    return _answer(parts, found, scheduled_maintenances=_maintenances(parts, found, events)[:_MOST])


def _answer(parts: Parts, found: Public, **more: Any) -> Answer:
    page = {
        "id": PAGE_ID,
        "name": "SLA status",
        "url": parts.pages.public_url(open_to_all=parts.public),
        "time_zone": parts.pages.zone.key,
        "updated_at": when(found.now),
    }
    headers = {"Access-Control-Allow-Origin": "*"} if parts.public else {}
    return json_answer({"page": page, **more}, headers=headers)


def when(epoch: int) -> str:
    """A time as Statuspage writes it."""
    return f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _status(found: Public) -> dict[str, str]:
    return {"indicator": _INDICATORS[found.state], "description": found.words}


def _components(found: Public) -> list[dict[str, Any]]:
    return [_component(found, each, number) for number, each in enumerate(found.services, start=1)]


def _component(found: Public, service: Service, position: int) -> dict[str, Any]:
    unknown = service.state is ServiceState.UNKNOWN
    return {
        "id": service.key,
        "name": service.name,
        "status": (ServiceState.DEGRADED if unknown else service.state).value,
        "description": "Not measured at the moment." if unknown else None,
        "created_at": None,
        "updated_at": when(found.now),
        "position": position,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": PAGE_ID,
        "group": False,
        "only_show_if_degraded": False,
    }


def _concerned(found: Public, event: Event) -> list[dict[str, Any]]:
    return [each for each in _components(found) if each["id"] in event.keys]


def _incidents(parts: Parts, found: Public, events: Iterable[Event]) -> list[dict[str, Any]]:
    return [_event(parts, found, each) for each in events]


def _maintenances(parts: Parts, found: Public, events: Iterable[Event]) -> list[dict[str, Any]]:
    return [
        _event(parts, found, each)
        | {"scheduled_for": when(each.begins), "scheduled_until": when(each.ends or each.begins)}
        for each in events
    ]


def _event(parts: Parts, found: Public, event: Event) -> dict[str, Any]:
    over = event.state in {"resolved", "completed"}
    return {
        "id": event.id,
        "name": event.title,
        "status": event.state,
        "created_at": when(event.created_at),
        "updated_at": when(event.updated_at),
        "monitoring_at": None,
        "resolved_at": when(event.updates[-1].at) if over else None,
        "started_at": when(event.begins),
        "impact": event.impact,
        "shortlink": f"{parts.pages.public_url(open_to_all=parts.public)}#{event.id}",
        "page_id": PAGE_ID,
        "incident_updates": [
            _update(found, event, number, each)
            for number, each in reversed(list(enumerate(event.updates, start=1)))
        ],
        "components": _concerned(found, event),
    }


def _update(found: Public, event: Event, number: int, update: Update) -> dict[str, Any]:
    return {
        "id": f"{event.id}-{number}",
        "status": update.state,
        "body": update.words,
        "incident_id": event.id,
        "created_at": when(update.at),
        "updated_at": when(update.at),
        "display_at": when(update.at),
        "affected_components": [
            {"code": each.key, "name": each.name} for each in found.services if each.key in event.keys
        ],
        "deliver_notifications": False,
        "custom_tweet": None,
        "tweet_id": None,
    }
