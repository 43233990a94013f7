"""The one exception of this package."""

from __future__ import annotations


class StackError(Exception):
    """Something that the user can mend; `mend` says how (None when the message says it all)."""

    def __init__(self, message: str, mend: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
