"""What Alertmanager's webhook sends (version 4), taken apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sla_worker.model import WebhookAlert
from sla_worker.web.http import HTTPError

_MAXIMUM_TRUNCATED = 2**53  # what a metric can count


@dataclass(frozen=True, slots=True)
class Call:
    """The alerts of one call, and how many more Alertmanager left out because of its max_alerts."""

    alerts: list[WebhookAlert]
    truncated: int


def parse(body: bytes, received_at: int) -> Call:
    """The alerts of one call. Raises 400, which says what is wrong."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise HTTPError(400, f"the body is not JSON: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("alerts"), list):
        raise HTTPError(400, "the body is not a webhook of Alertmanager: `alerts` must be a list")
    truncated = data.get("truncatedAlerts") or 0
    if not isinstance(truncated, int) or not 0 <= truncated <= _MAXIMUM_TRUNCATED:
        raise HTTPError(400, "`truncatedAlerts` must be a whole number of alerts that were left out")
    receiver = _text(data.get("receiver", ""))
    return Call(
        [
            _alert(each, receiver, position, received_at)
            for position, each in enumerate(data["alerts"], start=1)
        ],
        truncated,
    )


def _text(value: object) -> str:
    """A value as text that can be stored: half a surrogate pair becomes U+FFFD."""
    return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _alert(data: Any, receiver: str, position: int, received_at: int) -> WebhookAlert:
    def texts(name: str) -> dict[str, str]:
        value = data.get(name) or {}
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise HTTPError(400, f"alert {position}: `{name}` must be an object of texts")
        return {_text(key): _text(each) for key, each in value.items()}

    if not isinstance(data, dict):
        raise HTTPError(400, f"alert {position} is not an object")
    status = data.get("status")
    if status not in ("firing", "resolved"):
        raise HTTPError(400, f"alert {position}: `status` is {status!r}; it must be firing or resolved")
    labels = texts("labels")
    return WebhookAlert(
        status=status,
        alertname=labels.get("alertname", ""),
        receiver=receiver,
        labels=labels,
        annotations=texts("annotations"),
        starts_at=_text(data.get("startsAt", "")),
        ends_at=_text(data.get("endsAt", "")),
        received_at=received_at,
        fingerprint=_text(data.get("fingerprint", "")),
    )
