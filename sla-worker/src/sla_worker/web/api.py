"""The small API: newest alerts and newest rows of the ledger, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs

from sla_worker.again import Ask, BusyError, Wish
from sla_worker.errors import DatabaseError, SLAWorkerError
from sla_worker.maintaining import Correct, Maintain
from sla_worker.model import Measurement, Reason, SLAStatus
from sla_worker.render.format import verdict
from sla_worker.web.http import Answer, HTTPError, json_answer, read_body
from sla_worker.web.pages import Pages

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

MEASURE_AGAIN = "/api/measure-again"
STATUS = "/api/status"
COMPLIANCE, CREDITS = "/api/compliance", "/api/credits"
MAINTENANCE, MAINTAIN = "/api/maintenance", "/api/maintain"
CORRECTIONS, CORRECT = "/api/corrections", "/api/correct"
_Made = TypeVar("_Made")
_MAXIMUM_LIMIT = 1000
_DEFAULT_LIMIT = 100


def alerts(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """The newest alerts, newest first."""
    return json_answer({"alerts": [asdict(each) for each in pages.newest_alerts(_limit(environ))]})


def measurements(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """The newest rows of one SLA, newest first; of a composite with the member whose compliance is lowest."""
    key = _parameter(environ, "sla", "")
    if not key:
        raise HTTPError(400, "sla is missing: give the key of an SLA, such as ?sla=platform-uptime")
    rows = pages.newest_measurements(key, _limit(environ))
    if not rows:
        raise HTTPError(404, f"sla={key}: no measurement has this key; sla_thresholds.yml lists the keys")
    lowest = pages.lowest_member(key)
    found = [_row(each) | beside for each, beside in zip(rows, pages.beside(rows), strict=True)]
    return json_answer({"measurements": found, **({"lowest": lowest} if lowest else {})})


def explanation(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """Where the figures of one SLA come from, in a slot or over a period."""
    key = _parameter(environ, "sla", "")
    if not key:
        raise HTTPError(
            400, "sla is missing: give the key of an SLA, such as ?sla=platform-uptime&period=24h"
        )
    with refused("period"):
        return json_answer(pages.explanation(key, _parameter(environ, "period", "24h")))


def measure_again(again: Ask, ledger: str, environ: WSGIEnvironment) -> Answer:
    """What `sla_calculator --recompute` and `sla_backfill` ask of the service that has their ledger open."""
    try:
        asked = json.loads(read_body(environ))
        wish = Wish(int(asked["start"]), int(asked["end"]), tuple(asked["slas"]), Reason(asked["reason"]))
        named = str(asked["ledger"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise HTTPError(400, f"the body is not {{ledger, start, end, slas, reason}}: {error}") from error
    if named != ledger:
        raise HTTPError(409, "this sla-worker has another ledger open; check SLA_WORKER_PORT")
    try:
        return json_answer({"rows": again(wish)})
    except BusyError as error:
        raise HTTPError(409, str(error)) from error
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(422, str(error)) from error


def status(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """Every SLA over the last hours, with or without what is excluded."""
    text = _parameter(environ, "hours", "24")
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise HTTPError(400, f"hours={text}: give a whole number from 1 to 999999")
    exclusions = _exclusions(environ)
    found = pages.statuses(int(text), exclusions=exclusions)
    said = "on" if exclusions else "off"
    return json_answer({"hours": int(text), "exclusions": said, "slas": [_figures(each) for each in found]})


def compliance(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """Every SLA over a window, with what is left of its error budget."""
    exclusions = _exclusions(environ)
    with refused("window"):
        found = pages.compliance(_parameter(environ, "window", "month"), exclusions=exclusions)
    report = found.report
    return json_answer(
        {
            "window": found.window,
            "start": report.start,
            "end": report.end,
            "exclusions": "on" if exclusions else "off",
            "slas": [
                _figures(each)
                | {
                    "held_to_ratio": each.held_to_ratio,
                    "verdict": verdict(each),
                    "error_budget": asdict(found.budgets[each.key, each.component]),
                }
                for each in report.statuses
            ],
        }
    )


def credits_owed(pages: Pages, environ: WSGIEnvironment) -> Answer:
    """What customers are owed for a month; of the running one an estimate."""
    with refused("month"):
        return json_answer(pages.credits_owed(_parameter(environ, "month", "") or None))


def maintenance(pages: Pages) -> Answer:
    """Every exclusion, with its state now."""
    now = pages.now()
    return json_answer(
        {"maintenance": [{"state": each.state(now), **asdict(each)} for each in pages.maintenance()]}
    )


def maintain(change: Maintain, ledger: str, environ: WSGIEnvironment) -> Answer:
    """What `sla_maintenance` asks of the service that has its ledger open."""
    done = _changed(change, ledger, environ)
    return json_answer({"maintenance": asdict(done.exclusion), "remarks": done.remarks})


def corrections(pages: Pages) -> Answer:
    """Every correction, those that were revoked too."""
    return json_answer({"corrections": [asdict(each) for each in pages.corrections()]})


def correct(change: Correct, ledger: str, environ: WSGIEnvironment) -> Answer:
    """What `sla_correct` asks of the service that has its ledger open."""
    return json_answer({"correction": asdict(_changed(change, ledger, environ))})


def _changed(change: Callable[[Any], _Made], ledger: str, environ: WSGIEnvironment) -> _Made:
    try:
        asked = json.loads(read_body(environ))
        if str(asked["ledger"]) != ledger:
            raise HTTPError(409, "this sla-worker has another ledger open; check SLA_WORKER_PORT")
        return change(asked)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise HTTPError(400, f"the body is not {{ledger, action, …}}: {error}") from error
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(422, str(error)) from error


@contextmanager
def refused(parameter: str) -> Iterator[None]:
    """A value of the query that is refused is the caller's mistake, and not the worker's."""
    try:
        yield
    except DatabaseError:
        raise
    except SLAWorkerError as error:
        raise HTTPError(400, f"{parameter}: {error}") from error


def _exclusions(environ: WSGIEnvironment) -> bool:
    said = _parameter(environ, "exclusions", "on")
    if said not in {"on", "off"}:
        raise HTTPError(400, f"exclusions={said}: give on or off")
    return said == "on"


def _parameter(environ: WSGIEnvironment, name: str, default: str) -> str:
    try:
        return str(parse_qs(environ.get("QUERY_STRING", "")).get(name, [default])[-1])
    except ValueError as error:  # more fields than anybody needs
        raise HTTPError(400, f"the query cannot be read: {error}") from error


def _limit(environ: WSGIEnvironment) -> int:
    text = _parameter(environ, "limit", str(_DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= _MAXIMUM_LIMIT:
        raise HTTPError(400, f"limit={text}: give a whole number from 1 to {_MAXIMUM_LIMIT}")
    return int(text)


def _figures(status: SLAStatus) -> dict[str, object]:
    return asdict(status) | {"status": status.status.label, "meets_target": status.meets_target}


def _row(row: Measurement) -> dict[str, object]:
    """A row of the ledger with its state and status in words; `slot` is the slot's end in epoch seconds."""
    words = {"sla": row.key, "state": row.state.word, "status": row.status.label}
    return words | {name: value for name, value in asdict(row).items() if name not in {"key", *words}}
