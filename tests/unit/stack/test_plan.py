"""What local mode starts for each service: flags and environment of docker-compose.yml, made local."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
import yaml

from stack import composefile, plan
from stack.binaries import Found
from stack.composefile import Definition
from stack.settings import Instance
from stack.supervision import Program


def found(name: str, version: tuple[int, int, int]) -> Found:
    return Found(name, Path(f"/opt/{name}/bin/{name}"), "from the test", version)


NEW = {"prometheus": found("prometheus", (3, 13, 4)), "alertmanager": found("alertmanager", (0, 34, 1))}
OLD = {"prometheus": found("prometheus", (2, 42, 0)), "alertmanager": found("alertmanager", (0, 25, 0))}


@pytest.fixture
def definitions(instance: Instance) -> dict[str, Definition]:
    return composefile.definitions(instance.root / "docker-compose.yml", instance.variables, ("demo",))


def programs(
    instance: Instance, definitions: dict[str, Definition], have: dict[str, Found]
) -> dict[str, Program]:
    config = instance.directory / "config"
    plan.render(definitions, instance, config)
    flags = plan.fit(config, have, definitions)
    return {program.name: program for program in plan.programs(definitions, have, instance, config, flags)}


def test_a_new_prometheus_runs_with_the_flags_of_compose(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    port = instance.env["PROMETHEUS_PORT"]
    assert programs(instance, definitions, NEW)["prometheus"].argv == (
        "/opt/prometheus/bin/prometheus",
        "--config.file=config/prometheus/prometheus.yml",  # below its working directory
        f"--storage.tsdb.path={instance.directory}/data/prometheus-data",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url=http://localhost:{port}",
        "--web.cors.origin=none",
        "--rules.alert.for-grace-period=0s",
        "--rules.alert.resend-delay=1m100ms",
        "--query.lookback-delta=5m",
        "--config.auto-reload",
        "--config.auto-reload-interval=15s",
    )


def test_an_old_prometheus_gets_only_flags_that_it_knows(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    argv = programs(instance, definitions, OLD)["prometheus"].argv
    assert not [word for word in argv if word.startswith("--config.auto-reload")]
    assert argv[-3:] == (
        "--storage.tsdb.retention.time=15d",
        "--storage.tsdb.retention.size=10GB",
        "--enable-feature=expand-external-labels",
    )


@pytest.mark.parametrize(("version", "known"), [((0, 29, 9), False), ((0, 30, 0), True), (None, True)])
def test_alertmanager_waits_for_all_alerts_after_its_start_if_it_knows_how(
    instance: Instance,
    definitions: dict[str, Definition],
    version: tuple[int, int, int] | None,
    known: bool,  # noqa: FBT001  # a parameter
) -> None:
    have = NEW | {"alertmanager": dataclasses.replace(NEW["alertmanager"], version=version)}
    argv = programs(instance, definitions, have)["alertmanager"].argv
    assert ("--dispatch.start-delay=1m" in argv) is known
    assert "--cluster.listen-address=" in argv


def test_everything_listens_on_loopback(instance: Instance, definitions: dict[str, Definition]) -> None:
    for program in programs(instance, definitions, NEW).values():
        assert "0.0.0.0" not in " ".join([*program.argv, *program.environment.values()])  # noqa: S104  # looked for


def test_the_rendered_configuration_points_at_this_machine(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    programs(instance, definitions, NEW)
    config = instance.directory / "config"
    prometheus = yaml.safe_load((config / "prometheus" / "prometheus.yml").read_text())
    assert prometheus["rule_files"] == [f"{config}/prometheus/rules/*.yml"]
    managers = prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert managers == [f"127.0.0.1:{instance.env['ALERTMANAGER_PORT']}"]
    assert [job["job_name"] for job in prometheus["scrape_configs"]] == ["demo-app"]  # Grafana is not there
    alertmanager = yaml.safe_load((config / "alertmanager" / "alertmanager.yml").read_text())
    assert alertmanager["global"]["smtp_smarthost"] == f"127.0.0.1:{instance.env['SMTP_PORT']}"


def test_the_python_services_get_the_environment_of_compose(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    made = programs(instance, definitions, NEW)
    demo, worker = made["demo-app"], made["sla-worker"]
    assert demo.argv == (sys.executable, "-m", "demo_app")
    assert demo.environment["DEMO_BIND"] == "127.0.0.1"
    assert demo.environment["DEMO_API_PORT"] == instance.env["DEMO_API_PORT"]
    assert demo.environment["DEMO_DATA_DIR"] == f"{instance.directory}/data/demo-data"
    assert worker.environment["PROMETHEUS_URL"] == f"http://127.0.0.1:{instance.env['PROMETHEUS_PORT']}"
    assert worker.environment["SLA_DATABASE_PATH"] == f"{instance.directory}/data/sla-data/sla.db"
    assert worker.environment["SLA_DEFINITIONS"] == f"{instance.root}/sla-worker/sla_thresholds.yml"
    assert worker.environment["RUNBOOKS_DIR"] == f"{instance.root}/runbooks"
    assert (worker.environment["SMTP_HOST"], worker.environment["SMTP_PORT"]) == (
        "127.0.0.1",
        instance.env["SMTP_PORT"],
    )


def test_a_mail_server_of_ones_own_is_left_as_it_is(instance: Instance) -> None:
    instance.env.update(REPORT_SMTP_HOST="mail.example.com", REPORT_SMTP_PORT="587")
    definitions = composefile.definitions(instance.root / "docker-compose.yml", instance.variables, ("demo",))
    environment = programs(instance, definitions, NEW)["sla-worker"].environment
    assert (environment["SMTP_HOST"], environment["SMTP_PORT"]) == ("mail.example.com", "587")


def test_without_mailhog_the_stand_in_runs_and_without_grafana_nothing(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    made = programs(instance, definitions, NEW)
    assert made["mailhog"].argv[1:3] == ("-m", "stack.sink")
    assert set(made) == {"prometheus", "alertmanager", "mailhog", "demo-app", "sla-worker"}


def test_a_changed_source_file_changes_the_specification(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    (instance.root / "demo-app" / "src").mkdir()
    before = programs(instance, definitions, NEW)["demo-app"].specification(instance.directory)
    assert programs(instance, definitions, NEW)["demo-app"].specification(instance.directory) == before
    (instance.root / "demo-app" / "src" / "a.py").write_text("A = 1\n")
    assert programs(instance, definitions, NEW)["demo-app"].specification(instance.directory) != before
