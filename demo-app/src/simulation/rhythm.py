"""How busy the application is at a moment of the local day."""

from __future__ import annotations

import datetime
import zoneinfo

_SATURDAY = 5
_HOURS = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.2, 0.5, 0.9, 1.2, 1.3, 1.2,
    0.9, 1.1, 1.2, 1.2, 1.1, 0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02,
)  # fmt: skip
"""By local hour: nobody works from midnight to five, so there is a long silence every night."""
_WEEKEND = 0.15


class Rhythm:
    """The load by local hour and day of week; looked up once an hour of simulated time."""

    def __init__(self, timezone: str) -> None:
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._hour = -1
        self._load = 0.0

    def load(self, at: int) -> float:
        """0 is silence, 1 an average working hour. Offsets of the zone are whole quarters of an hour."""
        quarter = at // 900_000
        if quarter != self._hour:
            self._hour = quarter
            local = datetime.datetime.fromtimestamp(quarter * 900, self._zone)
            self._load = _HOURS[local.hour] * (_WEEKEND if local.weekday() >= _SATURDAY else 1)
        return self._load
