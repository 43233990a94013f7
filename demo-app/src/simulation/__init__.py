"""A made-up month of the demo-app: what happened in it, and what a Prometheus would have scraped of it.

`run(World(seed=1))` yields events and scrapes in time order; `openmetrics.Writer` makes of the scrapes a text
that `promtool tsdb create-blocks-from openmetrics` turns into blocks. The same world is the same to the byte.
"""

from simulation.run import run
from simulation.series import Ended, Happened, Item, Metric, Process, Scrape, Target
from simulation.world import MetricGroup, World

__all__ = [
    "Ended",
    "Happened",
    "Item",
    "Metric",
    "MetricGroup",
    "Process",
    "Scrape",
    "Target",
    "World",
    "run",
]
