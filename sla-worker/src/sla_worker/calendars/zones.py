"""The timezones of a calendar: each by its IANA name, and only where its VTIMEZONE says the same."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sla_worker.calendars.content import Component, Property, shown

UTC = ZoneInfo("UTC")
_FIX = "write an IANA name like Europe/Berlin"


class Zones:
    """The zones that TZID names; a time without one is of `reporting`."""

    def __init__(self, definitions: Iterable[Component], reporting: ZoneInfo) -> None:
        self.reporting = reporting
        self._definitions = {
            each.value.strip(): definition for definition in definitions for each in definition.all("TZID")
        }
        self._known: dict[str, ZoneInfo] = {}
        self._own: dict[str, dt.tzinfo] = {}

    def of(self, of: Property) -> ZoneInfo:
        """The zone of a property's times that say none themselves. Raises Refused."""
        tzid = of.params.get("TZID", "").strip()
        if not tzid:
            return self.reporting
        if tzid not in self._known:
            self._known[tzid] = self._find(tzid, of)
        return self._known[tzid]

    def check(self, of: Property, local: dt.datetime, zone: ZoneInfo) -> None:
        """Raise Refused where the calendar's own definition of a zone is another one at some time."""
        tzid = of.params.get("TZID", "").strip()
        if tzid not in self._definitions:
            return
        if tzid not in self._own:
            self._own[tzid] = self._defined(tzid, of)
        says, is_there = (local.replace(tzinfo=each).utcoffset() for each in (self._own[tzid], zone))
        if says != is_there:
            raise of.refused(
                f"the VTIMEZONE of {shown(tzid)} is {_offset(says)} from UTC at {local:%Y-%m-%d %H:%M},"
                f" {zone.key} is {_offset(is_there)}",
                "correct the VTIMEZONE, or take it out",
            )

    def _defined(self, tzid: str, of: Property) -> dt.tzinfo:
        from icalendar import Timezone  # noqa: PLC0415 - only who imports one

        definition = self._definitions[tzid]
        try:
            read = cast("Timezone", Timezone.from_ical("\r\n".join([*definition.source, ""])))
            made = read.to_tz(lookup_tzid=False)
        except Exception as error:
            raise of.refused(
                f"the VTIMEZONE in line {definition.line} cannot be read", "correct it, or take it out"
            ) from error
        return cast("dt.tzinfo", made)

    def _find(self, tzid: str, of: Property) -> ZoneInfo:
        """By its own name, the IANA name that it ends in, the name that Windows has, or X-LIC-LOCATION."""
        names = [tzid, *(tzid.split("/", depth)[-1] for depth in range(1, tzid.count("/") + 1))]
        if tzid in _of_windows():
            names.append(_of_windows()[tzid])
        if tzid in self._definitions:
            names += [each.value.strip() for each in self._definitions[tzid].all("X-LIC-LOCATION")]
        for each in names:
            found = _zone(each)
            if found is not None:
                return found
        raise of.refused(f"the timezone {shown(tzid)} is not known", _FIX)


@cache
def _of_windows() -> dict[str, str]:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415 - only who imports one

    return dict(WINDOWS_TO_OLSON)


def _zone(name: str) -> ZoneInfo | None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{1,60}", name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _offset(value: dt.timedelta | None) -> str:
    seconds = 0 if value is None else int(value.total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{rest // 60:02}"
