"""Looks at Prometheus, the mail server and the sla-worker all the time, once for all scenarios."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from alerts.proof import Seen
from e2e.live import Mail, Stack, decoded
from waiting import NEW_CONNECTIONS, patience

ALERTS_SECONDS, MAILS_SECONDS, WEBHOOKS_SECONDS = 0.25, 0.5, 1.0
_PAGE = 250  # MailHog gives no more at once
_OVERLAP = 50
_NEWEST = 300
_ANSWER_SECONDS = 3.0


class Watch:
    """Keeps what was seen; safe to use from every thread.

    A source that does not answer is asked again: `troubles` says what each said last, if it was trouble.
    `transport` takes the place of the network.
    """

    def __init__(self, stack: Stack, transport: httpx.BaseTransport | None = None) -> None:
        self._stack = stack
        self._client = httpx.Client(
            timeout=patience(_ANSWER_SECONDS), trust_env=False, transport=transport, limits=NEW_CONNECTIONS
        )
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._at = 0.0
        self._active: Mapping[str, tuple[frozenset[str], float]] = {}
        self._mails: dict[str, Mail] = {}
        self._webhooks: dict[tuple[object, ...], Mapping[str, Any]] = {}
        self._total = 0
        self.troubles: dict[str, str] = {}
        sources: tuple[tuple[str, Callable[[], None], float], ...] = (
            ("Prometheus", self._look_at_alerts, ALERTS_SECONDS),
            ("the mail server", self._look_at_mails, MAILS_SECONDS),
            ("the sla-worker", self._look_at_webhooks, WEBHOOKS_SECONDS),
        )
        self._threads = [
            threading.Thread(target=self._go_on, args=source, name=f"watch {source[0]}", daemon=True)
            for source in sources
        ]

    def __enter__(self) -> Watch:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def seen(self) -> Seen:
        """What there is by now; `at` is when Prometheus told its alerts."""
        with self._lock:
            return Seen(self._at, self._active, tuple(self._mails.values()), tuple(self._webhooks.values()))

    def _go_on(self, name: str, look: Callable[[], None], every_seconds: float) -> None:
        while not self._stopped.wait(every_seconds):
            try:
                look()
            except (httpx.HTTPError, OSError) as error:
                self.troubles[name] = f"{name}: {type(error).__name__}: {error}"
            else:
                self.troubles.pop(name, None)

    def _get(self, url: str, **parameters: int) -> Any:
        return self._client.get(url, params=parameters).raise_for_status().json()

    def _look_at_alerts(self) -> None:
        found = self._get(f"{self._stack.prometheus}/api/v1/alerts")["data"]["alerts"]
        at = time.time()  # after the answer: what it tells was so by then
        active: dict[str, tuple[frozenset[str], float]] = {}
        for alert in found:
            labels = alert["labels"]
            names = [labels["alertname"]]
            names += [f"{labels['alertname']}: {labels['sla']}"] if "sla" in labels else []
            for name in names:
                states, since = active.get(name, (frozenset(), float("inf")))
                active[name] = (states | {alert["state"]}, min(since, epoch(alert["activeAt"])))
        with self._lock:
            self._at, self._active = at, active

    def _look_at_mails(self) -> None:
        url = f"{self._stack.mailhog}/api/v2/messages"
        total = self._get(url, limit=1)["total"]
        if total == self._total:
            return
        # Mail that comes between the two questions moves the others back, so some more are asked for. Fewer
        # than before: the server has started again.
        new = min(total, total - self._total + _OVERLAP) if total > self._total else total
        items = [
            item
            for start in range(0, new, _PAGE)
            for item in self._get(url, start=start, limit=min(_PAGE, new - start))["items"]
        ]
        fresh = {item["ID"]: decoded(item) for item in items if item["ID"] not in self._mails}
        with self._lock:
            self._total = total
            self._mails |= fresh

    def _look_at_webhooks(self) -> None:
        found = self._get(f"{self._stack.sla_worker}/api/alerts", limit=_NEWEST)["alerts"]
        keys = ("fingerprint", "status", "receiver", "starts_at", "received_at")
        fresh = {tuple(stored[key] for key in keys): stored for stored in found}
        with self._lock:
            self._webhooks |= fresh


def epoch(text: str) -> float:
    """Epoch seconds of a time as Prometheus writes it, with up to nine decimals."""
    head, _, rest = text.removesuffix("Z").partition(".")
    whole = dt.datetime.fromisoformat(head).replace(tzinfo=dt.UTC).timestamp()
    return whole + float(f"0.{rest}" if rest else 0)
