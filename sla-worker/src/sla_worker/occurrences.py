"""When something that recurs happens: an RRULE by the wall clock of a timezone.

The wall clock is kept across clock changes: what begins at 02:00 does so before and after. A time that is
skipped is the moment of the change, so an hour that is skipped does not happen; of a time that comes
twice, the first is a beginning and the second an end.
"""

from __future__ import annotations

import datetime as dt
import re
from itertools import islice
from zoneinfo import ZoneInfo

from sla_worker.errors import SLAWorkerError

MOST = 2000
"""So many occurrences of a rule are excluded at most."""
_YEARS = 5
_MINUTE = dt.timedelta(minutes=1)
_UNTIL_UTC = re.compile(r"(?<=UNTIL=)(\d{8}T\d{6})Z")


def occurrences(rule: str, start: int, end: int, zone: ZoneInfo) -> list[tuple[int, int]]:
    """Each time of a rule, whose first is [start, end): at most MOST, within five years.

    Raises SLAWorkerError for a rule that cannot be read, or recurs more often than daily.
    """
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - only who makes one

    text = rule.strip().removeprefix("RRULE:").upper()
    if re.search(r"FREQ=(HOURLY|MINUTELY|SECONDLY)", text):
        raise SLAWorkerError(f"--rrule {rule}: recurs more often than daily; give FREQ=DAILY or rarer")
    if re.search(r"INTERVAL=0+(;|$)", text):
        raise SLAWorkerError(f"--rrule {rule}: an INTERVAL of 0 never goes on; give one of 1 or more")
    first, last = (dt.datetime.fromtimestamp(each, zone).replace(tzinfo=None) for each in (start, end))
    try:
        found = rrulestr(_UNTIL_UTC.sub(lambda match: _local(match, zone), text), dtstart=first)
        until = first.replace(year=first.year + _YEARS, day=min(first.day, 28))
        begins = list(islice(found.xafter(first, inc=True), MOST))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SLAWorkerError(
            f"--rrule {rule}: cannot be read ({error}); give one like FREQ=WEEKLY;BYDAY=SU"
        ) from error
    spans = [
        (_epoch(begin, zone, fold=0), _epoch(begin + (last - first), zone, fold=1))
        for begin in begins
        if begin < until
    ]
    return [(begin, until) for begin, until in spans if begin < until]


def _local(until: re.Match[str], zone: ZoneInfo) -> str:
    """The end of a rule in UTC, by the wall clock that the rule keeps."""
    moment = dt.datetime.strptime(f"{until[1]}+0000", "%Y%m%dT%H%M%S%z")
    return f"{moment.astimezone(zone):%Y%m%dT%H%M%S}"


def _epoch(local: dt.datetime, zone: ZoneInfo, *, fold: int) -> int:
    moment = local.replace(tzinfo=zone, fold=fold)
    if _exists(moment):
        return int(moment.timestamp())
    before = moment.replace(second=0)
    while not _exists(before):
        before -= _MINUTE
    return int((before.astimezone(dt.UTC) + _MINUTE).timestamp())


def _exists(moment: dt.datetime) -> bool:
    back = moment.astimezone(dt.UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None) == moment.replace(tzinfo=None)
