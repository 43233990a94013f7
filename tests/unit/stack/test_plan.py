"""What local mode starts for each service: flags and environment of docker-compose.yml, made local."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stack import composefile, plan, secret_files
from stack.binaries import Found
from stack.composefile import Definition
from stack.local_mode import LocalStack
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
    assert ("--dispatch.start-delay=90s" in argv) is known
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
    assert [job["job_name"] for job in prometheus["scrape_configs"]] == [
        "demo-app",
        "targets",
    ]  # no Grafana here
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


def test_links_for_readers_are_as_the_settings_have_them(instance: Instance) -> None:
    """Even when they look like an address inside the containers."""
    instance.env.update(PROMETHEUS_PORT="9090", SLA_WORKER_PORT="8080", GRAFANA_PORT="3000")
    instance.env.update(ALERTMANAGER_PUBLIC_URL="http://alertmanager:9093")
    made = programs(
        instance, composefile.definitions(instance.root / "docker-compose.yml", instance.variables, ()), NEW
    )
    assert "--web.external-url=http://localhost:9090" in made["prometheus"].argv
    assert "--web.external-url=http://alertmanager:9093" in made["alertmanager"].argv
    worker = made["sla-worker"].environment
    assert worker["SLA_WORKER_PUBLIC_URL"] == "http://localhost:8080"
    assert worker["PROMETHEUS_URL"] == "http://127.0.0.1:9090"


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


def test_without_the_demo_app_nothing_knows_of_it(instance: Instance) -> None:
    config = instance.directory / "config"
    for demo, expected in (("1", ["demo-app.yml"]), ("0", [])):
        instance.env["DEMO"] = demo
        found = LocalStack(instance).definitions()
        names = set(programs(instance, found, NEW))
        assert ("demo-app" in names) is (demo == "1")
        assert [path.name for path in config.glob("prometheus/demo/targets/*")] == expected
    assert "demo-app" not in instance.services
    assert not {"DEMO_API_PORT", "DEMO_METRICS_PORT"} & instance.ports.keys()


def test_the_demo_apps_target_is_on_this_machine(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    programs(instance, definitions, NEW)
    file = instance.directory / "config/prometheus/demo/targets/demo-app.yml"
    port = instance.env["DEMO_METRICS_PORT"]
    assert yaml.safe_load(file.read_text()) == [{"targets": [f"127.0.0.1:{port}"]}]


@pytest.mark.parametrize("change", ["definitions", "secret"])
def test_what_the_sla_worker_reads_at_its_start_changes_its_specification(
    instance: Instance, definitions: dict[str, Definition], change: str
) -> None:
    before = programs(instance, definitions, NEW)["sla-worker"].specification(instance.directory)
    if change == "secret":
        instance.env["SLA_WEBHOOK_TOKEN"] = "another-secret-of-the-test"  # noqa: S105  # not one
    else:
        (instance.root / "sla-worker" / "sla_thresholds.yml").write_text("slas: {changed: 1}\n")
    assert programs(instance, definitions, NEW)["sla-worker"].specification(instance.directory) != before


def test_the_secret_is_read_from_the_file_that_was_written(
    instance: Instance, definitions: dict[str, Definition]
) -> None:
    secret_files.write(instance)
    path = Path(programs(instance, definitions, NEW)["sla-worker"].environment["SLA_WEBHOOK_TOKEN_FILE"])
    assert path.read_text() == "from-the-test-too"
    # Its readers are other users; who may not enter the directory above does not reach it.
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parents[1].stat().st_mode & 0o777 == 0o700


def test_paths_of_a_strange_directory_are_put_in_whole(
    tmp_path: Path, instance_at: Callable[[Path], Instance]
) -> None:
    instance = instance_at(tmp_path / 'it\'s 50%, $HOME: "é" #1 [x]')
    definitions = LocalStack(instance).definitions()
    provisioning = instance.root / "grafana" / "provisioning"
    (provisioning / "boards.yml").write_text("path: /var/lib/grafana-dashboards\n")
    (instance.root / "alertmanager" / "alertmanager.yml").write_text("file: /run/secrets/x\n")
    made = programs(instance, definitions, NEW)
    assert made["prometheus"].argv[2] == f"--storage.tsdb.path={instance.directory}/data/prometheus-data"
    config = instance.directory / "config"
    assert yaml.safe_load((config / "alertmanager/alertmanager.yml").read_text()) == {
        "file": f"{instance.secrets}/x"
    }
    # Grafana puts variables into what it reads, and $$ becomes $.
    boards = yaml.safe_load((config / "grafana/boards.yml").read_text())["path"]
    assert boards.replace("$$", "$") == f"{instance.root}/grafana/dashboards/json"
    assert boards.count("$") == 2


def test_a_copy_to_check_stays_valid_whatever_the_path(
    tmp_path: Path, instance_at: Callable[[Path], Instance]
) -> None:
    instance = instance_at(tmp_path / 'it\'s: "1" #2')
    (instance.root / "alertmanager" / "alertmanager.yml").write_text("file: /run/secrets/x  # note\n")
    plan.render(LocalStack(instance).definitions(), instance, tmp_path / "check", keep_lines=True)
    text = (tmp_path / "check" / "alertmanager" / "alertmanager.yml").read_text()
    assert text == "file: /run/secrets/x  # note\n"
