"""The HTTP client for Prometheus' query API, or any engine that speaks it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol

from urllib3.exceptions import HTTPError  # what reading a body of requests piece by piece raises

from sla_worker.answers import Series, checked, quickly
from sla_worker.errors import PrometheusError
from sla_worker.lean_requests import requests
from sla_worker.settings import PrometheusSettings

_MAXIMUM_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_AS_PROMETHEUS = {"nocache": "1", "max_lookback": "5m"}
"""What makes VictoriaMetrics answer as Prometheus does; Prometheus itself passes it over.

Otherwise it evaluates what it is asked for within 30 s as of half a minute before, moves the start of a range
to a multiple of its own, and lets a selector look back as far as the step, which is hours for long slots.
"""
_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_TOO_LONG = (HTTPStatus.SERVICE_UNAVAILABLE, "timeout")
"""A query that took its time; with another type of error the engine, or what is behind it, is not there."""

_OF_PROMQL, _INFO = "PromQL ", "PromQL info"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned. `server_time` is its clock in epoch seconds, None if it sent no Date."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...]
    server_time: float | None

    @property
    def partial(self) -> bool:
        """Whether a store behind the engine may not have answered; what PromQL itself warns of stays so."""
        return any(not each.startswith(_OF_PROMQL) for each in self.warnings)


class Transport(Protocol):
    """Sends one request; `HTTPTransport` in life, a plain object in tests."""

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        ...


class Pages(Protocol):
    """Reads what an engine says of itself; `HTTPTransport` in life."""

    def get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        ...


class HTTPTransport:
    """Requests by `requests`: no proxy from the environment, no compression, no redirects, no retries.

    `Accept-Encoding: identity` spares Prometheus most of the CPU of a small answer. The timeout holds for the
    connection, for each wait for bytes, and for the body as a whole. URL and errors hold no password: the
    settings have taken it out of the URL.
    """

    def __init__(
        self, settings: PrometheusSettings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = settings.url
        self._timeout = settings.timeout_seconds
        self._monotonic = monotonic
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = settings.ca_file or True
        self._session.headers.clear()
        self._session.headers.update(_headers(settings))
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}

    @property
    def headers(self) -> Mapping[str, str | bytes]:
        """What is sent with every request."""
        return self._session.headers

    def get(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        return self._send("GET", path, None)

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        return self._send("POST", path, fields)

    def _send(
        self, method: str, path: str, fields: Mapping[str, str] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        deadline = self._monotonic() + self._timeout
        try:
            with self._session.send(
                self._request(method, path, fields),
                stream=True,
                verify=self._session.verify,
                proxies={},
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return response.status_code, response.headers, self._body(response, deadline)
        except (requests.RequestException, HTTPError, OSError) as error:
            raise PrometheusError(
                f"Prometheus at {self._url} does not answer ({_reason(error)});"
                " check that it runs, and PROMETHEUS_URL",
                slow=isinstance(error, requests.Timeout) and not isinstance(error, requests.ConnectTimeout),
            ) from error

    def _request(self, method: str, path: str, fields: Mapping[str, str] | None) -> requests.PreparedRequest:
        """Prepared once for each path: checking URL and headers again costs as much as the request."""
        if (method, path) not in self._prepared:
            request = requests.Request(method, self._url + path)
            self._prepared[method, path] = self._session.prepare_request(request)
        made = self._prepared[method, path].copy()
        if fields is not None:
            made.prepare_body(fields, None)
        return made

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        """The whole body, in the pieces in which it arrives; bounded in size and time."""
        body = bytearray()
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
            body += piece
            if len(body) > _MAXIMUM_BYTES:
                raise PrometheusError(
                    f"Prometheus at {self._url} sent more than {_MAXIMUM_BYTES} bytes", refused=True
                )
            if self._monotonic() > deadline:
                raise PrometheusError(
                    f"Prometheus at {self._url} did not end its answer within {self._timeout:g} s;"
                    " set PROMETHEUS_TIMEOUT_SECONDS",
                    slow=True,
                )
        return bytes(body)


def _reason(error: BaseException) -> str:
    """What went wrong underneath, in a few words: the libraries above wrap it in lines of their own."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())


def _headers(settings: PrometheusSettings) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "sla-worker", "Accept": "application/json"}
    headers.update(settings.headers)
    if settings.tenant:
        headers["X-Scope-OrgID"] = settings.tenant
    if settings.bearer_token:
        headers["Authorization"] = f"Bearer {settings.bearer_token}"
    elif settings.username:
        pair = f"{settings.username}:{settings.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


