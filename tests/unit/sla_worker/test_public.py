"""What everybody may know: Statuspage's shape, feed, calendar, badges, the public page and its address."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import feedparser
import icalendar
import pytest

from ports import free_port
from sla_worker.errors import SLAWorkerError
from sla_worker.maintaining import to_add
from sla_worker.model import Exclusion, Planned, Scope
from sla_worker.public import Public, ServiceState, _state, named, read
from sla_worker.settings import read_settings
from sla_worker.web.badge import width
from sla_worker.web.listening import listen
from sla_worker.web.operations import OPERATIONS
from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client
from unit.sla_worker.web_ledger import DAY, FORMULA, HOSTILE, NAME, PRIVATE, PUBLIC, UPTIME, change, filled

# What is internal in the ledger of web_ledger.py: the private SLA, authors, reasons, alerts, addresses.
INTERNAL = (
    PRIVATE, "Response Time", "ann@example.com", "new disks", "db-7", "HighErrorRate", "demo-app", "insa_",
    "runbook", "owner@", "8080", "3002", "9090", "Grafana", "Prometheus", "sla.db", "medium",
)  # fmt: skip


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = filled(tmp_path_factory.mktemp("public"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    made = filled(tmp_path_factory.mktemp("hostile"), hostile=True)
    yield made
    made.close()


def outside(
    setting: Setting, path: str, method: str = "GET", host: str = "localhost"
) -> tuple[str, dict[str, str], bytes]:
    """What the public address answers: the status line, the headers and the body."""
    found: list[Any] = []
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": host,
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(b"{}"),
    }  # fmt: skip
    body = b"".join(setting.service.public(environ, lambda *answer: found.extend(answer)))
    return found[0], dict(found[1]), body


def asked(setting: Setting, path: str) -> Any:
    status, _, body = outside(setting, path)
    assert status == "200 OK", body
    return json.loads(body)


def iso(epoch: int) -> str:
    return f"{dt.datetime.fromtimestamp(epoch, dt.UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def test_the_summary_has_the_state_of_the_public_slas(setting: Setting) -> None:
    """The uptime, critical, is in breach since slot 7: a major outage. The errors are under maintenance."""
    found = asked(setting, "/api/v2/summary.json")
    assert found["status"] == {"indicator": "critical", "description": "Major outage"}
    assert found["page"]["url"] == "http://localhost:8081/"
    assert [(each["id"], each["status"]) for each in found["components"]] == [
        (UPTIME, "major_outage"),
        (PUBLIC, "under_maintenance"),
    ]
    [incident] = found["incidents"]
    assert (incident["status"], incident["impact"], incident["started_at"]) == (
        "investigating", "critical", iso(SLOT + 1500),
    )  # fmt: skip
    assert [each["status"] for each in found["scheduled_maintenances"]] == ["in_progress", "scheduled"]


def test_incidents_have_every_update_newest_first(setting: Setting) -> None:
    """Slot 3 began 300 s after SLOT and was over 300 s later."""
    found = asked(setting, "/api/v2/incidents.json")["incidents"]
    assert [each["started_at"] for each in found] == [iso(SLOT + 1500), iso(SLOT + 300)]
    [resolved, began] = found[1]["incident_updates"]
    assert (began["status"], began["body"]) == (
        "investigating", "Platform Uptime does not meet its target of ≥ 99.9 %.",
    )  # fmt: skip
    assert (resolved["status"], resolved["body"], resolved["created_at"]) == (
        "resolved", "Platform Uptime meets its target again, after 5 min.", iso(SLOT + 600),
    )  # fmt: skip
    assert found[1]["resolved_at"] == iso(SLOT + 600)
    unresolved = asked(setting, "/api/v2/incidents/unresolved.json")["incidents"]
    assert unresolved == found[:1]


def test_maintenance_is_scheduled_in_progress_and_completed(setting: Setting) -> None:
    """Made at the same moment: a day ago, since ten minutes, in a day; the fourth was revoked."""
    every = asked(setting, "/api/v2/scheduled-maintenances.json")["scheduled_maintenances"]
    assert [each["status"] for each in every] == ["scheduled", "in_progress", "completed"]
    assert [each["name"] for each in every] == [
        "Maintenance of all services", "Maintenance of API Error Rate", "Maintenance of all services",
    ]  # fmt: skip
    assert [each["status"] for each in every[2]["incident_updates"]] == ["completed"]  # told afterwards
    for path, states in (("upcoming", ["scheduled"]), ("active", ["in_progress"])):
        found = asked(setting, f"/api/v2/scheduled-maintenances/{path}.json")["scheduled_maintenances"]
        assert [each["status"] for each in found] == states


def test_the_feed_is_valid_and_has_an_entry_for_each_event(setting: Setting) -> None:
    _, headers, body = outside(setting, "/feed.atom")
    found = feedparser.parse(body, response_headers={"content-type": headers["Content-Type"]})
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    assert len(found.entries) == 6  # two incidents, four times of maintenance
    assert len({each.id for each in found.entries}) == 6
    [taken_back] = [each for each in found.entries if "Cancelled" in each.content[0].value]
    assert "Maintenance of all services was taken back." in taken_back.content[0].value
    changed = [each.updated_parsed for each in found.entries]
    assert changed == sorted(changed, reverse=True)
    assert found.feed.updated_parsed == changed[0]
    [over] = [each for each in found.entries if "after 5 min" in each.content[0].value]
    assert "does not meet its target" in over.content[0].value
    assert over.link.startswith("http://localhost:8081/#incident-")


def test_the_calendar_is_read_by_another_program(setting: Setting) -> None:
    _, headers, body = outside(setting, "/maintenance.ics")
    assert headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    events = icalendar.Calendar.from_ical(body).walk("VEVENT")
    found = {
        str(each["STATUS"]): each for each in events if each.decoded("DTSTART").timestamp() > setting.now
    }
    # The third window, on borders of slots: SLOT is one, and `now` is 45 s behind the end of slot 7.
    begin = SLOT + 1800 + DAY
    assert found["CONFIRMED"].decoded("DTSTART") == dt.datetime.fromtimestamp(begin, dt.UTC)
    assert found["CONFIRMED"].decoded("DTEND") == dt.datetime.fromtimestamp(begin + 7500, dt.UTC)
    assert int(found["CANCELLED"]["SEQUENCE"]) == 1
    assert len({str(each["UID"]) for each in events}) == len(events) == 4


def test_each_time_of_a_recurring_window_is_an_event(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = filled(tmp_path_factory.mktemp("recurring"))
    try:
        begin = SLOT + 30 * DAY
        planned = Planned(
            Scope(), begin, begin + 3600, "ann", "weekly", rule="FREQ=WEEKLY;COUNT=3", zone="UTC"
        )
        times = [(begin + week * 7 * DAY, begin + week * 7 * DAY + 3600) for week in range(3)]
        change(made, "/api/maintain", to_add(planned, times))
        events = icalendar.Calendar.from_ical(outside(made, "/maintenance.ics")[2]).walk("VEVENT")
        begins = sorted(each.decoded("DTSTART").timestamp() for each in events)
        assert begins[-3:] == [begin, begin + 7 * DAY, begin + 14 * DAY]
    finally:
        made.close()


def test_a_badge_has_the_figure_and_the_verdict_of_the_page(setting: Setting) -> None:
    """Uptime over seven slots: 200 of 1,000 bad in 7 slots … as /api/compliance says it over 30 days."""
    found = asked(setting, f"/badge/{UPTIME}.json")
    [status] = [
        each
        for each in json.loads(setting.ask("/api/compliance?window=30d")[1])["slas"]
        if each["sla" if "sla" in each else "key"] == UPTIME
    ]
    figure = f"{status['compliance_ratio'] * 100:.2f} %"
    assert (found["label"], found["message"]) == ("Platform Uptime", f"{figure} {status['verdict']}")
    assert status["verdict"] == "fail"
    assert found["color"] == "#c62828"
    _, headers, body = outside(setting, f"/badge/{UPTIME}.svg")
    assert headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    picture = ET.fromstring(body)  # noqa: S314 - made by us
    assert picture.attrib["aria-label"] == f"Platform Uptime: {found['message']}"
    assert int(picture.attrib["width"]) == width("Platform Uptime") + width(found["message"]) + 20


def test_a_badge_that_is_not_known_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    setting = Setting(tmp_path_factory.mktemp("empty"))
    try:
        assert json.loads(setting.ask(f"/badge/{UPTIME}.json")[1])["message"] == "no data"
        assert setting.ask("/badge/nothing.svg")[0] == "404 Not Found"
    finally:
        setting.close()


def test_what_was_not_measured_lately_is_not_operational(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Three slots without a row, 900 s and more, and nobody knows how it is now."""
    setting = filled(tmp_path_factory.mktemp("stale"))
    try:
        found = {each.key: each.state for each in read(setting.service.database, int(setting.now)).services}
        assert found[PUBLIC] is ServiceState.MAINTENANCE
        late = read(setting.service.database, int(setting.now) + 3 * DAY)
        assert {each.key: each.state for each in late.services}[PUBLIC] is ServiceState.UNKNOWN
        assert Public(0, (), (), ()).words == "Not measured at the moment"
    finally:
        setting.close()


