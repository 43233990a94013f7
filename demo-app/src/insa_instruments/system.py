"""What the program uses of the machine, and how much of each it may use."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class SystemInstruments:
    """The instruments of memory, CPU, disk and files; the limits are the program's own, not the machine's."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, registry=registry)

        self.memory_used = gauge("insa_system_memory_used_bytes", "Resident memory of the process.")
        self.memory_limit = gauge("insa_system_memory_limit_bytes", "Memory that the process may use.")
        self.cpu = Counter(
            "insa_system_cpu_seconds_total", "CPU time that the process has used.", registry=registry
        )
        self.cpu_limit = gauge("insa_system_cpu_limit_cores", "CPU that the process may use, in cores.")
        self.disk_used = gauge("insa_system_disk_used_bytes", "Bytes that the data of the program fills.")
        self.disk_capacity = gauge(
            "insa_system_disk_capacity_bytes", "Bytes that the data of the program may fill."
        )
        self.disk_used_ratio = gauge(
            "insa_system_disk_used_ratio", "Share of the capacity that is filled, 0 to 1."
        )
        self.open_files = gauge("insa_system_open_files", "File descriptors that are open.")
