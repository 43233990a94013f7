"""Reads iCalendar files: which windows of maintenance they ask for."""

from sla_worker.calendars.events import CalendarError, Wanted, read_calendar

__all__ = ["CalendarError", "Wanted", "read_calendar"]
