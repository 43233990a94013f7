"""The report for customers: public SLAs only, in words without internals, from the frozen month."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sla_worker import cli
from sla_worker.customer import customer_report
from sla_worker.errors import SLAWorkerError
from sla_worker.model import CountsAs, CreditTerms, Definition, Maintenance, Planned, Scope, Tier, Wrong
from sla_worker.model.customer import CustomerReport
from sla_worker.render.customer import RENDER
from unit.sla_worker.month_ledger import BERLIN, END, ERRORS, LATENCY, SCORE, STEP, UPTIME, March, at

REPORTS = Path(__file__).parent / "reports"
LATER = END + 3 * STEP
HOST, AUTHOR = "db-7.internal", "ann@example.com"
INCIDENT = "API Error Rate / crm: 2026-03-10 11:00 CET to 2026-03-10 12:00 CET, 1 h"


def definitions() -> list[Definition]:
    """Errors and uptime are public, and errors have credits; latency is not, nor is the score."""
    public = replace(ERRORS.policy, public=True)
    tiers = (Tier(Decimal("99.95"), Decimal("10")),)
    return [
        replace(UPTIME, policy=replace(public, maintenance=Maintenance.COUNTED_GOOD)),
        replace(LATENCY, name="Secret Latency"),
        replace(ERRORS, policy=replace(public, credits=tiers, credit_terms=CreditTerms(claim_days=30))),
        replace(SCORE, name="Secret Score"),
    ]


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> Iterator[March]:
    """Maintenance of all SLAs for two hours, and of the private one alone; web corrected for an hour."""
    made = March(tmp_path_factory.mktemp("customer") / "sla.db", definitions=definitions())
    made.fill()
    for start, scope in (("2026-03-05T02:00", Scope()), ("2026-03-06T02:00", Scope((LATENCY.key,)))):
        planned = Planned(scope, at(start), at(start) + 2 * STEP, AUTHOR, f"new disks of {HOST}")
        made.database.maintenance.add(planned, made.now)
    wrong = Wrong(
        ERRORS.key, at("2026-03-12"), at("2026-03-12T01:00"), CountsAs.EXCLUDED, AUTHOR, HOST, ("web",)
    )
    made.database.corrections.add(wrong, made.now)
    yield made
    made.close()


def report(march: March) -> CustomerReport:
    return customer_report(march.database, "2026-03", BERLIN, march.now)


@pytest.fixture(scope="module")
def final(march: March) -> CustomerReport:
    """After the month was frozen, and its one credit approved."""
    march.turn(LATER)
    assert report(march).credits == ()  # it is proposed, and nobody has approved it
    [proposal] = march.database.credits.all()
    march.database.credits.approve([proposal.id], AUTHOR, f"{HOST} failed", march.now)
    return report(march)


def test_before_the_month_is_frozen_it_is_an_estimate(march: March, request: pytest.FixtureRequest) -> None:
    estimate = report(march)
    assert (estimate.final, estimate.over, estimate.credits) == (False, True, ())
    text = RENDER["text"](estimate)
    assert "An estimate: the month is over, and its last figures are not final yet" in text
    assert INCIDENT in text
    assert "kept so far" in text
    # Up to the 9th nothing was bad; the slot that has begun is in the ledger already.
    so_far = customer_report(march.database, "2026-03", BERLIN, at("2026-03-09") + 60)
    assert (so_far.over, so_far.end, so_far.incidents) == (False, at("2026-03-09T01:00"), ())
    assert "An estimate: the month so far\nAll kept so far, no incident\n" in RENDER["text"](so_far)
    # The same figures as those that are frozen then.
    final: CustomerReport = request.getfixturevalue("final")
    assert final.promises == estimate.promises
    assert (final.final, final.incidents) == (True, estimate.incidents)


def test_the_figures_are_those_of_the_frozen_month(march: March, final: CustomerReport) -> None:
    # 741 of 743 hours of crm count, 40 of 100 requests failed in one of them; maintenance has no event.
    frozen = {(each["name"], each["component"]): each for each in march.document()["slas"]}
    uptime, crm, web = final.promises
    assert [each.name for each in final.promises] == [
        "Platform Uptime", "API Error Rate / crm", "API Error Rate / web",
    ]  # fmt: skip
    assert crm.kept_ratio == frozen["API Error Rate", "crm"]["compliance_ratio"] == 74_060 / 74_100
    assert crm.bad_ratio == 40 / 74_100
    assert (uptime.kept_ratio, web.kept_ratio, web.measured_ratio) == (1, 1, 1)
    assert final.credits == (("API Error Rate / crm", "10"),)
    [left_out], [counted], [corrected] = final.left_out, final.counted, final.corrected
    assert (left_out.start, left_out.end) == (at("2026-03-05T02:00"), at("2026-03-05T04:00"))
    assert left_out.names == ("API Error Rate / crm", "API Error Rate / web")
    assert counted.names == ("Platform Uptime",)
    assert (corrected.start, corrected.names) == (at("2026-03-12"), ("API Error Rate / web",))


def _texts(value: object) -> Iterator[str]:
    """Every text in a definition."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | frozenset | list):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))


