"""Silences of Alertmanager, by its API: those that are wanted are there, those that are not any more end."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sla_worker.conventions import WATCHDOG
from sla_worker.errors import SLAWorkerError
from sla_worker.lean_requests import requests

_TIMEOUT_SECONDS = 5.0
_LASTING = ("active", "pending")

Matcher = Mapping[str, Any]


class AlertmanagerError(SLAWorkerError):
    """Alertmanager did not answer, or refused. Try again later."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence that is wanted. `mark` names it in its comment, for ever."""

    mark: str
    matchers: tuple[tuple[str, str, bool, bool], ...]
    """Label, value, whether that is a regular expression, whether it must match."""

    start: int
    end: int
    author: str
    reason: str

    @property
    def comment(self) -> str:
        """What people read in Alertmanager."""
        return f"{self.reason} [{self.mark}]"


EVERYTHING: tuple[tuple[str, str, bool, bool], ...] = (("alertname", WATCHDOG, False, False),)
"""All alerts but the one that shows that alerts arrive."""


def alerts_of(slas: Iterable[str], titles: Iterable[str] = ()) -> tuple[tuple[str, str, bool, bool], ...]:
    """The matchers of alerts that name one of some SLAs, and of some components by their titles."""
    found = [("sla", "|".join(map(re.escape, sorted(slas))), True, True)]
    if titles:
        found.append(("title", "|".join(map(re.escape, sorted(titles))), True, True))
    return tuple(found)


class Silences(Protocol):
    """Where silences are kept."""

    def keep(self, wanted: Sequence[Silence], owner: str) -> tuple[int, int]:
        """Make and end silences until those of `owner` are the wanted ones. Returns how many it made, ended.

        Raises AlertmanagerError.
        """
        ...


class Alertmanager:
    """An Alertmanager at a URL (API v2)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def keep(self, wanted: Sequence[Silence], owner: str) -> tuple[int, int]:
        """See Silences. The owner's are known by the end of their comments."""
        there = [
            each
            for each in self._ask("GET", "/silences")
            if each["status"]["state"] in _LASTING and each["comment"].endswith(f"{owner}]")
        ]
        left = {_mark(each): each for each in there}
        made = ended = 0
        for each in wanted:
            known = left.pop(each.mark, None)
            if known is None or not _same(known, each):
                self._ask("POST", "/silences", _body(each, None if known is None else known["id"]))
                made += 1
        kept = {each.mark for each in wanted}
        for each in there:
            if _mark(each) not in kept:
                self._ask("DELETE", f"/silence/{each['id']}")
                ended += 1
        return made, ended

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = self._session.request(
                method, f"{self._url}/api/v2{path}", json=body, timeout=_TIMEOUT_SECONDS
            )
            if answer.status_code != requests.codes.ok:
                raise AlertmanagerError(
                    f"Alertmanager at {self._url} refused a silence"
                    f" ({answer.status_code} {answer.text[:200]})"
                )
            return answer.json() if answer.content else None
        except (requests.RequestException, ValueError) as error:
            raise AlertmanagerError(
                f"Alertmanager at {self._url} does not answer ({type(error).__name__}); check that it runs,"
                " and ALERTMANAGER_URL"
            ) from error


def _mark(known: Mapping[str, Any]) -> str:
    """What `Silence.comment` ends in."""
    return str(known["comment"]).rpartition(" [")[2].removesuffix("]")


def _same(known: Mapping[str, Any], wanted: Silence) -> bool:
    matchers = {
        (each["name"], each["value"], each["isRegex"], each.get("isEqual", True))
        for each in known["matchers"]
    }
    return matchers == set(wanted.matchers) and _epoch(known["endsAt"]) == wanted.end


def _body(silence: Silence, number: str | None) -> dict[str, object]:
    named = {} if number is None else {"id": number}
    return {
        **named,
        "matchers": [
            {"name": name, "value": value, "isRegex": regex, "isEqual": equal}
            for name, value, regex, equal in silence.matchers
        ],
        "startsAt": _text(silence.start),
        "endsAt": _text(silence.end),
        "createdBy": silence.author,
        "comment": silence.comment,
    }


def _text(moment: int) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat()


def _epoch(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())
