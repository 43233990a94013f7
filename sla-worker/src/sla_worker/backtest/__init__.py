"""Replays the ledger for other targets or policies: what would have been missed, breached, owed and paged.

Only what the ledger holds can be replayed: the counts of each slot, and for one event a slot its value.
Requests within another threshold were not counted: another target of a latency is refused, another objective
is not. Breaches and alerts need slots, and are told where those are kept. Nothing is written.
"""

from sla_worker.backtest.ledger import backtest
from sla_worker.backtest.values import Alerted, Backtest, Month, Other, Replayed

__all__ = ["Alerted", "Backtest", "Month", "Other", "Replayed", "backtest"]
