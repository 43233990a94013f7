"""The API against its own description: every address on a filled ledger, each answer by its schema."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from sla_worker.web.openapi import described
from sla_worker.web.operations import OPERATIONS, Operation
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_ledger import FORMULA, NAME, PRIVATE, PUBLIC, UPTIME, filled

DOCUMENT = described()
# What a required parameter is given, and paths whose values are not in the ledger of web_ledger.py.
VALUES = {"sla": PUBLIC, "month": "2023-11", "name": "HighErrorRate", "id": "1"}
EMPTY = {"/months/{month}": 404, "/api/months/{month}": 404, "/evidence/{month}": 404} | {
    f"/reports/{{id}}{ending}": 404
    for ending in (".csv", ".json", ".pdf")  # whose first mail is of a breach
}


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    directory = tmp_path_factory.mktemp("api")
    (directory / "runbooks").mkdir()
    (directory / "runbooks" / "HighErrorRate.md").write_text("# HighErrorRate\n")
    made = filled(directory)
    yield made
    made.close()


def url(operation: Operation) -> str:
    path = operation.path
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value)
    required = [each.name for each in operation.parameters if each.missing is not None]
    return path + "".join(f"?{name}={VALUES[name]}" for name in required)


def asked(setting: Setting, path: str) -> Any:
    status, body = setting.ask(path)
    assert status == "200 OK", body
    return json.loads(body)


def fits(name: str, value: object) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    errors = [each.message for each in Draft202012Validator(schema).iter_errors(value)]
    assert errors == []


GETS = [each for each in OPERATIONS if each.method == "GET"]


@pytest.mark.parametrize("operation", GETS, ids=lambda each: each.path)
def test_each_answer_is_as_the_document_says(setting: Setting, operation: Operation) -> None:
    status, body = setting.ask(url(operation))
    if operation.path in EMPTY:
        assert status.startswith(str(EMPTY[operation.path])), body
        fits("Error", json.loads(body))
    else:
        assert status == "200 OK", body
        if operation.answer is not None:
            fits(operation.answer, json.loads(body))


def test_the_document_is_valid_openapi_and_served() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).validate()


def test_every_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    unused = [
        each for each in DOCUMENT["components"]["schemas"] if f'"#/components/schemas/{each}"' not in text
    ]
    assert unused == []


def test_the_application_routes_by_the_table_and_by_nothing_else(setting: Setting) -> None:
    paths = asked(setting, "/api/openapi.json")["paths"]
    assert list(paths) == [each.path for each in OPERATIONS]
    listed = json.loads(setting.ask("/nowhere")[1])["error"]
    assert listed == "there is no /nowhere; there are " + ", ".join(each for each in paths if "{" not in each)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/measurements", "sla is missing: give the key of an SLA, such as ?sla=platform-uptime"),
        (f"/api/measurements?sla={PUBLIC}&limit=0", "limit=0: give a whole number from 1 to 1000"),
        (
            f"/api/measurements?sla={PUBLIC}&cursor=x",
            "cursor: 'x' is not the `next` of a page; leave it out",
        ),
        (
            f"/api/measurements?sla={PUBLIC}&from=yesterday",
            "from, to: invalid time or period: 'yesterday'; g",
        ),
        (f"/api/measurements?sla={PUBLIC}&to=x", "from, to: invalid time or period: 'x'; give a time like"),
        ("/api/breaches?state=closed", "state=closed: give open or over"),
        ("/api/breaches?severity=bad", "severity=bad: give one of critical, high, medium, low"),
        ("/api/status?format=xml", "format=xml: give json or csv"),
        ("/api/compliance?window=30d&from=2023-11-01", "window and from or to are both given: give one of"),
        (
            "/api/status?window=month",
            "unknown parameter: window; /api/status takes hours, team, exclusions, for",
        ),
        ("/api/corrections?sla=x", "unknown parameter: sla; /api/corrections takes format"),
        ("/api/openapi.json?x", "unknown parameter: x; /api/openapi.json takes no parameter"),
        ("/api/months/2023-11?month=2023-10", "unknown parameter: month; /api/months/{month} takes revision"),
        ("/api/explain?sla=x", "sla=x: there is no such SLA; sla_thresholds.yml lists the keys"),
        ("/explain?sla=x", "sla=x: there is no such SLA; sla_thresholds.yml lists the keys"),
        ("/?window=fortnight", "window: invalid time or period: 'fortnight'"),
        ("/?team=x", "team: there is no team x; no team has a file in sla.d"),
        ("/api/compliance?window=fortnight", "window: invalid time or period: 'fortnight'"),
    ],
)
def test_a_wrong_value_is_one_clear_line(setting: Setting, path: str, said: str) -> None:
    status, body = setting.ask(path)
    assert status == "400 Bad Request"
    fits("Error", json.loads(body))
    assert json.loads(body)["error"].startswith(said)


def test_an_unknown_sla_is_not_an_empty_answer(setting: Setting) -> None:
    for path in ("/api/measurements", "/api/compliance"):
        status, body = setting.ask(f"{path}?sla=nothing")
        assert status.startswith("404"), body
        assert json.loads(body)["error"].startswith("sla=nothing: ")


def test_pages_of_measurements_join_without_a_gap_or_a_repetition(setting: Setting) -> None:
    whole = asked(setting, f"/api/measurements?sla={PUBLIC}")
    slots = [each["slot"] for each in whole["measurements"]]
    # Slot 4 was read back once Prometheus was there again: seven slots, the newest first.
    assert slots == [SLOT + 300 * number for number in range(6, -1, -1)]
    assert whole["next"] is None
    found, cursor = [], ""
    for _ in range(4):
        page = asked(setting, f"/api/measurements?sla={PUBLIC}&limit=2{cursor}")
        found += page["measurements"]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert found == whole["measurements"]


def test_a_range_holds_the_slots_that_end_in_it(setting: Setting) -> None:
    """SLOT is 22:15 UTC; what ends after 22:15 up to 22:25 are two slots. A + that is not escaped is read."""
    for text in (
        "from=2023-11-14T22:15&to=2023-11-14T22:25",
        "from=2023-11-14T23:15+01:00&to=2023-11-14T22:25Z",
    ):
        found = asked(setting, f"/api/measurements?sla={PUBLIC}&{text}")["measurements"]
        assert [each["slot"] for each in found] == [SLOT + 600, SLOT + 300]


def test_breaches_are_filtered_and_paged(setting: Setting) -> None:
    """The uptime was in breach in slot 3, and two are since slot 7."""
    every = asked(setting, "/api/breaches")["breaches"]
    assert [(each["sla"], each["state"], each["started_at"] - SLOT) for each in every] == [
        (PRIVATE, "open", 1500),
        (UPTIME, "open", 1500),
        (UPTIME, "over", 300),
    ]
    assert every[2]["duration_seconds"] == 300
    first = asked(setting, "/api/breaches?limit=2")
    second = asked(setting, f"/api/breaches?limit=2&cursor={first['next']}")
    assert first["breaches"] + second["breaches"] == every
    for query, places in (
        ("state=open", [0, 1]),
        (f"sla={PUBLIC}", []),
        ("severity=high", [0]),
        ("category=availability&state=over", [2]),
        ("to=2023-11-14T22:30", [2]),
        ("from=2023-11-14T22:40", [0, 1]),
    ):
        found = asked(setting, f"/api/breaches?{query}")["breaches"]
        assert found == [every[place] for place in places], query


def test_reports_say_when_and_to_how_many_without_an_address(setting: Setting) -> None:
    """The breach mails go to owner and on-call: two each."""
    body = setting.ask("/api/reports?type=breach")[1]
    found = json.loads(body)["reports"]
    sent = [each for each in found if each["state"] == "sent"]
    assert {(each["recipients"], each["delivered"]) for each in sent} == {(2, 2)}
    assert all(each["sent_at"] is not None for each in sent)
    assert "@" not in body


def test_the_figures_are_those_of_the_other_addresses(setting: Setting) -> None:
    """10 minutes without maintenance: slots 6 and 7 of the errors, 1,900 good of 2,000."""
    body = asked(
        setting, f"/api/compliance?from=2023-11-14T22:35&to=2023-11-14T22:45&exclusions=off&sla={PUBLIC}"
    )
    [found] = body["slas"]
    assert (body["end"] - body["start"], found["good"], found["total"]) == (600, 1900, 2000)
    assert (found["compliance_ratio"], found["verdict"]) == (0.95, "fail")


@pytest.mark.parametrize("operation", [each for each in GETS if each.rows], ids=lambda each: each.path)
def test_every_list_comes_as_a_table_too(setting: Setting, operation: Operation) -> None:
    address = url(operation)
    rows = asked(setting, address)[operation.rows]
    status, text = setting.ask(address + ("&" if "?" in address else "?") + "format=csv")
    assert status == "200 OK"
    table = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(table) == len(rows)
    for row, line in zip(rows, table, strict=True):
        plain = {name: value for name, value in row.items() if isinstance(value, int | float)}
        for name, value in plain.items():
            shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else str(value)
            assert line[name] == shown


def test_no_text_of_a_user_is_a_formula_in_a_table(tmp_path_factory: pytest.TempPathFactory) -> None:
    setting = filled(tmp_path_factory.mktemp("hostile"), hostile=True)
    try:
        for path in (
            "/api/maintenance",
            "/api/breaches",
            "/api/alerts",
            "/api/corrections",
            "/api/compliance",
        ):
            text = setting.ask(f"{path}?format=csv")[1]
            cells = [each for line in csv.reader(io.StringIO(text, newline="")) for each in line]
            assert [each for each in cells if each[:1] in {"=", "+", "@", "\t"}] == [], path
            assert any(each.startswith("'=") or NAME in each for each in cells), path
        assert f"'{FORMULA}" in setting.ask("/api/breaches?format=csv")[1]
    finally:
        setting.close()
