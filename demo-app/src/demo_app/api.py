"""The API: faults in and out, the state of the system, health. It speaks JSON only."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from demo_app.clock import Clock
from demo_app.faults import (
    MAXIMUM_DURATION_SECONDS,
    MINIMUM_DURATION_SECONDS,
    Faults,
    FaultState,
    FaultValueError,
    UnknownFaultError,
    duration_range,
    intensity_range,
)
from demo_app.orchestrator import Orchestrator

DESCRIPTION = """\
A small multi-agent CRM under steady traffic, made to be watched. Faults go in at their cause (a worker thread
is killed, an upstream stays silent) and end by themselves; the metrics follow from what the system then does.

Begin with `GET /faults`, then `POST /faults/{name}`, with an intensity and a duration or without a body.
"""


class TrafficCount(Protocol):
    """The part of the traffic that the API shows."""

    sent: int
    lost: int


class FaultOrder(BaseModel):
    """How strong a fault is to be, and for how long; what is left out takes its default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    intensity: float | None = Field(
        default=None, description="In the unit and range of the fault, as `GET /faults` tells them."
    )
    duration_seconds: float | None = Field(
        default=None,
        description=f"Seconds, {MINIMUM_DURATION_SECONDS:g} to {MAXIMUM_DURATION_SECONDS:g}; default 300.",
    )


class FaultView(BaseModel):
    """A fault: what it does, its range, and how it stands."""

    name: str
    description: str
    unit: str
    minimum: float
    maximum: float
    default: float
    active: bool
    intensity: float | None = Field(description="null while the fault is not active")
    remaining_seconds: float | None = Field(description="null while the fault is not active")
    metrics: list[str] = Field(description="where the fault shows first")
    alerts: list[str] = Field(description="alerts that can fire, by the intensity and the duration")
    slas: list[str] = Field(description="SLAs that can be breached")


class FaultList(BaseModel):
    """Every known fault."""

    faults: list[FaultView]


class WorkerView(BaseModel):
    """A worker and its queue."""

    name: str
    alive: bool
    healthy: bool
    heartbeat_age_seconds: float
    queue_depth: int
    queue_capacity: int
    running: int
    slots: int
    processed: int
    failed: int
    restarts: int


class QueueView(BaseModel):
    """How full the queue of a worker is, in tasks."""

    depth: int
    capacity: int


class TrafficView(BaseModel):
    """Requests that were sent to the orchestrator, and those lost before it."""

    sent: int
    lost: int


class StateView(BaseModel):
    """The system as it counts itself, apart from its metrics."""

    uptime_seconds: float
    requests: dict[str, dict[str, int]] = Field(description="ended requests by agent and status")
    submitted: int = Field(description="requests that came in")
    waiting: int = Field(description="requests in queues or under way")
    dead: int = Field(description="requests whose message is among the dead letters")
    workers: list[WorkerView]
    queues: dict[str, QueueView] = Field(description="by worker")
    traffic: TrafficView
    faults: dict[str, float] = Field(description="active faults and their intensity")


class Problem(BaseModel):
    """What was wrong with the call, and how to mend it."""

    detail: str


class HealthView(BaseModel):
    """`ok`, or `unwell` with the reasons."""

    status: str
    reasons: list[str]


FaultName = Annotated[str, Path(description="a name from `GET /faults`", examples=["worker_down"])]
PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such fault; the detail names the known ones."},
    422: {"model": Problem, "description": "A value out of its range; the detail names the range."},
}


def create_api(
    *,
    faults: Faults,
    orchestrator: Orchestrator,
    traffic: TrafficCount,
    clock: Clock,
    ailments: Callable[[], Sequence[str]],
    version: str,
    metrics_port: int,
) -> FastAPI:
    """Return the ASGI application.

    `ailments` returns the reasons why the process is not well, none when it is. FastAPI's pages that load
    scripts from elsewhere are off; `/openapi.json` describes everything.
    """
    api = FastAPI(title="demo-app", version=version, description=DESCRIPTION, docs_url=None, redoc_url=None)
    started = clock.monotonic()

    @api.get("/", summary="Where to go")
    async def landing() -> dict[str, str]:
        return {
            "service": "demo-app",
            "faults": "/faults",
            "state": "/state",
            "health": "/healthz",
            "openapi": "/openapi.json",
            "metrics": f"port {metrics_port}, /metrics",
        }

    @api.get("/healthz", summary="Is the process well?", responses={503: {"model": HealthView}})
    async def healthz() -> JSONResponse:
        reasons = list(ailments())
        view = HealthView(status="unwell" if reasons else "ok", reasons=reasons)
        return JSONResponse(view.model_dump(), status_code=503 if reasons else 200)

    @api.get("/state", summary="Workers, queues and counts, as the system itself counts them")
    async def state() -> StateView:
        return _state(faults, orchestrator, traffic, clock.monotonic() - started)

    _add_fault_routes(api, faults)
    _add_problem_handlers(api, faults)
    return api