def test_maintenance_of_one_component_does_not_hide_that_another_is_down(setting: Setting) -> None:
    [whole] = [each for each in setting.service.database.get_current_sla_status(24) if each.key == UPTIME]

    def state(down: str, under_maintenance: str) -> ServiceState:
        parts = [replace(whole, component=name, in_breach=name == down) for name in ("a", "b")]
        scope = Scope(slas=(UPTIME,), components=(under_maintenance,))
        exclusion = Exclusion(1, Planned(scope, 0, 100, "ann", "disks"), 0, ((0, 100),))
        return _state(parts, [exclusion], 50, 0)

    assert state("b", "a") is ServiceState.PARTIAL
    assert state("a", "a") is ServiceState.MAINTENANCE
    assert state("", "a") is ServiceState.MAINTENANCE
    assert state("", "c") is ServiceState.OPERATIONAL


def test_three_services_are_named_and_the_others_counted() -> None:
    assert named(["a", "b"], 3) == "a, b"
    assert named(["a", "b", "c", "d", "e"], 9) == "a, b, c and 2 more"
    assert named(["a", "b"], 2) == "all services"
    assert named(["a"], 1) == "a"


OUTSIDE = [
    "/" if each.path == "/public" else each.path.replace("{sla}", UPTIME)
    for each in OPERATIONS
    if each.public
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_the_public_address_shows_nothing_internal(setting: Setting, path: str) -> None:
    status, headers, body = outside(setting, path)
    assert status == "200 OK"
    text = body.decode()
    assert [each for each in INTERNAL if each.lower() in text.lower()] == []
    assert {"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} <= headers.keys()


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if not each.public], ids=lambda each: each.path
)
def test_no_other_address_is_reachable_there(setting: Setting, operation: Any) -> None:
    path = re.sub(r"\{\w+\}", PRIVATE, operation.path)
    status, _, body = outside(setting, path, operation.method)
    if operation.path == "/":
        assert b"<h1>Status " in body
    else:
        assert status == "404 Not Found"
        assert [each for each in INTERNAL if each in json.loads(body)["error"].replace(path, "")] == []


