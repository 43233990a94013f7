"""The reports: a table for people, JUnit XML for machines."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from alerts import report
from alerts.floors import Floors
from alerts.proof import Proof, State
from alerts.shipped import Alert
from e2e.live import Mail

FLOORS = Floors(factor=15, scrape_seconds=1, evaluation_seconds=1, group_wait_seconds={"Good": 1, "Bad": 1})


def alert(name: str) -> Alert:
    return Alert(name, {"severity": "critical"}, 60, 0, ("critical",), {"critical": "c@example.com"})


def proofs() -> list[Proof]:
    mail = Mail(received_at=1008.5, recipients=("c@example.com",), subject="", html="", text="")
    over = Mail(received_at=1021.0, recipients=("c@example.com",), subject="", html="", text="")
    good = Proof(
        alert("Good"),
        "A title",
        state=State.PROVEN,
        state_at=1022,
        caused_at=1000,
        condition_at=1002,
        firing_at=1006,
        mails={"critical": mail},
        ended_at=1010,
        resolved_mails={"critical": over},
        remark="a scrape failed",
    )
    bad = Proof(alert("Bad"), "Another", state=State.FAILED, state_at=1005, caused_at=1000, problem="no mail")
    return [good, bad]


def test_the_table_tells_each_stage_beside_the_floor(tmp_path: Path) -> None:
    report.write_markdown(tmp_path / "report.md", proofs(), FLOORS, 42)
    lines = (tmp_path / "report.md").read_text().splitlines()
    assert "1 of 2 alerts proven in 42 s; durations are the shipped ones ÷ 15." in lines
    # Condition 2, firing 6, told 8.5, resolved 11 s; floor 60 ÷ 15 + 1 + 1 + 1 = 7 s; told 6.5 s after the
    # condition, where 4 + 1 + 1 = 6 s are the floor.
    assert "| Good | A title | 2.0 s | 6.0 s | 8.5 s | 7.0 s | 0.5 s | 11.0 s | proven |" in lines
    assert "- **Bad**: no mail" in lines
    assert "- Good: a scrape failed" in lines


def test_junit_has_a_case_for_each_alert_and_the_reason_of_a_failure(tmp_path: Path) -> None:
    report.write_junit(tmp_path / "junit.xml", proofs(), 42)
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314  # our own file
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite.findall("testcase")
    assert (good.get("classname"), good.get("name"), good.get("time")) == ("A title", "Good", "22.0")
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("message") == "no mail"
