"""The API: starting and ending faults, the state of the system, health; and the page that uses it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from demo_app.catalogue import SPECS
from demo_app.fault_groups import group_of, groups_of
from demo_app.faults import (
    DEFAULT_DURATION_SECONDS,
    MAXIMUM_DURATION_SECONDS,
    MINIMUM_DURATION_SECONDS,
    Faults,
    FaultState,
    FaultValueError,
    UnknownFaultError,
    duration_range,
    intensity_range,
)
from demo_app.guard import Guard
from demo_app.page import DOCUMENT, load_assets, wants_page
from demo_app.state_views import StateView

DESCRIPTION = """\
A small multi-agent CRM under steady traffic, made to be watched. Faults go in at their cause (a worker thread
is killed, an upstream stays silent) and end by themselves; the metrics follow from what the system then does.

Begin with `GET /faults`, then `POST /faults/{name}`, with an intensity and a duration or without a body. A
browser finds the same as a page at `/`.

With `DEMO_TOKEN` set, every change needs it as a bearer token; reading is open. A change that a browser sends
for another site is refused, with or without a token.
"""


def _range_of_duration(schema: dict[str, Any]) -> None:
    # For readers of the description; `Faults` applies the rule, and its message names the range.
    schema["anyOf"] = [
        {"type": "number", "minimum": MINIMUM_DURATION_SECONDS, "maximum": MAXIMUM_DURATION_SECONDS},
        {"type": "null"},
    ]


class FaultOrder(BaseModel):
    """How strong a fault is to be, and for how long; whatever is left out takes its default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    intensity: float | None = Field(
        default=None, description="In the unit and range of the fault, see `GET /faults`."
    )
    duration_seconds: float | None = Field(
        default=None,
        description=f"Seconds, {MINIMUM_DURATION_SECONDS:g} to {MAXIMUM_DURATION_SECONDS:g}; "
        f"default {DEFAULT_DURATION_SECONDS:g}.",
        json_schema_extra=_range_of_duration,
    )


class FaultView(BaseModel):
    """A fault: what it does, its range, and its state."""

    name: str
    group: str = Field(description="the part of the system in which it shows first")
    description: str
    unit: str
    minimum: float
    maximum: float
    default: float
    whole: bool = Field(description="whether the intensity is a whole number")
    active: bool
    intensity: float | None = Field(description="null while the fault is not active")
    remaining_seconds: float | None = Field(description="null while the fault is not active")
    metrics: list[str] = Field(description="where the fault shows first")
    alerts: list[str] = Field(description="alerts that can fire, by the intensity and the duration")
    slas: list[str] = Field(description="SLAs that can be breached")


class DurationView(BaseModel):
    """How long a fault may last, in seconds."""

    minimum: float
    maximum: float
    default: float


class FaultList(BaseModel):
    """Every known fault."""

    faults: list[FaultView]
    groups: list[str] = Field(description="the groups of the faults, in the order to show them")
    duration_seconds: DurationView
    token_required: bool = Field(description="whether a change needs a bearer token")


class Landing(BaseModel):
    """Where to go."""

    service: str
    version: str
    faults: str
    state: str
    health: str
    openapi: str
    metrics: str
    page: str


class Problem(BaseModel):
    """What was wrong with the call, and how to fix it."""

    detail: str


class HealthView(BaseModel):
    """`ok`, or `unhealthy` with the reasons."""

    status: str
    reasons: list[str]


