"""The commands as users type them: output, exit codes, one line for an error."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from ports import free_port
from sla_worker import cli
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.model import Figures
from unit.sla_worker.fake_prometheus import THREE
from unit.sla_worker.setting import Mailbox

DEFINITIONS = read_definitions(THREE)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SLA_INTERVAL_SECONDS", "SLA_SCRAPE_INTERVAL_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLA_DATABASE_PATH", str(tmp_path / "sla.db"))
    monkeypatch.setenv("SLA_DEFINITIONS", str(THREE))
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:1")  # nobody listens there


def fill(path: Path) -> None:
    """One slot at 2023-11-14 22:15 UTC: uptime 20 of 20, latency 99 of 100, errors 2 of 1,000."""
    slot = 1_700_000_100
    database = SLADatabase(path, clock=lambda: slot)
    database.sync_definitions(DEFINITIONS)
    figures = (Figures(20, 20, 1), Figures(99, 100, 1, 2.0), Figures(998, 1000, 1))
    rows = [evaluate(*pair) for pair in zip(DEFINITIONS, (slot,) * 3, figures, strict=True)]
    database.store(rows)
    database.close()


def test_lint_says_how_many_slas_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lint", "--offline"]) == 0
    said = f"{THREE}: {len(DEFINITIONS)} SLAs, 0 errors, 0 warnings (the file alone)\n"
    assert capsys.readouterr().out == said


def test_the_report_is_aligned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "sla.db")
    assert cli.main(["calculator", "--report", "--hours", "1000000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "SLA report, 1000000 hours"
    assert [line.partition(":")[0] for line in lines[3:9]] == [
        "Period", "Generated at", "Overall compliance", "Coverage", "Number of SLAs", "Active breaches",
    ]  # fmt: skip
    assert lines[5] == "Overall compliance:  66.67 % (targets missed)"
    rows = lines[10:15]
    names = [row.split("  ")[0] for row in rows]
    # What failed comes first.
    assert names == [
        "SLA",
        "---------------------",
        "API Error Rate",
        "Platform Uptime",
        "API Response Time P95",
    ]
    assert "≤ 0.1 %" in rows[2]
    assert "0.20 %     99.80 %" in rows[2]
    results = [re.split(r"\s{2,}", row)[-1] for row in (rows[0], *rows[2:])]
    # One slot of years was measured, and less than 90 % is not enough for a pass.
    assert results == ["Result", "fail", "pass so far", "pass so far"]
    begins = {len(row) - len(last) for row, last in zip((rows[0], *rows[2:]), results, strict=True)}
    assert len(begins) == 1  # the last column begins at one place


def test_the_database_command_makes_it_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["database"]) == 0
    assert (tmp_path / "sla.db").is_file()
    fill(tmp_path / "sla.db")
    holder = SLADatabase(tmp_path / "sla.db")  # as the running service
    assert cli.main(["database"]) == 0
    holder.close()
    counts = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert counts == ["3", "3", "1"]


def test_the_reporter_writes_files_and_sends_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "sla.db")
    assert cli.main(["reporter", "--daily", "--test", "--output", str(tmp_path / "out")]) == 0
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert names[:2] == ["daily-report.html", "daily-report.txt"]
    assert [re.sub("[0-9]+", "0", each) for each in names[2:]] == [
        "sla-daily-0-0-0.csv",
        "sla-daily-0-0-0.json",
    ]


def test_alone_test_writes_all_periodic_reports(tmp_path: Path) -> None:
    """In 2026 nothing has been measured for years: a report says so, and is made all the same."""
    fill(tmp_path / "sla.db")
    assert cli.main(["reporter", "--test", "--output", str(tmp_path / "out")]) == 0
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert [each for each in names if each.endswith(".txt")] == [
        "daily-report.txt",
        "monthly-report.txt",
        "weekly-report.txt",
    ]
    assert [each.rpartition(".")[2] for each in names if each.startswith("sla-")] == [
        "csv", "json", "csv", "json", "pdf", "csv", "json",
    ]  # fmt: skip
    assert "No SLA had events in the period." in (tmp_path / "out" / "monthly-report.txt").read_text()


def test_a_report_of_any_days_is_made_as_a_pdf(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "sla.db")
    days = ["--from", "2023-11-13", "--to", "2023-11-14", "--format", "pdf"]
    file = tmp_path / "report.pdf"
    assert cli.main(["reporter", *days, "--file", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    assert file.read_bytes().startswith(b"%PDF-")
    assert cli.main(["reporter", *days[:4], "--file", str(tmp_path / "none" / "a")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["reporter", "--monthly", "--format", "pdf"])
    assert "--format and --file are of a printed report" in capsys.readouterr().err


def test_a_report_of_any_days_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors: 998 of 1,000 are good; the ledger has one slot, at 22:15 of the 14th."""
    fill(tmp_path / "sla.db")
    days = ["--from", "2023-11-13", "--to", "2023-11-14"]
    assert cli.main(["reporter", *days, "--format", "csv"]) == 0
    header, *rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    errors = dict(zip(header, rows[-1], strict=True))
    assert (errors["sla"], errors["good"], errors["total"]) == ("api-error-rate", "998.0", "1000.0")
    assert (errors["compliance_ratio"], errors["result"]) == ("0.998", "fail")
    assert errors["period_start"] == "2023-11-13T00:00:00+00:00"
    assert cli.main(["reporter", *days, "--format", "html"]) == 0
    assert "99.80" in capsys.readouterr().out
    for wrong, line in (
        (["2023-11-14", "2023-11-13"], "--to 2023-11-13: lies before --from 2023-11-14; give a later day"),
        (["today", "2023-11-13"], "--from 'today': give a day like 2026-03-01"),
        (["9999-12-31", "9999-12-31"], "--from '9999-12-31': give a day like 2026-03-01"),
        (["0001-01-01", "2023-11-13"], "--from '0001-01-01': give a day like 2026-03-01"),
        (["2020-01-01", "2023-01-01"], "give 400 days at most"),
    ):
        assert cli.main(["reporter", "--from", wrong[0], "--to", wrong[1]]) == 1
        assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "subject", "others"),
    [
        (["--weekly"], "Weekly SLA report", ["platform-team@example.com"]),
        (["--monthly"], "Monthly SLA report", ["platform-team@example.com", "management@example.com"]),
        (["--breach", "1"], "[critical] SLA breached: API Error Rate", ["on-call@example.com"]),
    ],
)
def test_a_report_that_is_asked_for_reaches_its_readers(
    options: list[str], subject: str, others: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "sla.db")
    port = free_port()
    monkeypatch.setenv("SMTP_PORT", str(port))
    with Mailbox(port) as mailbox:
        assert cli.main(["reporter", *options]) == 0
    [mail] = mailbox.mails
    assert str(mail["Subject"]).startswith(subject)
    assert mailbox.recipients == [["owner@example.com", *others]]
    # That about a breach answers the mail that left when it began.
    first = hashlib.sha256(b"breach:1").hexdigest()[:32]
    assert mail["In-Reply-To"] == (f"<{first}@example.com>" if "--breach" in options else None)
    assert mail["References"] == mail["In-Reply-To"]


