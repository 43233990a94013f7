"""The policy of an SLA: what counts, when, and how many slots make a breach."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass
from decimal import Decimal

WINDOWS = ("month", "30d", "quarter", "year")
"""The periods that an SLA can be judged over: of the calendar, and the last 30 days."""


class NoData(enum.StrEnum):
    """What a slot without any data is: not known, or one bad event."""

    UNKNOWN = "unknown"
    BAD = "bad"


class Maintenance(enum.StrEnum):
    """What a slot within a maintenance window is: left out of every sum, or good."""

    EXCLUDED = "excluded"
    COUNTED_GOOD = "counted_good"


class NewSeries(enum.StrEnum):
    """Where a series began that appears on a target already scraped: at zero, or at its first value."""

    ZERO = "zero"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When an SLA is in force, by the wall clock of a timezone.

    `days` are those on which it begins (0 is Monday), without the holidays. `from_minute` and `to_minute`
    count from midnight; a `to_minute` not above `from_minute` lies on the next day. 1440 is midnight at the
    end of a day. `timezone` is an IANA name.
    """

    days: frozenset[int]
    from_minute: int
    to_minute: int
    timezone: str
    holidays: frozenset[datetime.date] = frozenset()


@dataclass(frozen=True, slots=True)
class Tier:
    """What a customer is owed, in percent, for a month whose compliance is below so many percent.

    Decimals, as the file has them: 99.9 is no binary fraction.
    """

    below: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """What else is agreed about credits; None: nothing.

    yearly_cap: what the credits of the months of one calendar year may add up to for an SLA, in percent of a
    month's price. least_amount: less than so many percent is not owed. claim_days: a customer must claim a
    credit within so many days after the month.
    """

    yearly_cap: Decimal | None = None
    least_amount: Decimal | None = None
    claim_days: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How an SLA's slots are judged; the defaults are those of an SLA that says nothing.

    minimum_events: a slot with fewer is low traffic and judges nothing.
    breach_after, recover_after: so many bad slots in a row open a breach, so many good ones end it.
    service_hours: None is always. public: shown to customers. credits: the last tier that a month is below
    counts, so each reaches from the next one's border up to its own, which is not in it. credit_terms: what
    else is agreed about them.
    """

    minimum_events: float = 1
    no_data: NoData = NoData.UNKNOWN
    maintenance: Maintenance = Maintenance.EXCLUDED
    breach_after: int = 1
    recover_after: int = 1
    service_hours: ServiceHours | None = None
    windows: tuple[str, ...] = ("month", "30d")
    public: bool = False
    new_series: NewSeries = NewSeries.ZERO
    credits: tuple[Tier, ...] = ()
    credit_terms: CreditTerms = CreditTerms()


DEFAULT_POLICY = Policy()
