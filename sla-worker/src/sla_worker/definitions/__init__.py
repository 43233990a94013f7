"""From the files of SLA definitions to values."""

from sla_worker.definitions.files import Files as Files
from sla_worker.definitions.files import read_all as read_all
from sla_worker.definitions.files import read_files as read_files
from sla_worker.definitions.slas import read_definitions as read_definitions
from sla_worker.definitions.slas import read_file as read_file