def test_a_private_sla_has_no_badge_there_and_an_unknown_host_no_answer(setting: Setting) -> None:
    for kind in ("json", "svg"):
        assert outside(setting, f"/badge/{PRIVATE}.{kind}")[0] == "404 Not Found"
        assert outside(setting, f"/badge/nothing.{kind}")[0] == "404 Not Found"
        assert setting.ask(f"/badge/{PRIVATE}.{kind}")[0] == "200 OK"
    for path in ("/", "/healthz", "/api/v2/status.json"):
        assert outside(setting, path, host="evil.example.com")[0] == "403 Forbidden"


def test_it_has_an_address_of_its_own_once_one_is_set(setting: Setting) -> None:
    own, public = free_port(), free_port()
    environ = setting.environ | {"SLA_WORKER_PORT": str(own)}
    guards = setting.service.application, setting.service.public
    with listen(read_settings(environ), *guards) as servers:
        assert len(servers) == 1
    environ |= {"SLA_PUBLIC_BIND": "127.0.0.1", "SLA_PUBLIC_PORT": str(public)}
    with listen(read_settings(environ), *guards) as servers:
        assert len(servers) == 2
        assert b"SLA status" in Client(own).ask("GET", "/").body
        assert Client(public).ask("GET", "/metrics").status == 404
        assert b"<title>Status</title>" in Client(public).ask("GET", "/").body
    environ["SLA_PUBLIC_PORT"] = str(own)
    with pytest.raises(
        SLAWorkerError,
        match=rf"SLA_PUBLIC_PORT={own}: cannot listen on 127.0.0.1 \(Address already in use\); set",
    ):
        listen(read_settings(environ), *guards)


