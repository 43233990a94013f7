"""What Grafana is provisioned with fits together: uids, paths, folders, and the file that Compose mounts."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import yaml

from dashboards.definitions import load
from dashboards.names import DATASOURCE_UID
from dashboards.queries import panels
from stack.composefile import rendered
from stack.envfile import read as read_env

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROVISIONING = REPOSITORY / "grafana" / "provisioning"
DASHBOARDS = REPOSITORY / "grafana" / "dashboards" / "json"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROVISIONING / name).read_text(encoding="utf-8"))
    return content


def rules() -> list[tuple[str, dict[str, Any]]]:
    """(folder, rule) of every provisioned alert rule."""
    return [
        (group["folder"], rule)
        for file in sorted((PROVISIONING / "alerting").glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8")).get("groups", [])
        for rule in group["rules"]
    ]


def test_the_datasource_is_the_one_that_dashboards_name() -> None:
    assert read("datasources/prometheus.yml")["datasources"] == [
        {
            "name": "Prometheus",
            "uid": DATASOURCE_UID,
            "type": "prometheus",
            "access": "proxy",
            "orgId": 1,
            "url": "${METRICS_URL}",
            "isDefault": True,
            "editable": False,
            "jsonData": {"httpMethod": "POST", "timeInterval": "15s", "manageAlerts": True},
        }
    ]


def test_the_datasource_is_prometheus_and_with_scale_the_engine_that_the_workers_read() -> None:
    files = [REPOSITORY / name for name in ("docker-compose.yml", "docker-compose.scale.yml")]
    settings = read_env(REPOSITORY / ".env.example") | {
        "GRAFANA_ADMIN_PASSWORD": "-",
        "SLA_POSTGRES_PASSWORD": "-",
    }

    def urls(*layers: pathlib.Path) -> set[str]:
        services = rendered(layers, settings)["services"]
        workers = {
            services[name]["environment"]["PROMETHEUS_URL"] for name in services if "sla-worker" in name
        }
        return {services["grafana"]["environment"]["METRICS_URL"], *workers}

    assert urls(*files[:1]) == {"http://prometheus:9090"}
    assert urls(*files) == {"http://vmselect:8481/select/0/prometheus"}


def test_the_time_interval_is_the_scrape_interval() -> None:
    scrape = yaml.safe_load((REPOSITORY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))[
        "global"
    ]
    datasource = read("datasources/prometheus.yml")["datasources"][0]
    assert datasource["jsonData"]["timeInterval"] == scrape["scrape_interval"]


def test_the_provider_reads_where_compose_mounts_the_dashboards() -> None:
    provider = read("dashboards/insa.yml")["providers"][0]
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    mounts = json.dumps(compose["services"]["grafana"]["volumes"])
    assert provider["options"]["path"] == "/var/lib/grafana-dashboards"
    assert "/var/lib/grafana-dashboards" in mounts
    assert "grafana/dashboards/json" in mounts
    assert provider["allowUiUpdates"] is False


def test_alert_rules_have_a_folder_of_their_own() -> None:
    provider = read("dashboards/insa.yml")["providers"][0]
    assert provider["folder"]
    assert provider["folder"] not in {folder for folder, _ in rules()}


def test_the_file_of_a_dashboard_is_its_uid_and_uids_are_unique() -> None:
    uids = [json.loads(file.read_text(encoding="utf-8"))["uid"] for file in sorted(DASHBOARDS.glob("*.json"))]
    assert uids == [file.stem for file in sorted(DASHBOARDS.glob("*.json"))]
    assert len(set(uids)) == len(uids)


def test_the_platform_uptime_alert_is_below_its_target_for_five_minutes_checked_each_minute() -> None:
    content = read("alerting/sla.yml")
    group = content["groups"][0]
    rule = group["rules"][0]
    query, newest, below = rule["data"]
    assert (rule["title"], rule["for"], group["interval"]) == ("Platform Uptime SLA Breach", "5m", "60s")
    # An aggregation drops __name__, which Grafana would put into the alert's labels and its mail.
    assert query["model"]["expr"] == (
        'min by (sla) (sla_actual{sla="platform-uptime"} and on () '
        "(time() - sla_worker_last_pass_timestamp_seconds < 3 * sla_worker_slot_seconds))"
    )
    assert (newest["model"]["type"], newest["model"]["expression"]) == ("reduce", "A")
    assert (below["model"]["type"], below["model"]["expression"], rule["condition"]) == (
        "threshold",
        "B",
        "C",
    )
    (target,) = [float(sla.target) for sla in load() if sla.key == "platform-uptime"]
    assert below["model"]["conditions"][0]["evaluator"] == {"type": "lt", "params": [target]}


def test_an_alert_rule_links_to_a_panel_that_exists_and_escapes_its_labels() -> None:
    boards = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS.glob("*.json")}
    for _, rule in rules():
        board = boards[rule["annotations"]["__dashboardUid__"]]
        titles = {str(panel["id"]): panel["title"] for panel in panels(board)}
        assert titles[rule["annotations"]["__panelId__"]].startswith("Platform Uptime")
        # The mail shows it as the link "Dashboard"; Grafana expands externalURL, with a slash at its end.
        panel = f"{rule['annotations']['__dashboardUid__']}?viewPanel={rule['annotations']['__panelId__']}"
        assert rule["annotations"]["dashboard_url"] == "{{ externalURL }}d/" + panel
        assert set(rule["labels"]) >= {"severity", "component", "team"}
        assert {"summary", "description"} <= set(rule["annotations"])
        # Grafana expands $NAME from its environment in labels: a dollar sign there must be doubled.
        assert not [value for value in rule["labels"].values() if "$" in value.replace("$$", "")]
        # A silent series must raise a state of its own, never count as well.
        assert rule["noDataState"] in {"NoData", "Alerting"}


def test_grafana_s_alerts_go_through_the_one_alertmanager() -> None:
    content = read("alerting/delivery.yml")
    names = [point["name"] for point in content["contactPoints"]]
    assert [policy["receiver"] for policy in content["policies"]] == names
    receiver = content["contactPoints"][0]["receivers"][0]
    assert (receiver["type"], receiver["settings"]["url"]) == (
        "prometheus-alertmanager",
        "http://alertmanager:9093",
    )
