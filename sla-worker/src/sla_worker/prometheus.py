"""The HTTP client for Prometheus' query API, or any engine that speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import urllib3

from sla_worker.errors import PrometheusError
from sla_worker.settings import PrometheusSettings

_MAXIMUM_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its samples as (epoch seconds, value)."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned. `server_time` is the server's clock in epoch seconds, None if it told none."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...]
    server_time: float | None


class Transport(Protocol):
    """Sends one POST; `urllib3.PoolManager` behind `HTTPTransport` in life, a plain object in tests."""

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        ...


class HTTPTransport:
    """POST by urllib3: no proxy from the environment, no compression, no redirects, no retries.

    `Accept-Encoding: identity` spares Prometheus most of the CPU of a small answer.
    """

    def __init__(self, settings: PrometheusSettings) -> None:
        self._url = settings.url
        headers = {"Accept-Encoding": "identity", "User-Agent": "sla-worker", "Accept": "application/json"}
        headers.update(settings.headers)
        if settings.tenant:
            headers["X-Scope-OrgID"] = settings.tenant
        if settings.bearer_token:
            headers["Authorization"] = f"Bearer {settings.bearer_token}"
        elif settings.username:
            pair = f"{settings.username}:{settings.password or ''}"
            headers.update(urllib3.make_headers(basic_auth=pair))
        self.headers = headers
        self._pool = urllib3.PoolManager(
            headers=headers,
            timeout=urllib3.Timeout(connect=settings.timeout_seconds, read=settings.timeout_seconds),
            retries=False,
            maxsize=2,
            ca_certs=settings.ca_file,
        )

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body. Raises PrometheusError when there is no answer."""
        try:
            response = self._pool.request(
                "POST",
                self._url + path,
                fields=dict(fields),
                encode_multipart=False,
                redirect=False,
                preload_content=False,
            )
            try:
                body = response.read(_MAXIMUM_BYTES + 1)
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise PrometheusError(
                f"Prometheus at {self._url} does not answer ({type(error).__name__}: {error}); "
                "check that it runs and PROMETHEUS_URL"
            ) from error
        if len(body) > _MAXIMUM_BYTES:
            raise PrometheusError(f"Prometheus at {self._url} sent more than {_MAXIMUM_BYTES} bytes")
        return response.status, response.headers, body


class PrometheusClient:
    """Instant and range queries; every failure is one PrometheusError with one clear line."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def query(self, expression: str, at: float) -> Answer:
        """The expression at one time (epoch seconds): a vector, or the samples of a range selector."""
        return self._ask("/api/v1/query", {"query": expression, "time": f"{at:.3f}"})

    def query_range(self, expression: str, start: float, end: float, step: int) -> Answer:
        """The expression at start, start + step, … up to end."""
        fields = {"query": expression, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": str(step)}
        return self._ask("/api/v1/query_range", fields)

    def _ask(self, path: str, fields: Mapping[str, str]) -> Answer:
        status, headers, body = self._transport.post(path, fields)
        try:
            answer = json.loads(body)
            if answer.get("status") != "success":
                raise _refusal(status, str(answer.get("error") or body[:200]))
            return Answer(
                series=tuple(_series(answer["data"])),
                warnings=tuple(str(each) for each in answer.get("warnings") or ()),
                server_time=_server_time(headers),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise PrometheusError(
                f"Prometheus sent an answer that cannot be read (HTTP {status}): {body[:80]!r}; "
                "check PROMETHEUS_URL, and what stands between"
            ) from error


def _refusal(status: int, reason: str) -> PrometheusError:
    return PrometheusError(f"Prometheus refused a query (HTTP {status}): {reason}")


def _series(data: Any) -> Iterable[Series]:
    if data["resultType"] not in {"vector", "matrix"}:
        raise ValueError(f"a {data['resultType']} was not asked for")
    for each in data["result"]:
        samples = each["values"] if "values" in each else [each["value"]]
        yield Series(dict(each["metric"]), tuple((float(time), float(value)) for time, value in samples))


def _server_time(headers: Mapping[str, str]) -> float | None:
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return None
