"""From the file of SLA definitions to values."""

from sla_worker.definitions.slas import read_definitions as read_definitions