def _add_fault_routes(api: FastAPI, faults: Faults) -> None:
    @api.get("/faults", summary="Every known fault and how it stands")
    async def list_faults() -> FaultList:
        return FaultList(faults=[_fault(state) for state in faults.states()])

    @api.post("/faults/{name}", summary="Begin a fault, or change an active one", responses=PROBLEMS)
    async def start_fault(name: FaultName, order: FaultOrder | None = None) -> FaultView:
        order = order or FaultOrder()
        return _fault(faults.start(name, order.intensity, order.duration_seconds))

    @api.delete("/faults/{name}", summary="End a fault", responses={404: PROBLEMS[404]})
    async def stop_fault(name: FaultName) -> FaultView:
        return _fault(faults.stop(name))

    @api.delete("/faults", summary="End every fault")
    async def stop_faults() -> FaultList:
        faults.stop_all()
        return FaultList(faults=[_fault(state) for state in faults.states()])


def _add_problem_handlers(api: FastAPI, faults: Faults) -> None:
    def problem(status: int, detail: object) -> JSONResponse:
        return JSONResponse({"detail": str(detail)}, status_code=status)

    @api.exception_handler(UnknownFaultError)
    async def unknown(_request: Request, error: UnknownFaultError) -> JSONResponse:
        return problem(404, error)

    @api.exception_handler(FaultValueError)
    async def out_of_range(_request: Request, error: FaultValueError) -> JSONResponse:
        return problem(422, error)

    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        # The body is checked before the name is looked at, and a wrong name is the more useful news.
        try:
            spec = faults.spec(request.path_params.get("name", ""))
        except UnknownFaultError as unknown_fault:
            return problem(404, unknown_fault)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return problem(
            422,
            f"{place}: {first['msg']}. Send JSON, as application/json: intensity, {intensity_range(spec)}; "
            f"duration_seconds, {duration_range()}; or no body at all",
        )


def _fault(state: FaultState) -> FaultView:
    spec = state.spec
    return FaultView(
        name=spec.name,
        description=spec.description,
        unit=spec.unit,
        minimum=spec.minimum,
        maximum=spec.maximum,
        default=spec.default,
        active=state.active,
        intensity=state.intensity,
        remaining_seconds=state.remaining_seconds,
        metrics=list(spec.metrics),
        alerts=list(spec.alerts),
        slas=list(spec.slas),
    )


def _state(
    faults: Faults, orchestrator: Orchestrator, traffic: TrafficCount, uptime_seconds: float
) -> StateView:
    counts = orchestrator.counts()
    return StateView(
        uptime_seconds=uptime_seconds,
        requests={agent: dict(ended) for agent, ended in counts.by_agent.items()},
        submitted=counts.submitted,
        waiting=counts.waiting,
        dead=counts.dead,
        workers=[
            WorkerView(
                name=worker.name,
                alive=worker.alive,
                healthy=worker.healthy,
                heartbeat_age_seconds=worker.heartbeat_age_seconds,
                queue_depth=worker.queue.depth,
                queue_capacity=worker.queue.capacity,
                running=worker.running,
                slots=worker.slots,
                processed=worker.processed,
                failed=worker.failed,
                restarts=worker.restarts,
            )
            for worker in orchestrator.workers
        ],
        queues={
            worker.name: QueueView(depth=worker.queue.depth, capacity=worker.queue.capacity)
            for worker in orchestrator.workers
        },
        traffic=TrafficView(sent=traffic.sent, lost=traffic.lost),
        faults={state.spec.name: state.intensity for state in faults.states() if state.intensity is not None},
    )
