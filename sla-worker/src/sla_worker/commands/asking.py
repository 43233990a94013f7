"""What commands ask of the ledger: done by themselves, or by the service that has it open."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

from sla_worker import deciding, service
from sla_worker.again import Wish
from sla_worker.database.importing import imported_of
from sla_worker.errors import DatabaseLockedError, SLAWorkerError
from sla_worker.maintaining import Asked, Done, exclusion_of
from sla_worker.model import Correction, correction_of
from sla_worker.settings import Settings

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - where to ask, not to listen
_CONNECT_SECONDS = 5
_MEASURE_AGAIN = "/api/measure-again"
_MAINTAIN = "/api/maintain"
_CORRECT = "/api/correct"
_DECIDE = "/api/credits/decide"


def measure_again(settings: Settings, wish: Wish) -> tuple[int, str]:
    """Rows added or changed, and by whom, in words. Raises SLAWorkerError."""
    try:
        return service.measure_again(settings, wish).stored, ""
    except DatabaseLockedError as locked:
        asked = {
            "start": wish.start,
            "end": wish.end,
            "slas": list(wish.keys),
            "reason": wish.reason.value,
        }
        found = _by_the_service(settings, _MEASURE_AGAIN, asked, locked)
        return int(found["rows"]), " by the sla-worker that runs"


def maintain(settings: Settings, asked: Asked) -> Done:
    """A change of an exclusion. Raises SLAWorkerError."""
    try:
        return service.maintain(settings, asked)
    except DatabaseLockedError as locked:
        found = _by_the_service(settings, _MAINTAIN, asked, locked)
        made = found["maintenance"]
        return Done(
            None if made is None else exclusion_of(made),
            tuple(found["remarks"]),
            tuple(imported_of(found.get("imported", ()))),
        )


def correct(settings: Settings, asked: Asked) -> Correction:
    """A change of a correction. Raises SLAWorkerError."""
    try:
        return service.correct(settings, asked)
    except DatabaseLockedError as locked:
        return correction_of(_by_the_service(settings, _CORRECT, asked, locked)["correction"])


def decide(settings: Settings, asked: Asked) -> list[dict[str, Any]]:
    """A decision about proposed credits; the proposals as they are then. Raises SLAWorkerError."""
    try:
        with closing(service.open_database(settings)) as database:
            return deciding.decide(database, asked, int(time.time()))
    except DatabaseLockedError as locked:
        found: list[dict[str, Any]] = _by_the_service(settings, _DECIDE, asked, locked)["proposals"]
        return found


def _by_the_service(settings: Settings, path: str, asked: Asked, locked: DatabaseLockedError) -> Any:
    """Ask the service on the port of the settings, which does it beside its passes."""
    from sla_worker.lean_requests import requests  # noqa: PLC0415 - only beside a service that runs

    host = _ANYWHERE.get(settings.bind, f"[{settings.bind}]" if ":" in settings.bind else settings.bind)
    url = f"http://{host}:{settings.port}{path}"
    headers = {} if settings.webhook_token is None else {"Authorization": f"Bearer {settings.webhook_token}"}
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.post(
                url,
                json={"ledger": service.ledger_name(settings), **asked},
                headers=headers,
                timeout=(_CONNECT_SECONDS, None),
            )
            found = answer.json()
        except requests.ConnectionError as error:
            raise SLAWorkerError(
                f"{locked}; the sla-worker could do it beside its passes, but none answers at {url}"
            ) from error
        except ValueError as error:
            raise SLAWorkerError(
                f"{url}: what answers there is no sla-worker; check SLA_WORKER_PORT"
            ) from error
    if answer.status_code == requests.codes.not_found:
        raise SLAWorkerError(f"{locked}; what answers at {url} cannot do it for you") from locked
    if answer.status_code != requests.codes.ok:
        raise SLAWorkerError(str(found.get("error", found)))
    return found
