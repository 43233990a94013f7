"""`make smoke` against the recorded answers of Grafana 12.4.3: what is fine, and every kind of failure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ports import free_port
from stack import smoke
from stack.errors import StackError
from stack.settings import Instance
from unit.stack import grafana_replay as recorded
from unit.stack.grafana_replay import Replay

ROOT = Path(__file__).resolve().parents[3]
LOG = [
    'logger=settings t=2026-11-26T04:00:00Z level=info msg="Starting Grafana" version=12.4.3',
    'logger=provisioning.plugins t=2026-11-26T04:00:01Z level=error msg="of an earlier start"',
    'logger=settings t=2026-11-26T05:00:00Z level=info msg="Starting Grafana" version=12.4.3',
    'logger=provisioning.alerting t=2026-11-26T05:00:01Z level=info msg="finished to provision alerting"',
    'logger=context t=2026-11-26T05:00:02Z level=error msg="Request Completed" status=500',
]


@pytest.fixture
def grafana() -> Iterator[Replay]:
    with recorded.serving() as replay:
        yield replay


@pytest.fixture
def stack(instance: Instance, grafana: Replay) -> Instance:
    """An instance with the provisioning that ships, the recorded dashboard, the replay's port."""
    directory = instance.root / "grafana"
    shutil.rmtree(directory)
    shutil.copytree(ROOT / "grafana" / "provisioning", directory / "provisioning")
    (directory / "dashboards" / "json").mkdir(parents=True)
    own = recorded.recorded("dashboard-insa-sla-monitoring")["dashboard"]
    (directory / "dashboards" / "json" / "insa-sla-monitoring.json").write_text(json.dumps(own))
    instance.env["GRAFANA_PORT"] = grafana.port
    return instance


def checked(stack: Instance, log: list[str] | None = None) -> tuple[list[str], list[str]]:
    """What the checks say: of those that passed, and of those that failed."""
    told: list[smoke.Check] = []
    failed = smoke.run(stack, lambda: LOG if log is None else log, told.append)
    assert [check for check in told if not check.good] == failed
    assert all(check.fix for check in failed)
    return [check.words for check in told if check.good], [check.words for check in failed]


def test_a_sound_grafana_passes_every_check(stack: Instance) -> None:
    # The dashboard of that time has 12 panels below its open rows, and one in the collapsed row. They ask
    # once each, but for three numbers side by side and a table of six queries: 11 + 3 + 6.
    assert checked(stack) == (
        [
            "Grafana 12.4.3 answers, its database is ok",
            "datasource prometheus: Successfully queried the Prometheus API.",
            "dashboard insa-sla-monitoring (SLA Monitoring & Compliance): 13 panels",
            "alert rule Platform Uptime SLA Breach: inactive",
            "alerts go to Alertmanager, the provisioned contact point",
            "SLA Monitoring & Compliance: 20 queries answered, no panel without data",
            "no error of provisioning in Grafana's log",
        ],
        [],
    )


def of_the_rule(**values: object) -> Callable[[Replay], object]:
    """Another state of the rule."""
    return lambda grafana: grafana.change(
        recorded.RULES, lambda answer: answer["data"]["groups"][0]["rules"][0].update(values)
    )


def of_the_dashboard(change: Callable[[Any], object]) -> Callable[[Replay], object]:
    return lambda grafana: grafana.change(recorded.DASHBOARD, change)


