"""A setting that a service would end with is refused before anything is started or stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.grid import Grid
from stack import service_settings
from stack.errors import StackError
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def with_services(instance: Instance) -> Instance:
    """The miniature with the shipped demo-app and sla-worker."""
    for service in ("demo-app", "sla-worker"):
        shutil.copytree(
            ROOT / service / "src",
            instance.root / service / "src",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return instance


def test_the_shipped_settings_are_accepted(with_services: Instance) -> None:
    service_settings.check(with_services)


@pytest.mark.parametrize(
    ("name", "value", "error", "fix"),
    [
        ("DEMO_RATE", "five", "invalid DEMO_RATE: 'five'", "give a number from 0.1 to 200 (.env)"),
        ("REPORT_HOUR", "25", "REPORT_HOUR=25: give a whole number from 0 to 23", "change it (.env)"),
        (  # inside the container it is SMTP_TLS
            "REPORT_SMTP_TLS",
            "ssl",
            "REPORT_SMTP_TLS=ssl: give one of none, starttls, tls",
            "change it (.env)",
        ),
    ],
)
def test_what_a_service_refuses_is_said_by_the_name_of_the_setting(
    with_services: Instance, name: str, value: str, error: str, fix: str
) -> None:
    with_services.env[name] = value
    with pytest.raises(StackError) as caught:
        service_settings.check(with_services)
    assert (caught.value.message, caught.value.fix) == (error, fix)


def test_a_ledger_with_slots_of_another_length_is_refused(with_services: Instance, tmp_path: Path) -> None:
    ledger = tmp_path / "sla.db"
    service_settings.check(with_services, ledger)  # there is none yet
    assert not ledger.exists()
    SLADatabase(ledger, grid=Grid(slot_seconds=300, scrape_seconds=15)).close()
    service_settings.check(with_services, ledger)
    with_services.env["SLA_INTERVAL_SECONDS"] = "60"
    with pytest.raises(StackError) as caught:
        service_settings.check(with_services, ledger)
    assert caught.value.message == f"{ledger}: its slots are 300 s long, not 60 s"
    assert caught.value.fix == (
        "set SLA_INTERVAL_SECONDS=300 again, or move this file away for a new ledger (.env)"
    )


def test_every_service_is_heard(with_services: Instance) -> None:
    with_services.env.update({"DEMO_SEED": "x", "REPORT_OWNER": "me"})
    with pytest.raises(StackError, match=r"(?s)^invalid DEMO_SEED.*\nREPORT_OWNER=me"):
        service_settings.check(with_services)


def test_a_service_that_is_left_out_is_not_asked(with_services: Instance) -> None:
    with_services.env.update({"DEMO": "0", "DEMO_SEED": "x"})
    service_settings.check(with_services)