def test_a_month_that_did_not_count_at_all_was_neither_used_nor_measured(tmp_path: Path) -> None:
    made = March(tmp_path / "sla.db", definitions=definitions())
    made.fill()
    made.exclude(at("2026-03-01"), END)
    made.turn(LATER)
    found = {each.name: each for each in report(made).promises}
    text = RENDER["text"](report(made))
    values = json.loads(RENDER["json"](report(made)))
    made.close()
    web = found["API Error Rate / web"]
    assert (web.kept_ratio, web.measured_ratio, web.result) == (None, None, "excluded")
    assert re.search(r"^API Error Rate / web +≤ 0\.1 % +— +— +does not count$", text, re.MULTILINE)
    assert {each["measured_ratio"] for each in values["slas"] if "API" in each["name"]} == {None}
    assert found["Platform Uptime"].measured_ratio == 1  # of which maintenance counts as good


def test_no_internal_name_of_the_definitions_is_in_it(final: CustomerReport) -> None:
    """No key, no expression, no metric, no label or its value, no description, and nobody's name."""
    shown = {UPTIME.name, ERRORS.name}
    # Words that are plain English too, which the report has of its own; and what is no word at all.
    plain = {
        "all",
        "ratio",
        "status",
        "error",
        "month",
        "seconds",
        *(each.category for each in definitions()),
    }
    texts = {text for each in definitions() for text in [*_texts(each), each.sli.metric_name]}
    internal = {each for each in texts - shown - plain if re.search("[A-Za-z]{3}", each)}
    assert {"api-error-rate", "insa_agent_requests_total", "Secret Latency", UPTIME.description} <= internal
    assert "demo-app" in internal
    internal |= {HOST, AUTHOR, "disks", "critical", "127.0.0.1", "localhost", "sla_thresholds", "{{", "insa"}
    for name, render in RENDER.items():
        made = render(final)
        found = {each for each in internal if each in made}
        assert not found, name
        assert "crm" in made


@pytest.mark.parametrize("form", ["html", "text"])
def test_the_report_is_as_it_is_kept(final: CustomerReport, form: str) -> None:
    """WRITE_REPORTS=1 writes it again; look at what changed."""
    file = REPORTS / f"customer.{'txt' if form == 'text' else form}"
    if os.environ.get("WRITE_REPORTS"):
        file.write_text(RENDER[form](final), encoding="utf-8")
    assert RENDER[form](final) == file.read_text("utf-8"), f"{file.name}: WRITE_REPORTS=1 pytest {__file__}"


