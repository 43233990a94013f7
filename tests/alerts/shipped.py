"""The shipped alerts, read where they are defined: the rules, and the table of routes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from alerts.errors import RefusalError
from compression.durations import parsed

NO_MAIL = "none"


@dataclasses.dataclass(frozen=True)
class Alert:
    """An alert: its labels, its waits in seconds of true time, and whom it must reach.

    `mailboxes` maps the receivers that send mail to their addresses; `receivers` has all, in the order in
    which Alertmanager comes to them. `sla` is the SLA that it is proven for, if it is about SLAs.
    """

    name: str
    labels: Mapping[str, str]
    for_seconds: float
    keep_firing_seconds: float
    receivers: tuple[str, ...]
    mailboxes: Mapping[str, str]
    sla: str | None = None

    @property
    def subject(self) -> str:
        """How mails call it, and Watch: by its name, and the SLA that it is about."""
        return self.name if self.sla is None else f"{self.name}: {self.sla}"

    @property
    def severity(self) -> str:
        """How grave it is."""
        return self.labels["severity"]


def shipped_alerts(root: Path) -> dict[str, Alert]:
    """Every alert of prometheus/rules by name; raises RefusalError if routes.yml does not know one."""
    routes = yaml.safe_load((root / "tests/contract/routes.yml").read_text(encoding="utf-8"))
    reaches = {row["alert"]: tuple(row["reaches"]) for row in routes["alerts"]}
    addresses = {name: address for name, address in routes["receivers"].items() if address != NO_MAIL}
    rules = list(_alerting_rules(root))
    if unknown := sorted({rule["alert"] for rule in rules} - reaches.keys()):
        raise RefusalError(f"tests/contract/routes.yml does not say whom {', '.join(unknown)} must reach")
    return {rule["alert"]: _alert(rule, reaches[rule["alert"]], addresses) for rule in rules}


def _alerting_rules(root: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((root / "prometheus/rules").rglob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8")).get("groups") or []:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def _alert(rule: dict[str, Any], receivers: tuple[str, ...], addresses: Mapping[str, str]) -> Alert:
    return Alert(
        name=rule["alert"],
        labels=rule["labels"],
        for_seconds=_seconds(rule, "for"),
        keep_firing_seconds=_seconds(rule, "keep_firing_for"),
        receivers=receivers,
        mailboxes={name: addresses[name] for name in receivers if name in addresses},
    )


def _seconds(rule: dict[str, Any], key: str) -> float:
    return parsed(str(rule.get(key, "0s"))).total_seconds()