def test_a_breach_that_there_is_not_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "sla.db")
    assert cli.main(["reporter", "--breach", "7", "--test", "--output", str(tmp_path / "out")]) == 1
    assert "error: there is no breach with the number 7" in capsys.readouterr().err
    assert cli.main(["reporter", "--breach", "1", "--test", "--output", str(tmp_path / "out")]) == 0
    assert "API Error Rate" in (tmp_path / "out" / "breach-report.txt").read_text()


@pytest.mark.parametrize(
    ("command", "environ", "line"),
    [
        (["calculator"], {}, "error: Prometheus at http://127.0.0.1:1 does not answer"),
        (["calculator", "--report"], {}, "there is no database yet; run sla_database"),
        (["worker"], {"SLA_WORKER_PORT": "web"}, "error: SLA_WORKER_PORT=web: give a whole number from 1 to"),
        (["worker"], {"SLA_INTERVAL_SECONDS": "100"}, "must be a multiple of SLA_SCRAPE_INTERVAL_SECONDS=15"),
        (["worker"], {"REPORT_TIMEZONE": "Mars/Base"}, "error: REPORT_TIMEZONE=Mars/Base: give a zone like"),
        (
            ["worker"],
            {"REPORT_OWNER": "me"},
            "error: REPORT_OWNER=me: me is not a mail address; give one like owner@",
        ),
        (["worker"], {"SMTP_TLS": "yes"}, "error: SMTP_TLS=yes: give one of none, starttls, tls"),
        (
            ["worker"],
            {"PROMETHEUS_URL": "prom:9090"},
            "error: PROMETHEUS_URL=prom:9090: give a URL like http",
        ),
        (["worker"], {"SMTP_PASSWORD_FILE": "/none"}, "error: SMTP_PASSWORD_FILE=/none: cannot be read"),
        (
            ["worker"],
            {"SLA_WORKER_BIND": "192.0.2.1"},
            "error: SLA_WORKER_BIND=192.0.2.1: cannot listen there",
        ),
        (
            ["worker"],
            {"SLA_WORKER_BIND": "no.invalid"},
            "error: SLA_WORKER_BIND=no.invalid: cannot listen there",
        ),
        (["lint"], {"SLA_DEFINITIONS": "/none"}, "error: /none: cannot be read"),
    ],
)
def test_an_error_is_one_line_and_no_trace(
    command: list[str],
    environ: dict[str, str],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert cli.main(command) == 1
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("option", ["--hours", "--interval"])
@pytest.mark.parametrize("number", ["99999999", "0", "-1", "1.5", "1_0", "٣", "9" * 5000, "x"])
def test_a_number_out_of_range_is_an_error_of_use(
    option: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["calculator", "--report", f"{option}={number}"])
    assert ended.value.code == 2
    error, fix = capsys.readouterr().err.splitlines()
    assert error == f"error: {option}: invalid number: {number if len(number) < 40 else '9' * 40 + '…'!r}"
    assert fix == f"fix:   give a whole number from 1 to {1_000_000 if option == '--hours' else 3600}"


def test_an_argument_that_is_not_known_is_an_error_with_a_fix(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["calculator", "--report", "x"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "error: unrecognized arguments: x\nfix:   sla_calculator --help shows what it takes\n"
    )


def test_an_unknown_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dance"]) == 2
    assert "|worker|lint|maintenance|correct|months|evidence|replay|generate}" in capsys.readouterr().err
