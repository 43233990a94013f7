"""Who answers for a file of definitions, and who is told of its SLAs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields

from sla_worker.conventions import (
    BREACH_AGAIN_MAIL,
    BREACH_END_MAIL,
    BREACH_LASTS_MAIL,
    BREACH_MAIL,
    BREACH_WORSE_MAIL,
    CATCH_UP_MAIL,
    DAILY_MAIL,
    MONTHLY_MAIL,
    WEEKLY_MAIL,
)

BREACH_MAILS = (
    BREACH_MAIL,
    BREACH_AGAIN_MAIL,
    BREACH_LASTS_MAIL,
    BREACH_WORSE_MAIL,
    BREACH_END_MAIL,
    CATCH_UP_MAIL,
)


@dataclass(frozen=True, slots=True)
class Receivers:
    """Mail addresses by what is sent to them; nobody where there are none."""

    daily: tuple[str, ...] = ()
    weekly: tuple[str, ...] = ()
    monthly: tuple[str, ...] = ()
    breach: tuple[str, ...] = ()


RECEIVER_KINDS = tuple(each.name for each in fields(Receivers))


@dataclass(frozen=True, slots=True)
class Team:
    """A team: its name is the key, `file` the name of its file, `owner` the address that answers for it."""

    name: str
    file: str
    owner: str
    receivers: Receivers = field(default=Receivers())


def receivers_of(team: Team, kind: str) -> tuple[str, ...]:
    """Who gets a kind of mail about a team's SLAs: daily, weekly, monthly, and all kinds about a breach."""
    return {
        DAILY_MAIL: team.receivers.daily,
        WEEKLY_MAIL: team.receivers.weekly,
        MONTHLY_MAIL: team.receivers.monthly,
        **dict.fromkeys(BREACH_MAILS, team.receivers.breach),
    }.get(kind, ())


def write_receivers(receivers: Receivers) -> str:
    """JSON, the same for the same receivers."""
    return json.dumps(asdict(receivers), sort_keys=True)


def read_receivers(text: str) -> Receivers:
    """What was written; what this version does not know is passed over."""
    content = json.loads(text)
    return Receivers(**{kind: tuple(content.get(kind, ())) for kind in RECEIVER_KINDS})
