"""Listeners that record the events they get."""


class Recorder:
    """Takes every event of the app's own jobs and of its resources; `heard` holds them in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []

    def of(self, event: str) -> list[tuple[object, ...]]:
        """Return the arguments of each event of one name."""
        return [rest for name, *rest_list in self.heard if name == event for rest in (tuple(rest_list),)]

    def fault_changed(self, fault: str, *, active: bool) -> None:
        pass

    def query_finished(self, operation: str, seconds: float, *, succeeded: bool) -> None:
        pass

    def database_error(self, kind: str) -> None:
        pass

    def pool_used(self, in_use: int, size: int) -> None:
        pass

    def database_available(self, *, up: bool) -> None:
        pass

    def volume_used(self, used_bytes: int, capacity_bytes: int) -> None:
        self.heard.append(("volume", used_bytes, capacity_bytes))

    def memory_used(self, used_bytes: int, limit_bytes: int) -> None:
        self.heard.append(("memory", used_bytes, limit_bytes))

    def cpu_used(self, seconds: float, limit_cores: float) -> None:
        self.heard.append(("cpu", seconds, limit_cores))

    def files_open(self, files: int) -> None:
        self.heard.append(("files", files))

    def backup_succeeded(self, at: float, size_bytes: int) -> None:
        self.heard.append(("backup", at, size_bytes))

    def backup_kept(self, at: float, size_bytes: int) -> None:
        self.heard.append(("kept", at, size_bytes))

    def backup_failed(self) -> None:
        self.heard.append(("failed",))

    def scan_ended(self, components: int, scanned: int, at: float) -> None:
        self.heard.append(("scan", components, scanned, at))

    def retention(self, seconds: float) -> None:
        self.heard.append(("retention", seconds))
