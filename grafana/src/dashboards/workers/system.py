"""The row about what the program uses of memory, CPU and disk."""

from __future__ import annotations

from ..definitions import Sla
from ..layout import Section
from ..limits import scale
from ..panels import Text
from ..tiles import lines, row
from . import expressions as ql

PROCESS = "{{job}} {{instance}}"


def system_section(slas: list[Sla]) -> Section:
    """How far each process is from its limits."""
    memory = lines(
        61,
        Text(
            "Memory",
            "Share of the memory that each process may use. At 100 % it is killed.",
            "`insa_system_memory_used_bytes` / `insa_system_memory_limit_bytes`; no line without a limit.",
            "a line that climbs and never falls is a leak: see since which release (HighMemoryUsage).",
            "No limit set",
        ),
        "percentunit",
        {PROCESS: ql.MEMORY},
        scale(slas, "HighMemoryUsage"),
    )
    cpu = lines(
        62,
        Text(
            "CPU",
            "Share of the CPU that each process may use. Near 100 % every request takes longer.",
            "`rate(insa_system_cpu_seconds_total)` / `insa_system_cpu_limit_cores`; no line without a limit.",
            "compare with the requests: CPU that rose without them is a fault of the program (HighCPUUsage).",
            "No limit set",
        ),
        "percentunit",
        {PROCESS: ql.CPU},
        scale(slas, "HighCPUUsage"),
    )
    disk = lines(
        63,
        Text(
            "Disk",
            "Share of the volume that is used. When it is full, every write fails.",
            "`insa_system_disk_used_ratio`.",
            "see how fast it fills, then delete or move what is not needed (DiskSpaceLow).",
        ),
        "percentunit",
        {PROCESS: ql.DISK},
        scale(slas, "DiskSpaceLow"),
    )
    files = lines(
        64,
        Text(
            "Open files",
            "Files and sockets that each process holds open.",
            "`insa_system_open_files`.",
            "a line that climbs and never falls is a leak of connections or files.",
        ),
        "none",
        {PROCESS: ql.OPEN_FILES},
    )
    return Section(60, "System", [row(memory, cpu), row(disk, files)])
