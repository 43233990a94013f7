"""Figures of SLAs, maintenance and corrections as JSON, and the changes that commands ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from sla_worker.again import BusyError, Wish
from sla_worker.errors import DatabaseError, SLAWorkerError
from sla_worker.model import Reason, SLAStatus
from sla_worker.render.format import verdict
from sla_worker.reports import only_of
from sla_worker.web.http import Answer, HTTPError, json_answer
from sla_worker.web.request import Parts, Request, as_given
from sla_worker.web.table import listed

_Made = TypeVar("_Made")


def alerts(parts: Parts, request: Request) -> Answer:
    """The newest alerts, newest first."""
    found = parts.pages.newest_alerts(request.number("limit"))
    return listed(request, {"alerts": [asdict(each) for each in found]})


def explanation(parts: Parts, request: Request) -> Answer:
    """Where the figures of one SLA come from, in a slot or over a period."""
    key = known_sla(parts, request)
    with refused("period"):
        return json_answer(parts.pages.explanation(key, request.text("period")))


def status(parts: Parts, request: Request) -> Answer:
    """Every SLA over the last hours, with or without what is excluded."""
    hours, said = request.number("hours"), request.text("exclusions")
    with refused("team"):
        only = parts.pages.keys_of(request.optional("team"))
    found = only_of(parts.pages.statuses(hours, exclusions=said == "on"), only)
    return listed(request, {"hours": hours, "exclusions": said, "slas": [_figures(each) for each in found]})


def compliance(parts: Parts, request: Request) -> Answer:
    """Every SLA over a period, with what is left of its error budget."""
    said, key, span = request.text("exclusions"), request.optional("sla"), request.range()
    if span is not None and request.given("window"):
        raise HTTPError(400, "window and from or to are both given: give one of them")
    if key is not None and not parts.pages.knows(key):
        raise HTTPError(404, f"sla={key[:80]}: there is no such SLA; sla_thresholds.yml lists the keys")
    with refused("team"):
        only = parts.pages.keys_of(request.optional("team"))
    with refused("window" if span is None else "from, to"):
        found = parts.pages.compliance(span or request.text("window"), exclusions=said == "on", only=only)
    report = found.report
    return listed(
        request,
        {
            "window": found.window,
            "start": report.start,
            "end": report.end,
            "exclusions": said,
            "slas": [
                _figures(each)
                | {
                    "held_to_ratio": each.held_to_ratio,
                    "verdict": verdict(each),
                    "error_budget": asdict(found.budgets[each.key, each.component]),
                }
                for each in report.statuses
                if key in {None, each.key}
            ],
        },
    )


def credits_owed(parts: Parts, request: Request) -> Answer:
    """What customers are owed for a month; of the running one an estimate."""
    with refused("month"):
        return json_answer(parts.pages.credits_owed(request.optional("month")))


def maintenance(parts: Parts, request: Request) -> Answer:
    """The exclusions, with their state now."""
    now, wanted = parts.pages.now(), request.optional("state")
    found = [{"state": each.state(now), **asdict(each)} for each in parts.pages.maintenance()]
    return listed(request, {"maintenance": [each for each in found if wanted in {None, each["state"]}]})


def corrections(parts: Parts, request: Request) -> Answer:
    """Every correction, those that were revoked too."""
    return listed(request, {"corrections": [asdict(each) for each in parts.pages.corrections()]})


def measure_again(parts: Parts, request: Request) -> Answer:
    """What `sla_calculator --recompute` and `sla_backfill` ask of the service that has their ledger open."""
    try:
        asked = request.json()
        wish = Wish(int(asked["start"]), int(asked["end"]), tuple(asked["slas"]), Reason(asked["reason"]))
        named = str(asked["ledger"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise HTTPError(400, f"the body is not {{ledger, start, end, slas, reason}}: {error}") from error
    if named != parts.ledger:
        raise HTTPError(409, "this sla-worker has another ledger open; check SLA_WORKER_PORT")
    try:
        return json_answer({"rows": parts.again(wish)})
    except BusyError as error:
        raise HTTPError(409, str(error)) from error
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(422, str(error)) from error


def maintain(parts: Parts, request: Request) -> Answer:
    """What `sla_maintenance` asks of the service that has its ledger open."""
    done = changed(parts.maintain, parts.ledger, request)
    made = None if done.exclusion is None else asdict(done.exclusion)
    imported = [asdict(each) for each in done.imported]
    return json_answer({"maintenance": made, "remarks": done.remarks, "imported": imported})


def correct(parts: Parts, request: Request) -> Answer:
    """What `sla_correct` asks of the service that has its ledger open."""
    return json_answer({"correction": asdict(changed(parts.correct, parts.ledger, request))})


def changed(change: Callable[[Any], _Made], ledger: str, request: Request) -> _Made:
    """What a change of the body makes, if it is meant for the ledger of this service."""
    try:
        asked = request.json()
        if str(asked["ledger"]) != ledger:
            raise HTTPError(409, "this sla-worker has another ledger open; check SLA_WORKER_PORT")
        return change(asked)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise HTTPError(400, f"the body is not {{ledger, action, …}}: {error}") from error
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(422, str(error)) from error


def known_sla(parts: Parts, request: Request) -> str:
    """The key of an SLA that was ever defined. Raises 400 for another one."""
    key = request.text("sla")
    if not parts.pages.explains(key):
        raise HTTPError(400, f"sla={key[:80]}: there is no such SLA; sla_thresholds.yml lists the keys")
    return key


@contextmanager
def refused(parameter: str) -> Iterator[None]:
    """A value of the query that is refused is the caller's mistake, and not the worker's."""
    try:
        yield
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(400, f"{parameter}: {as_given(str(error))}") from error


def _figures(status: SLAStatus) -> dict[str, object]:
    return asdict(status) | {"status": status.status.label, "meets_target": status.meets_target}