FaultName = Annotated[
    str,
    Path(
        description="a name from `GET /faults`",
        examples=["worker_down"],
        json_schema_extra={"enum": [spec.name for spec in SPECS]},
    ),
]
Answers = dict[int | str, dict[str, Any]]
CHANGE_PROBLEMS: Answers = {
    401: {
        "model": Problem,
        "description": "With `DEMO_TOKEN` set: the change does not bring it.",
        "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    },
    403: {
        "model": Problem,
        "description": "A browser sends the change for another site, or to a foreign name.",
    },
    413: {"model": Problem, "description": "The body is too long."},
}
NAME_PROBLEMS: Answers = {
    404: {"model": Problem, "description": "No such fault; the detail names the known ones."}
}
ORDER_PROBLEMS: Answers = {
    422: {"model": Problem, "description": "A value out of its range; the detail names the range."}
}


def create_api(
    *,
    faults: Faults,
    state: Callable[[], StateView],
    problems: Callable[[], Sequence[str]],
    version: str,
    metrics_port: int,
    token: str | None = None,
) -> FastAPI:
    """Return the ASGI application.

    `problems` returns why the process is unhealthy, nothing when it is not. With a `token` every change
    must bring it. FastAPI's pages that load scripts from elsewhere are off; `/openapi.json` describes
    everything.
    """
    api = FastAPI(title="demo-app", version=version, description=DESCRIPTION, docs_url=None, redoc_url=None)
    api.add_middleware(Guard, token=token)

    @api.get("/healthz", summary="Is the process healthy?", responses={503: {"model": HealthView}})
    async def healthz() -> HealthView:
        reasons = list(problems())
        view = HealthView(status="unhealthy" if reasons else "ok", reasons=reasons)
        return JSONResponse(view.model_dump(), status_code=503 if reasons else 200)  # type: ignore[return-value]  # FastAPI passes a response on

    @api.get("/state", summary="The system as its parts count themselves")
    async def read_state() -> StateView:
        return state()

    landing = Landing(
        service="demo-app",
        version=version,
        faults="/faults",
        state="/state",
        health="/healthz",
        openapi="/openapi.json",
        metrics=f"port {metrics_port}, /metrics",
        page="/, in a browser",
    )
    _add_page(api, landing)
    _add_fault_routes(api, faults, token_required=token is not None)
    _add_problem_handlers(api, faults)
    _describe_token(api, token_required=token is not None)
    return api


def _add_page(api: FastAPI, landing: Landing) -> None:
    assets = load_assets()
    document = assets.pop(DOCUMENT)
    page: Answers = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
    files: Answers = {
        200: {
            "content": {
                asset.media_type.partition(";")[0]: {"schema": {"type": "string"}}
                for asset in assets.values()
            }
        },
        404: {"model": Problem, "description": "No such file; the detail lists the files."},
    }

    @api.get("/", summary="The page for clients that want HTML; for others, where to go", responses=page)
    async def read_landing(accept: Annotated[str, Header()] = "*/*") -> Landing:
        vary = {"vary": "accept"}
        if wants_page(accept):
            return Response(document.content, media_type=document.media_type, headers=vary)  # type: ignore[return-value]  # FastAPI passes a response on
        return JSONResponse(landing.model_dump(), headers=vary)  # type: ignore[return-value]  # likewise

    @api.get("/page/{file}", summary="A file of the page", response_class=Response, responses=files)
    async def read_file(
        file: Annotated[str, Path(json_schema_extra={"enum": list(assets)})],
    ) -> Response:
        if file not in assets:
            raise HTTPException(404, f"unknown file: {file!r}; the files of the page are {', '.join(assets)}")
        return Response(assets[file].content, media_type=assets[file].media_type)


def _add_fault_routes(api: FastAPI, faults: Faults, *, token_required: bool) -> None:
    def everything() -> FaultList:
        states = faults.states()
        return FaultList(
            faults=[_fault(state) for state in states],
            groups=groups_of([state.spec for state in states]),
            duration_seconds=DurationView(
                minimum=MINIMUM_DURATION_SECONDS,
                maximum=MAXIMUM_DURATION_SECONDS,
                default=DEFAULT_DURATION_SECONDS,
            ),
            token_required=token_required,
        )

    @api.get("/faults", summary="Every known fault and its state")
    async def list_faults() -> FaultList:
        return everything()

    @api.post(
        "/faults/{name}",
        summary="Start a fault, or change an active one",
        responses=CHANGE_PROBLEMS | NAME_PROBLEMS | ORDER_PROBLEMS,
    )
    async def start_fault(request: Request, name: FaultName, order: FaultOrder | None = None) -> FaultView:
        for each in request.query_params:  # ignored, it would be a fault of the default strength
            raise RequestValidationError([{"loc": ("query", each), "msg": "the query string is not read"}])
        order = order or FaultOrder()
        return _fault(faults.start(name, order.intensity, order.duration_seconds))

    @api.delete("/faults/{name}", summary="End a fault", responses=CHANGE_PROBLEMS | NAME_PROBLEMS)
    async def stop_fault(name: FaultName) -> FaultView:
        return _fault(faults.stop(name))

    @api.delete("/faults", summary="End every fault", responses=CHANGE_PROBLEMS)
    async def stop_faults() -> FaultList:
        faults.stop_all()
        return everything()


def _add_problem_handlers(api: FastAPI, faults: Faults) -> None:
    def problem(status: int, detail: object) -> JSONResponse:
        return JSONResponse({"detail": str(detail)}, status_code=status)

    @api.exception_handler(UnknownFaultError)
    async def unknown(_request: Request, error: UnknownFaultError) -> JSONResponse:
        return problem(404, error)

    @api.exception_handler(FaultValueError)
    async def out_of_range(_request: Request, error: FaultValueError) -> JSONResponse:
        return problem(422, error)

    @api.exception_handler(HTTPException)
    async def no_such_thing(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # noqa: PLR2004  # the status of a body that is no text at all
            return wrong_order(request, "the body cannot be read")
        answer = problem(error.status_code, error.detail)
        if error.status_code == 405:  # noqa: PLR2004  # the status
            answer.headers["allow"] = ", ".join(_methods(api, request))
        return answer

    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return wrong_order(request, f"{place}: {first['msg']}")

    def wrong_order(request: Request, trouble: str) -> JSONResponse:
        # The body is checked before the name, and a wrong name is the more useful news.
        try:
            spec = faults.spec(request.path_params.get("name", ""))
        except UnknownFaultError as unknown_fault:
            return problem(404, unknown_fault)
        return problem(
            422,
            f"{trouble}. Send JSON, as application/json: intensity, {intensity_range(spec)}; "
            f"duration_seconds, {duration_range()}; or no body at all",
        )


def _methods(api: FastAPI, request: Request) -> list[str]:
    """Return the methods that the path of a request takes: several routes may share it."""
    scope = dict(request.scope)
    return sorted(
        method
        for route in api.routes
        if route.matches(scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    )


def _describe_token(api: FastAPI, *, token_required: bool) -> None:
    """Describe in the API how a change passes its token, and whether it must."""
    description = api.openapi()
    description["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "The value of `DEMO_TOKEN`."}
    }
    for operations in description["paths"].values():
        for method in operations.keys() & {"post", "delete"}:
            operations[method]["security"] = [{"token": []}] if token_required else [{}, {"token": []}]


def _fault(state: FaultState) -> FaultView:
    spec = state.spec
    return FaultView(
        name=spec.name,
        group=group_of(spec),
        description=spec.description,
        unit=spec.unit,
        minimum=spec.minimum,
        maximum=spec.maximum,
        default=spec.default,
        whole=spec.whole,
        active=state.active,
        intensity=state.intensity,
        remaining_seconds=state.remaining_seconds,
        metrics=list(spec.metrics),
        alerts=list(spec.alerts),
        slas=list(spec.slas),
    )
