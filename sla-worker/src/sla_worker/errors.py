"""The errors of the package: each message names the value and the fix."""

from dataclasses import dataclass


class SLAWorkerError(Exception):
    """Everything this package raises on purpose; `str()` of it is one line fit for a person."""


class SettingsError(SLAWorkerError):
    """An environment variable holds a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file: `place` is its name and line, `fix` what to do about it."""

    place: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}; {self.fix}"


class DefinitionError(SLAWorkerError):
    """The file of SLA definitions is wrong; the message begins with `file:line:` of the first mistake."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        """`mistakes` has at least one."""
        more = len(mistakes) - 1
        super().__init__(f"{mistakes[0]}" + (f" (and {more} more: sla_lint names them all)" if more else ""))
        self.mistakes = mistakes


class PrometheusError(SLAWorkerError):
    """Prometheus did not answer, or its answer cannot be used. Try again later.

    `refused` says that it did answer, and would not do what was asked: too much, or not PromQL. `slow`: the
    answer did not come in time, which asking for less may cure. `too_long`: the text of a query was, so it
    was not even sent; that is a refusal too.
    """

    def __init__(
        self, message: str, *, refused: bool = False, slow: bool = False, too_long: bool = False
    ) -> None:
        super().__init__(message)
        self.refused = refused or too_long
        self.slow = slow
        self.too_long = too_long


class NotSettledError(PrometheusError):
    """Prometheus' clock has not passed the moment at which the slot's figures are final."""


class DatabaseError(SLAWorkerError):
    """The database cannot be opened, read or written."""


class DatabaseLockedError(DatabaseError):
    """Another process writes to this database; there may be only one."""


class DatabaseOutdatedError(DatabaseError):
    """The tables are of an older version, and who only reads does not change them."""


class DatabaseDamagedError(DatabaseError):
    """What the database holds can no longer be read, or not all of it."""


class CursorError(SLAWorkerError):
    """What is given as the place where a page begins was not handed out as one."""


class MailError(SLAWorkerError):
    """A mail cannot be made or sent. Try again later."""


class MailServerError(MailError):
    """The mail server cannot be used at all: another mail would not fare better now."""


class BrokenOffError(MailServerError):
    """The mail server was ready and broke off while it was given a mail: that may be this mail's fault."""
