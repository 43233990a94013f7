"""The Grafana SDK's builders of classic dashboards.

File provisioning takes the classic model only, but the SDK warns on import that a newer one exists. The
warning is silenced here, and nowhere else, so every other module takes the builders from this one.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        bargauge,
        common,
        dashboard,
        gauge,
        prometheus,
        stat,
        statetimeline,
        statushistory,
        table,
        timeseries,
    )

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as dashboard_model
from grafana_foundation_sdk.models import prometheus as prometheus_model

__all__ = [
    "JSONEncoder",
    "bargauge",
    "common",
    "common_model",
    "dashboard",
    "dashboard_model",
    "gauge",
    "prometheus",
    "prometheus_model",
    "stat",
    "statetimeline",
    "statushistory",
    "table",
    "timeseries",
]