class PrometheusClient:
    """Instant and range queries; every failure is one PrometheusError with one clear line.

    No query is longer than `most_bytes`; None: any length is sent.
    """

    def __init__(self, transport: Transport, most_bytes: int | None = None) -> None:
        self._transport = transport
        self._most_bytes = most_bytes

    def query(self, expression: str, at: float, *, nan: bool = False) -> Answer:
        """The expression at one time (epoch seconds): a vector, or the samples of a range selector.

        Samples that are not a number are left out unless `nan` is set.
        """
        return self._ask("/api/v1/query", {"query": expression, "time": f"{at:.3f}"}, nan=nan)

    def query_range(
        self, expression: str, start: float, end: float, step: int, *, nan: bool = False
    ) -> Answer:
        """The expression at start, start + step, … up to end."""
        fields = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        return self._ask("/api/v1/query_range", fields, nan=nan)

    def _ask(self, path: str, fields: Mapping[str, str], *, nan: bool) -> Answer:
        length = len(fields["query"].encode())
        if self._most_bytes is not None and length > self._most_bytes:
            raise PrometheusError(
                f"a query of {length} bytes is longer than SLA_QUERY_MAX_BYTES={self._most_bytes};"
                " raise it if the engine takes longer ones",
                too_long=True,
            )
        status, headers, body = self._transport.post(path, {**fields, **_AS_PROMETHEUS})
        quick = quickly(body, nan=nan) if status == HTTPStatus.OK else None
        if quick is not None:
            warnings = _warnings(quick.warnings, partial=quick.partial)
            return Answer(quick.series, warnings, _server_time(headers))
        try:
            answer = json.loads(body)
            if answer.get("status") != "success" or status != HTTPStatus.OK:
                raise _refusal(status, answer.get("errorType"), str(answer.get("error") or body[:200]))
            return Answer(
                series=tuple(_series(answer["data"], nan=nan)),
                warnings=_warnings(answer.get("warnings") or (), partial=bool(answer.get("isPartial"))),
                server_time=_server_time(headers),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise PrometheusError(
                f"Prometheus sent an answer that cannot be read (HTTP {status}): {body[:80]!r}; "
                "check PROMETHEUS_URL, and what stands between"
            ) from error


def told(pages: Pages, path: str) -> Any:
    """What an engine says of itself there; None if it does not, as not all that speak PromQL do."""
    status, _, body = pages.get(path)
    try:
        return json.loads(body).get("data") if status == HTTPStatus.OK else None
    except (ValueError, AttributeError, RecursionError):
        return None


def _refusal(status: int, kind: object, reason: str) -> PrometheusError:
    """Who is told 5xx or 429 should try again later; another answer would be the same the next time."""
    return PrometheusError(
        f"Prometheus refused a query (HTTP {status}): {' '.join(reason.split())}",
        refused=status in _REFUSALS or (status, kind) == _TOO_LONG,
    )


def _warnings(said: Iterable[object], *, partial: bool) -> tuple[str, ...]:
    """What the answer warns of; VictoriaMetrics has a flag for an answer of a part of its stores.

    Some versions of Prometheus have what is only said for information (`infos`) among them.
    """
    told = tuple(str(each) for each in said)
    told = tuple(each for each in told if not each.startswith(_INFO))
    return (*told, "the answer is partial") if partial else told


def _series(data: Any, *, nan: bool) -> Iterable[Series]:
    if data["resultType"] not in {"vector", "matrix"}:
        raise ValueError(f"a {data['resultType']} was not asked for")
    for each in data["result"]:
        samples = each["values"] if "values" in each else _samples(each)
        times, texts = zip(*samples, strict=True) if samples else ((), ())
        # A label that is no text, or half a character that could not be stored, raises what a bad value does.
        "".join(each["metric"].values()).encode()
        yield checked(Series(each["metric"], times, list(map(float, texts))), nan=nan)


def _samples(series: Mapping[str, Any]) -> Sequence[Any]:
    """Those of an instant query; a native histogram has none."""
    return () if "histogram" in series or "histograms" in series else (series["value"],)


def _server_time(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None


class ListeningClient(PrometheusClient):
    """Another client, whose every answer is heard by `listen` before it is handed out."""

    def __init__(self, client: PrometheusClient, listen: Callable[[Answer], None]) -> None:
        self._client = client
        self._listen = listen

    def query(self, expression: str, at: float, *, nan: bool = False) -> Answer:
        """As the other client."""
        return self._heard(self._client.query(expression, at, nan=nan))

    def query_range(
        self, expression: str, start: float, end: float, step: int, *, nan: bool = False
    ) -> Answer:
        """As the other client."""
        return self._heard(self._client.query_range(expression, start, end, step, nan=nan))

    def _heard(self, answer: Answer) -> Answer:
        self._listen(answer)
        return answer
