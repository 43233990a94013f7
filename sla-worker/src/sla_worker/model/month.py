"""A month whose figures are frozen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrozenMonth:
    """One revision of a month: [start, end) in `zone`, what it says in short, and why there is this revision.

    `sha256` is that of its document, the JSON with all figures. `compliance_ratio` is the share of measured
    SLAs that kept their target, `availability_ratio` the mean compliance of the SLAs of that category; None
    where nothing was measured. `touched` says what has changed since and was not looked at yet.
    """

    month: str
    revision: int
    zone: str
    start: int
    end: int
    frozen_at: int
    reason: str
    compliance_ratio: float | None
    breaches: int
    availability_ratio: float | None
    worker_version: str
    sha256: str
    touched: str | None = None
