"""The PromQL that forms of an SLI need beside selectors."""

from __future__ import annotations

from collections.abc import Iterable

from sla_worker.promql_text import quoted
from sla_worker.selectors import LABEL


def duration(seconds: int) -> str:
    """Whole seconds as PromQL writes them, in the largest unit that fits: 300 is `5m`."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def quantile(bucket: str, share: float, slot_seconds: int, by: Iterable[str] = ()) -> str:
    """The percentile of a slot in seconds; the comparison drops the NaN of a slot without traffic."""
    labels = ", ".join(each if LABEL.fullmatch(each) else quoted(each) for each in ("le", *by))
    rate = f"rate({bucket}[{duration(slot_seconds)}])"
    return f"histogram_quantile({share!r}, sum by ({labels}) ({rate})) >= 0"