def test_programs_read_the_same(final: CustomerReport) -> None:
    values = json.loads(RENDER["json"](final))
    assert (values["month"], values["final"], values["revision"]) == ("2026-03", True, 1)
    assert values["end"] == "2026-04-01T00:00:00+02:00"
    [incident] = values["incidents"]
    assert incident == {
        "sla": "API Error Rate / crm",
        "start": "2026-03-10T11:00:00+01:00",
        "end": "2026-03-10T12:00:00+01:00",
        "seconds": 3600,
    }
    _, crm, _ = values["slas"]
    assert (crm["target"], crm["achieved"], crm["result"]) == ("≤ 0.1 %", "0.05 %", "kept")
    assert crm["kept_ratio"] == 74_060 / 74_100
    assert values["credits"] == [{"sla": "API Error Rate / crm", "percent": "10"}]
    assert values["claims"][0]["until"] == "2026-04-30"


def test_one_component_alone_is_not_named_and_nothing_public_is_one_clear_error(tmp_path: Path) -> None:
    march = March(tmp_path / "sla.db", definitions=definitions())
    march.fill(range(END - 3 * STEP, END + 1, STEP))
    with pytest.raises(SLAWorkerError, match="the month 2026-05 has not begun; give one that has"):
        customer_report(march.database, "2026-05", BERLIN, march.now)
    march.now = at("2026-02-28")
    march.close()
    alone = March(tmp_path / "alone.db", definitions=definitions())
    rows = [each for each in alone.rows(END) if each.component != "web"]
    alone.now = END + 60
    alone.database.store(rows)
    assert "API Error Rate" in [each.name for each in report(alone).promises]
    alone.close()
    private = March(tmp_path / "private.db")
    private.fill([END])
    with pytest.raises(
        SLAWorkerError, match="no SLA of 2026-03 is public; give those that customers may see"
    ):
        report(private)
    private.close()


def test_the_command_prints_it(
    march: March, final: CustomerReport, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any, tmp_path: Path
) -> None:
    for name, value in {
        "SLA_DATABASE_PATH": str(march.location),
        "SLA_INTERVAL_SECONDS": str(STEP),
        "REPORT_TIMEZONE": "Europe/Berlin",
    }.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["reporter", "--customer", "2026-03"]) == 0
    said = capfdbinary.readouterr().out.decode()
    assert said.splitlines()[:-1] == RENDER["text"](final).splitlines()[:-1]  # the last one says when
    file = tmp_path / "march.html"
    assert cli.main(["reporter", "--customer", "2026-03", "--format", "html", "--file", str(file)]) == 0
    assert "Service levels in March 2026" in file.read_text("utf-8")
    assert "<!--" not in file.read_text("utf-8").partition("<body")[2]
    # With the name and the logo of who sends it, in the file itself.
    Image.new("RGB", (64, 32), "#1565c0").save(tmp_path / "logo.png")
    monkeypatch.setenv("REPORT_SENDER_NAME", "Example & Sons")
    monkeypatch.setenv("REPORT_LOGO", str(tmp_path / "logo.png"))
    assert cli.main(["reporter", "--customer", "2026-03", "--format", "html", "--file", str(file)]) == 0
    made = file.read_text("utf-8")
    assert "Example &amp; Sons" in made
    assert '<img src="data:image/png;base64,' in made
    assert "cid:" not in made
    for wrong in (["--daily"], ["--format", "csv"], ["--from", "2026-03-01", "--to", "2026-03-02"]):
        with pytest.raises(SystemExit):
            cli.main(["reporter", "--customer", "2026-03", *wrong])
    assert b"error: --customer prints a report of its own" in capfdbinary.readouterr().err
    assert cli.main(["reporter", "--customer", "soon"]) == 1


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    hostile = "<b>{{ 7*7 }}</b>"
    march = March(
        tmp_path / "sla.db",
        definitions=[replace(each, name=f"{hostile} {each.key}") for each in definitions()],
    )
    march.fill([END])
    made = RENDER["html"](report(march))
    march.close()
    assert "<b>" not in made
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in made
