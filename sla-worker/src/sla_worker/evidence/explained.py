"""What a reader of an archive is told: what the files are, and how to count by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = """\
Evidence of the SLAs in {month}, revision {revision} ({timezone})

The files
  report.json       all figures as they were frozen, and what they rest on; times in epoch seconds
  report.txt        the same for people
  counts.csv        what each SLA and component counted in each hour (start, end], in UTC; an hour in which a
                    definition changed has a line for each part. "good" and "total" are what counts, the
                    columns "as measured" what was measured, before maintenance and corrections
  definitions.json  what each SLA was judged by and from when on; "hash" is that of "content"
  series.csv        from when on each component is expected to be measured
  left_out.csv      the time of each component that does not count
  breaches.csv      the breaches
  breach_alerts.csv the alerts that fired when each breach began, or in the ten minutes before
  credits.csv       what the figures of the month propose as credits, for each SLA that has tiers. A yearly
                    cap is applied when a credit is approved, as it depends on other months. What was
                    approved or declined is decided later, and is not in here
  LINES             a CRC-32 of each line of the files above, to find the one that was changed
  SHA256SUMS        of all files: sha256sum --check SHA256SUMS

By hand, for an SLA and component (all but composites)
  good, total          sum of the lines of counts.csv
  compliance_ratio     good / total
  coverage_ratio       sum of measured_slots / expected slots, which are seconds after "since" (series.csv)
                       up to the end of the month while the SLA was in force, less those in left_out.csv,
                       / {slot_seconds}, less the sum of left_out_slots
  held_to_ratio        the objective_ratio of its version; of several: their mean, weighted by "total"
  meets_target         compliance_ratio >= held_to_ratio
  error budget left    1 - (1 - compliance_ratio) / (1 - held_to_ratio)
  credit_percent       that of the last tier whose "below" is above good / total in percent (of a composite:
                       compliance_ratio, rounded to 12 decimals); no figure below 90 % coverage
A composite is the mean of its members' compliance (of a category: of the mean of its SLAs), weighted as its
definition says, over those that counted anything.

By program: sla evidence --verify FILE. It needs no ledger, no network and no settings.
"""


def readme(document: Mapping[str, Any]) -> str:
    """The README of an archive."""
    return _TEXT.format(**document)
