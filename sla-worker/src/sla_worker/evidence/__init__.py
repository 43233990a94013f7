"""The evidence of a month: one archive that anybody can check without this worker, and the check of one."""

from __future__ import annotations

from sla_worker.evidence.archive import EvidenceError, write_evidence
from sla_worker.evidence.checking import Difference, verify
from sla_worker.evidence.former import write_former

__all__ = ["Difference", "EvidenceError", "verify", "write_evidence", "write_former"]
