"""From what the SLAs need to few queries, and from their answers to counts."""

from sla_worker.reading.reader import Reader as Reader
from sla_worker.reading.window import Window as Window
