"""`make down` keeps the data of SCALE=1, `make clean` keeps nothing."""

from __future__ import annotations

import pytest

from e2e.services import PROJECT, Containers
from e2e.stack_under_test import ROOT
from scale.stack import Scaled

pytestmark = [pytest.mark.live, pytest.mark.containers, pytest.mark.timeout(600)]

VOLUMES = {
    "prometheus-data", "alertmanager-data", "alertmanager-2-data", "grafana-data", "sla-data", "sla-2-data",
    "demo-data", "vmstorage-1-data", "vmstorage-2-data", "postgres-data",
}  # fmt: skip  # a list to look at


def test_down_removes_containers_and_network_and_clean_the_volumes(
    up: Scaled, containers: Containers
) -> None:
    of_project = {"label": f"{PROJECT}={up.command.name}"}

    def volumes() -> set[str]:
        found = containers.client.volumes.list(filters=of_project)
        return {volume.name.removeprefix(f"{up.command.name}_") for volume in found}

    up.command("down")
    assert containers.names() == set()
    assert containers.client.networks.list(filters=of_project) == []
    assert volumes() == VOLUMES
    up.command("clean", "--yes")
    assert volumes() == set()
    left = {path.name for place in ("scale", "secrets") for path in (ROOT / ".run" / place).glob("*")}
    assert up.command.name not in left
