"""Bounds of histograms that more than one family uses."""

from typing import Final

DURATION_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60)
"""Seconds; the targets and thresholds of alerts and SLAs (5, 10, 15, 30) are exactly on bounds."""