def test_hostile_names_stand_escaped_everywhere(hostile: Setting) -> None:
    """The name of an SLA as a definition may have it; labels of alerts and reasons are nowhere public."""
    for path in OUTSIDE:
        text = outside(hostile, path)[2].decode()
        assert "49</b>" not in text, path
        assert FORMULA not in text, path
        assert HOSTILE not in text, path
        if not path.endswith((".json", ".ics")):
            assert "<b>{{" not in text, path
    found = feedparser.parse(outside(hostile, "/feed.atom")[2])
    assert not found.bozo
    assert any(NAME in each.title for each in found.entries) or any(
        "{{ 7*7 }}" in each.title for each in found.entries
    )
    [event, *_] = icalendar.Calendar.from_ical(outside(hostile, "/maintenance.ics")[2]).walk("VEVENT")
    assert event["SUMMARY"]
    picture = ET.fromstring(outside(hostile, f"/badge/{UPTIME}.svg")[2])  # noqa: S314 - made by us
    assert picture.attrib["aria-label"].startswith("<b>{{ 7*7 }}</b>")
    names = [each["name"] for each in asked(hostile, "/api/v2/components.json")["components"]]
    assert names[0] == NAME


@pytest.mark.parametrize(
    "path", ["/?all", "/?q=7", "/incidents", "/explain?sla=platform-uptime", "/reports", "/months"]
)
def test_hostile_names_stand_escaped_on_the_pages_of_this_machine(hostile: Setting, path: str) -> None:
    status, text = hostile.ask(path)
    assert status == "200 OK"
    assert "<b>{{" not in text
    assert "49</b>" not in text
    assert path in {"/reports", "/months"} or "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in text


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.path)
def test_every_address_is_guarded_and_has_the_headers_of_security(setting: Setting, operation: Any) -> None:
    path = re.sub(r"\{\w+\}", "1", operation.path)
    for host, code in (("localhost", None), ("evil.example.com", "403")):
        found: list[Any] = []
        environ = {
            "REQUEST_METHOD": operation.method,
            "PATH_INFO": path,
            "HTTP_HOST": host,
            "wsgi.input": io.BytesIO(b""),
        }
        list(setting.service.application(environ, lambda *answer, found=found: found.extend(answer)))
        headers = dict(found[1])
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        if code is not None and path != "/healthz":
            assert found[0].startswith(code), path