FAILURES: list[tuple[str, Callable[[Replay], object]]] = [
    (
        "Grafana's database: failing",
        lambda g: g.change("/api/health", lambda a: a.update(database="failing")),
    ),
    ("there is no datasource prometheus", lambda g: g.answers.update({"/api/datasources": (200, [])})),
    (
        "the datasource prometheus does not reach http://127.0.0.1:9090: Grafana answers 400 to "
        "/api/datasources/uid/prometheus/health: connection refused",
        lambda g: g.answers.update({recorded.HEALTH_OF_DATASOURCE: (400, {"message": "connection refused"})}),
    ),
    (
        "the datasource prometheus does not reach http://127.0.0.1:9090: timeout",
        lambda g: g.answers.update(
            {recorded.HEALTH_OF_DATASOURCE: (200, {"status": "ERROR", "message": "timeout"})}
        ),
    ),
    ("dashboard insa-sla-monitoring is missing", lambda g: g.answers.pop(recorded.DASHBOARD)),
    (
        "dashboard insa-sla-monitoring (SLA Monitoring & Compliance) is in the folder 'general', "
        "not in 'insa-observability'",
        of_the_dashboard(lambda answer: answer["meta"].update(folderUid="general")),
    ),
    (
        "dashboard insa-sla-monitoring (SLA Monitoring & Compliance) is not the provisioned one: "
        "somebody has saved another over it",
        of_the_dashboard(lambda answer: answer["meta"].update(provisioned=False)),
    ),
    (
        "dashboard insa-sla-monitoring (SLA Monitoring & Compliance) has 12 panels, and its file 13",
        of_the_dashboard(lambda answer: answer["dashboard"]["panels"].pop(1)),
    ),
    (
        "alert rule insa-platform-uptime-breach is missing",
        lambda g: g.answers.update({"/api/v1/provisioning/alert-rules": (200, [])}),
    ),
    (
        "alert rule insa-platform-uptime-breach is not evaluated",
        lambda g: g.answers.update({recorded.RULES: (200, {"data": {"groups": []}})}),
    ),
    (
        "alert rule Platform Uptime SLA Breach: failed to execute query A",
        of_the_rule(health="error", lastError="failed to execute query A"),
    ),
    ("alert rule Platform Uptime SLA Breach: not evaluated yet", of_the_rule(health="unknown")),
    (
        'alert rule Platform Uptime SLA Breach has no data: sla:actual:value5m{sla="platform-uptime"}',
        of_the_rule(health="nodata"),
    ),
    (
        "contact point Alertmanager is missing",
        lambda g: g.answers.update({"/api/v1/provisioning/contact-points": (200, [])}),
    ),
    (
        "alerts go to grafana-default-email, not to Alertmanager",
        lambda g: g.change(
            "/api/v1/provisioning/policies", lambda a: a.update(receiver="grafana-default-email")
        ),
    ),
]


@pytest.mark.parametrize(("words", "damage"), FAILURES, ids=[words for words, _ in FAILURES])
def test_one_thing_that_is_wrong_is_named_alone(
    stack: Instance, grafana: Replay, words: str, damage: Callable[[Replay], object]
) -> None:
    damage(grafana)
    assert checked(stack)[1] == [words]


BREACHES = "sum(sla_active_breaches and on () (time() - sla_worker_last_pass_timestamp_seconds < 900))"
PANEL = "SLA Monitoring & Compliance, panel 12 'Active breaches', query A"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, recorded.recorded("ds-query-empty")), "no data"),
        (
            (400, recorded.recorded("ds-query-error")),
            "bad_data: 1:5: parse error: unclosed left parenthesis",
        ),
        ((502, b"<html>bad gateway"), "Grafana answers 502 to /api/ds/query: <html>bad gateway"),
        ((400, {"message": "bad request data"}), "Grafana answers 400 to /api/ds/query: bad request data"),
        ((200, {"results": {"A": {"frames": []}}}), "no data"),
    ],
)
def test_a_panel_without_an_answer_is_named_with_its_query(
    stack: Instance, grafana: Replay, answer: recorded.Answer, words: str
) -> None:
    fine = 200, recorded.recorded("ds-query-range")
    grafana.results = lambda expr: answer if expr == BREACHES else fine
    assert checked(stack)[1] == [f"{PANEL}: {words}: {BREACHES}"]


def test_samples_that_are_all_missing_are_no_data(stack: Instance, grafana: Replay) -> None:
    nothing = recorded.recorded("ds-query-range")
    for frame in nothing["results"]["A"]["frames"]:
        frame["data"]["values"][1] = [None for _ in frame["data"]["values"][1]]
    grafana.results = lambda expr: (200, nothing if expr == BREACHES else recorded.recorded("ds-query-range"))
    assert checked(stack)[1] == [f"{PANEL}: no data: {BREACHES}"]


def test_an_empty_column_beside_full_ones_is_no_fault(stack: Instance, grafana: Replay) -> None:
    """The table's fault begins when none of its queries has data."""
    table = next(body for body in asked_of(stack, grafana) if len(body["queries"]) > 3)
    first, *others = [query["expr"] for query in table["queries"]]
    for empty, faults in (({first}, 0), ({first, *others}, len(others) + 1)):
        grafana.results = lambda expr, empty=empty: (
            200,
            recorded.recorded("ds-query-empty" if expr in empty else "ds-query-range"),
        )
        found = [words for words in checked(stack)[1] if "'All SLAs'" in words]
        assert len(found) == faults


def asked_of(stack: Instance, grafana: Replay) -> list[dict[str, Any]]:
    checked(stack)
    return list(grafana.asked)


def test_queries_are_sent_as_the_panel_asks_them(stack: Instance, grafana: Replay) -> None:
    bodies = asked_of(stack, grafana)
    by_expr = {query["expr"]: (body, query) for body in bodies for query in body["queries"]}
    body, query = by_expr[BREACHES]
    assert (body["from"], body["to"], query["instant"], query["range"]) == ("now-24h", "now", True, False)
    assert query["datasource"] == {"type": "prometheus", "uid": "prometheus"}
    ranges = [query for body in bodies for query in body["queries"] if query["range"]]
    assert ranges
    assert not any(query["instant"] for query in ranges)


def test_errors_of_provisioning_since_the_last_start_are_told_once(stack: Instance) -> None:
    error = (
        "logger=provisioning.dashboard t=2026-11-26T05:00:{:02}Z level=error "
        'msg="failed to load dashboard from " file=/x.json error="invalid character"'
    )
    old_form = 'EROR[11-26|05:00:03] Failed to read logger=provisioning.plugins error="no such file"'
    said = checked(stack, [*LOG, error.format(3), error.format(33), old_form])[1]
    assert said == [
        "Grafana's log: failed to load dashboard from : invalid character",
        "Grafana's log: no such file",
    ]


def test_a_wrong_password_is_one_error_with_its_fix(stack: Instance) -> None:
    stack.env["GRAFANA_ADMIN_PASSWORD"] = "another"  # noqa: S105  # not one
    with pytest.raises(StackError, match="Grafana refuses the password of its user admin") as caught:
        checked(stack)
    assert caught.value.fix == "make up sets the one that GRAFANA_ADMIN_PASSWORD has in .env"


def test_no_password_is_one_error_with_its_fix(stack: Instance) -> None:
    stack.env["GRAFANA_ADMIN_PASSWORD"] = ""
    with pytest.raises(StackError, match="GRAFANA_ADMIN_PASSWORD is empty") as caught:
        checked(stack)
    assert caught.value.fix == "make up makes one"


def test_no_grafana_is_one_error_with_its_fix(stack: Instance) -> None:
    stack.env["GRAFANA_PORT"] = str(free_port())
    with pytest.raises(
        StackError, match=r"Grafana does not answer at http://127.0.0.1:\d+: .*refused"
    ) as caught:
        checked(stack)
    assert caught.value.fix == "make ps shows whether it runs; GRAFANA_PORT is its port"


def test_another_program_on_its_port_is_one_error(stack: Instance, grafana: Replay) -> None:
    grafana.answers["/api/health"] = 200, b"<html>hello"
    with pytest.raises(StackError, match="is not Grafana: <html>hello"):
        checked(stack)


@pytest.mark.parametrize(
    ("running", "damage", "error"),
    [
        (["grafana"], None, None),
        (
            ["grafana"],
            "/api/v1/provisioning/alert-rules",
            ("a check has failed", "make restart s=grafana, then make logs s=grafana"),
        ),
        (
            ["prometheus"],
            None,
            (
                "Grafana is not part of the stack unit: there is no program of that name here",
                "make doctor says how to have it; everything else runs without it",
            ),
        ),
        ([], None, ("the stack unit is not running", "make up")),
    ],
)
def test_a_stack_is_checked_and_what_failed_is_one_error(
    stack: Instance,
    grafana: Replay,
    running: list[str],
    damage: str | None,
    error: tuple[str, str] | None,
) -> None:
    if damage is not None:
        grafana.answers[damage] = 200, []
    told: list[smoke.Check] = []
    if error is None:
        smoke.of_stack(stack, running, lambda: LOG, told.append)
    else:
        with pytest.raises(StackError) as caught:
            smoke.of_stack(stack, running, lambda: LOG, told.append)
        assert (caught.value.message, caught.value.fix) == error
    said = [(check.good, check.words) for check in told]
    if running == ["grafana"]:
        assert (True, "dashboard insa-sla-monitoring (SLA Monitoring & Compliance): 13 panels") in said
        assert ((False, "alert rule insa-platform-uptime-breach is missing") in said) is bool(damage)
    else:
        assert said == []
